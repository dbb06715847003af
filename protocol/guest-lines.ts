/** GuestLines: log messages and output of a guest: checked, and passed on at a bounded rate. Owned by `host-connection.ts`. */
import { readControl } from "./control.ts"
import { type FramePayload, violation } from "./frames.ts"
import { checked } from "./guest-claims.ts"
import { LogLimit } from "./log-limit.ts"
import { OutputLimit } from "./output-limit.ts"
import { type Log, logSchema } from "./schemas.ts"

export interface GuestLineEvents {
  log(log: Log): void
  output(stream: "stdout" | "stderr", bytes: Uint8Array): void
}

export class GuestLines {
  readonly #events: GuestLineEvents
  readonly #logLimit: LogLimit
  readonly #outputLimit: OutputLimit

  constructor(events: GuestLineEvents, now: () => number) {
    this.#events = events
    this.#logLimit = new LogLimit(now)
    this.#outputLimit = new OutputLimit(now)
  }

  log(payload: FramePayload): void {
    const verdict = this.#logLimit.count(payload.end - payload.start)
    if (verdict === "read") this.#events.log(checked(logSchema.safeParse(readControl(payload)), "log"))
    else if (verdict === "first-drop")
      this.#events.log({ level: "warn", message: "too many log messages: some were dropped" })
  }

  output({ bytes, start, end }: FramePayload): void {
    const stream = bytes[start]
    // P16
    if (end - start < 2 || (stream !== 1 && stream !== 2)) throw violation("P16: a malformed output")
    this.reportDropped(false)
    if (this.#outputLimit.admits(end - start - 1))
      this.#events.output(stream === 1 ? "stdout" : "stderr", bytes.subarray(start + 1, end))
  }

  /** Says how much output was dropped, when a flood is over. */
  reportDropped(atEnd: boolean): void {
    const bytes = this.#outputLimit.takeDropped(atEnd)
    if (bytes > 0)
      this.#events.log({ level: "warn", message: `too much output: ${bytes} bytes of it were dropped` })
  }
}
