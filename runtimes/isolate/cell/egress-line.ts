/** An isolate's line to the cell's egress: made when the app fetches something for the first time. */
import { serveCalls } from "../../../protocol/calls/call-connection.ts"
import { NO_BINDINGS } from "../../../protocol/calls/no-bindings.ts"
import type { ChannelListener } from "../../../protocol/channel.ts"
import { type OutboundRule, parseOutbound } from "../../outbound.ts"
import { createEgress } from "../egress/egress.ts"

export interface EgressLineParts {
  readonly app: string
  /** As in the manifest. */
  readonly outbound: readonly string[]
  /** Bytes for the isolate. */
  readonly deliver: (bytes: Uint8Array) => void
  /** The isolate broke the protocol. */
  readonly violated: (reason: string) => void
}

export class EgressLine {
  readonly #parts: EgressLineParts
  #listener: ChannelListener | undefined
  #close: () => void = () => undefined
  #isClosed = false

  constructor(parts: EgressLineParts) {
    this.#parts = parts
  }

  /** Bytes of the isolate. */
  receive(bytes: ArrayBuffer): void {
    if (this.#isClosed) return
    this.#listener ??= this.#open()
    this.#listener.data(new Uint8Array(bytes))
  }

  close(): void {
    this.#isClosed = true
    this.#listener?.ended("the app has ended")
    this.#close()
  }

  #open(): ChannelListener {
    const { app, outbound, deliver, violated } = this.#parts
    const rules = outbound.map(parseOutbound).filter((rule): rule is OutboundRule => !("problem" in rule))
    const egress = createEgress({ rules, app, version: "0" })
    this.#close = () => egress.close()
    let listener: ChannelListener | undefined
    const channel = {
      bufferedBytes: 0,
      write: (chunks: readonly Uint8Array[]) => {
        for (const chunk of chunks) deliver(chunk)
      },
      listen: (it: ChannelListener) => {
        listener = it
      },
      close: () => undefined,
    }
    serveCalls(
      channel,
      {
        call: (call) => egress.call(call),
        store: NO_BINDINGS.store,
        closed: (reason, violation) => {
          if (violation) violated(reason)
        },
      },
      setImmediate,
    )
    if (listener === undefined) throw new Error("the server of calls does not listen")
    return listener
  }
}
