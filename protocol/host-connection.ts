/**
 * HostConnection: the host's side of the protocol on one channel. It checks every frame of the guest, which is
 * hostile until proven otherwise, carries exchanges over streams, and fails all of them the moment the channel closes.
 * It starts no process and knows no policy. Counterpart: `guest-connection.ts`.
 */
import type { Channel, ChannelListener } from "./channel.ts"
import { readControl, readText, writeControl } from "./control.ts"
import { type ClientErrorCode, messageOf, PolyhostError } from "./errors.ts"
import type { Exchange } from "./exchange.ts"
import {
  type FrameHandler,
  type FramePayload,
  FrameReader,
  FrameType,
  FrameWriter,
  frameName,
  violation,
} from "./frames.ts"
import { HostStream } from "./host-stream.ts"
import type { Welcome } from "./messages.ts"
import {
  type Hello,
  helloSchema,
  type Log,
  logSchema,
  type StartupComplete,
  type StartupFailed,
  startupCompleteSchema,
  startupFailedSchema,
} from "./schemas.ts"

export interface HostConnectionEvents {
  /** The guest said who it is. Answer with `welcome` or `close`, now or later. */
  hello(hello: Hello): void
  started(ready: StartupComplete): void
  startFailed(failure: StartupFailed): void
  log(log: Log): void
  shutdownComplete(): void
  /** Once, last. `violation` is true when the guest broke the protocol. */
  closed(reason: string, violation: boolean): void
}

export interface HostConnectionOptions {
  /** Runs a function once at the end of this turn of the event loop (`setImmediate`). */
  readonly schedule: (flush: () => void) => void
  /** Monotonic milliseconds (`performance.now`). */
  readonly now: () => number
}

type State = "new" | "greeted" | "starting" | "ready" | "closed"

export class HostConnection implements ChannelListener, FrameHandler {
  readonly #channel: Channel
  readonly #events: HostConnectionEvents
  readonly #now: () => number
  readonly #reader = new FrameReader(this)
  readonly #writer: FrameWriter
  readonly #streams = new Map<number, HostStream>()
  #state: State = "new"
  #lastStream = 0
  #pingSentAt = 0
  #closeReason = ""
  #closeCode: ClientErrorCode = "APP_CRASHED"
  #violated = false

  constructor(channel: Channel, events: HostConnectionEvents, options: HostConnectionOptions) {
    this.#channel = channel
    this.#events = events
    this.#now = options.now
    this.#writer = new FrameWriter(channel, options.schedule)
    channel.listen(this)
  }

  /** Exchanges on their way through this connection. */
  get inFlight(): number {
    return this.#streams.size
  }

  get closed(): boolean {
    return this.#state === "closed"
  }

  welcome(welcome: Welcome): void {
    if (this.#state !== "greeted") return
    this.#state = "starting"
    writeControl(this.#writer, FrameType.welcome, welcome)
  }

  /** Hands the exchange to the guest. When the connection is closed it fails at once. */
  serve(exchange: Exchange): void {
    if (this.#state !== "ready") {
      exchange.fail(this.#closeCode, this.#closeReason || "the connection to the instance is not open")
      return
    }
    // P5
    const id = ++this.#lastStream
    const stream = new HostStream(id, exchange, this.#writer, this.#streams)
    this.#streams.set(id, stream)
    stream.open()
  }

  /** Sends a heartbeat unless one is unanswered. */
  ping(): void {
    if (this.#state !== "ready" || this.#pingSentAt !== 0) return
    this.#pingSentAt = this.#now()
    this.#writer.open(FrameType.ping, 0, 0, 0)
  }

  /** Milliseconds since the unanswered heartbeat was sent, 0 when there is none. */
  silentMs(): number {
    return this.#pingSentAt === 0 ? 0 : this.#now() - this.#pingSentAt
  }

  shutdown(reason: string, graceMs: number): void {
    if (this.#state === "closed") return
    writeControl(this.#writer, FrameType.shutdown, { reason, graceMs })
    this.#writer.flush()
  }

  /** Ends the connection; what is in flight fails with `code`. */
  close(reason: string, code: ClientErrorCode = "APP_CRASHED"): void {
    if (this.#state === "closed") return
    if (this.#closeReason === "") {
      this.#closeReason = reason
      this.#closeCode = code
    }
    this.#channel.close(reason)
  }

  data(chunk: Uint8Array): void {
    if (this.#state === "closed" || this.#violated) return
    try {
      this.#reader.push(chunk)
    } catch (error) {
      this.#poison(error)
    }
  }

  // P13
  ended(reason: string): void {
    if (this.#state === "closed") return
    this.#state = "closed"
    this.#reader.stop()
    const why = this.#closeReason || reason
    this.#closeReason = why
    const streams = [...this.#streams.values()]
    this.#streams.clear()
    for (const stream of streams) stream.fail(this.#closeCode, why)
    this.#events.closed(why, this.#violated)
  }

  frame(type: number, flags: number, stream: number, payload: FramePayload): void {
    if (type >= FrameType.request) this.#streamFrame(type, flags, stream, payload)
    else this.#controlFrame(type, stream, payload)
  }

  #streamFrame(type: number, flags: number, id: number, payload: FramePayload): void {
    // P4
    if (this.#state !== "ready") throw violation(`P4: ${frameName(type)} before lifespan.startup.complete`)
    const stream = this.#streams.get(id)
    if (stream === undefined) {
      // P6: a late frame of an exchange that ended is dropped; an id that was never issued is a violation
      if (id === 0 || id > this.#lastStream)
        throw violation(`P6: ${frameName(type)} on stream ${id}, never opened`)
      return
    }
    switch (type) {
      case FrameType.response:
        return stream.response(flags, payload)
      case FrameType.body:
        return stream.responseBody(flags, payload)
      case FrameType.credit:
        return stream.credit(payload)
      case FrameType.disconnect:
        return stream.aborted(payload.bytes[payload.start] ?? 0, readText(payload, 1))
      default:
        throw violation(`P5: ${frameName(type)} from the guest`)
    }
  }

  #controlFrame(type: number, stream: number, payload: FramePayload): void {
    if (stream !== 0) throw violation(`P5: ${frameName(type)} on stream ${stream}`)
    if (type !== FrameType.hello && (this.#state === "new" || this.#state === "greeted")) {
      throw violation(`P3: ${frameName(type)} before the handshake`)
    }
    switch (type) {
      case FrameType.hello: {
        if (this.#state !== "new") throw violation("P3: a second hello")
        const hello = checked(helloSchema.safeParse(readControl(payload)), "hello")
        this.#state = "greeted"
        return this.#events.hello(hello)
      }
      case FrameType.startupComplete: {
        if (this.#state !== "starting") throw violation("P4: a second lifespan.startup.complete")
        const ready = checked(startupCompleteSchema.safeParse(readControl(payload)), frameName(type))
        this.#state = "ready"
        return this.#events.started(ready)
      }
      case FrameType.startupFailed: {
        if (this.#state !== "starting") throw violation("P4: lifespan.startup.failed after the start")
        return this.#events.startFailed(
          checked(startupFailedSchema.safeParse(readControl(payload)), frameName(type)),
        )
      }
      case FrameType.pong:
        // P11
        if (this.#pingSentAt === 0) throw violation("P11: a pong without a ping")
        this.#pingSentAt = 0
        return
      case FrameType.log:
        return this.#events.log(checked(logSchema.safeParse(readControl(payload)), "log"))
      case FrameType.shutdownComplete:
        return this.#events.shutdownComplete()
      default:
        throw violation(`P5: ${frameName(type)} from the guest`)
    }
  }

  #poison(error: unknown): void {
    this.#violated = true
    this.#reader.stop()
    this.#closeCode = "APP_PROTOCOL_ERROR"
    this.#closeReason =
      error instanceof PolyhostError ? error.message : `protocol violation: ${messageOf(error)}`
    this.#channel.close(this.#closeReason)
  }
}

function checked<T>(
  result: { success: true; data: T } | { success: false; error: { message: string } },
  what: string,
): T {
  if (result.success) return result.data
  throw violation(`P2: a malformed ${what} (${result.error.message.replace(/\s+/g, " ").slice(0, 300)})`)
}
