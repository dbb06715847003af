/**
 * HostConnection: the host's side of the protocol on one channel. It checks every frame of the guest, which is
 * hostile until proven otherwise, carries exchanges over streams, and fails all of them the moment the channel closes.
 * It starts no process and knows no policy. Counterpart: `guest-connection.ts`.
 */
import { type CallHandlers, CallServer } from "./calls/call-server.ts"
import { NO_BINDINGS } from "./calls/no-bindings.ts"
import type { Channel, ChannelListener } from "./channel.ts"
import { readControl, writeControl } from "./control.ts"
import { type ClientErrorCode, messageOf, PolyhostError } from "./errors.ts"
import type { Exchange, Untaken } from "./exchange.ts"
import { FrameReader } from "./frame-reader.ts"
import {
  type FrameHandler,
  type FramePayload,
  FrameType,
  FrameWriter,
  frameName,
  MAX_UNREAD_BYTES,
  violation,
  WINDOW_BYTES,
} from "./frames.ts"
import { checked, checkSocket } from "./guest-claims.ts"
import { GuestLines } from "./guest-lines.ts"
import type { Welcome } from "./messages.ts"
import {
  type Hello,
  helloSchema,
  type Log,
  type StartupComplete,
  type StartupFailed,
  shutdownCompleteSchema,
  startupCompleteSchema,
  startupFailedSchema,
} from "./schemas.ts"
import { StreamTable } from "./stream-table.ts"
import type { WebSocketAcceptor } from "./websocket.ts"

export interface HostConnectionEvents {
  /** The guest said who it is. Answer with `welcome` or `close`, now or later. */
  hello(hello: Hello): void
  started(ready: StartupComplete): void
  startFailed(failure: StartupFailed): void
  log(log: Log): void
  /** Bytes of the app's output, cut anywhere. */
  output(stream: "stdout" | "stderr", bytes: Uint8Array): void
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

/** `failed`: the guest said that it cannot start; it has no more to say but its log. */
type State = "new" | "greeted" | "starting" | "failed" | "ready" | "closed"

export class HostConnection implements ChannelListener, FrameHandler {
  readonly #channel: Channel
  readonly #events: HostConnectionEvents
  readonly #now: () => number
  readonly #reader = new FrameReader(this, { bodiesInPieces: true })
  readonly #writer: FrameWriter
  readonly #streams = new StreamTable()
  readonly #lines: GuestLines
  #calls: CallServer | null = null
  /** Null where the app has no hooks, or nobody ends the protocol for it. */
  #sockets: WebSocketAcceptor | null = null
  #state: State = "new"
  #welcome: Welcome | null = null
  /** NaN while no heartbeat is unanswered. */
  #pingSentAt = Number.NaN
  #shutdown: "no" | "asked" | "complete" = "no"
  #closeReason = ""
  #closeCode: ClientErrorCode = "APP_CRASHED"
  #collateral = false
  #violated = false

  constructor(channel: Channel, events: HostConnectionEvents, options: HostConnectionOptions) {
    this.#channel = channel
    this.#events = events
    this.#now = options.now
    this.#lines = new GuestLines(events, options.now)
    this.#writer = new FrameWriter(channel, options.schedule)
    channel.listen(this)
  }

  /** Exchanges on their way through this connection. */
  get inFlight(): number {
    return this.#streams.size
  }

  /** Nothing can be served on it any more. */
  get closed(): boolean {
    return this.#state === "closed" || this.#closeReason !== ""
  }

  /** The request that the guest says it answers, or null when it has none of that id. */
  exchangeOf(stream: number): Exchange | null {
    return this.#streams.exchangeOf(stream)
  }

  /** `calls` answers what the guest calls by the bindings in `welcome`; `sockets` ends WebSocket connections of a fetch app. */
  welcome(
    welcome: Welcome,
    calls: CallHandlers = NO_BINDINGS,
    sockets: WebSocketAcceptor | null = null,
  ): void {
    if (this.#state !== "greeted") return
    this.#state = "starting"
    this.#sockets = sockets
    this.#welcome = welcome
    this.#calls = new CallServer(this.#writer, calls, () => this.#checkUnread())
    writeControl(this.#writer, FrameType.welcome, welcome)
    this.#writer.flush()
  }

  /** Hands the exchange to the guest. When the connection is closed it is given back, or fails where nobody takes it. */
  serve(exchange: Exchange, untaken: Untaken | null = null): void {
    if (this.#state !== "ready" || this.#closeReason !== "") {
      if (untaken !== null && this.#closeReason !== "") return untaken()
      exchange.fail(this.#closeCode, this.#closeReason || "the connection to the instance is not open")
      return
    }
    // P12
    if (this.#shutdown !== "no") {
      exchange.fail("APP_UNAVAILABLE", "the instance is stopping")
      return
    }
    if (exchange.head.upgrade === "websocket" && this.#sockets !== null) {
      // P23
      if (!this.#sockets.check(exchange)) return
      this.#streams.openSocket({ exchange, untaken, acceptor: this.#sockets }, this.#writer)
    } else this.#streams.open(exchange, this.#writer, untaken)
    // Alone it has nobody to wait for; with others it shares their write.
    if (this.#streams.size === 1) this.#writer.flush()
    this.#checkUnread()
  }

  /** Sends a heartbeat unless one is unanswered. */
  ping(): void {
    if (this.#state !== "ready" || this.#closeReason !== "" || !Number.isNaN(this.#pingSentAt)) return
    this.#pingSentAt = this.#now()
    this.#lines.reportDropped(false)
    this.#writer.open(FrameType.ping, 0, 0, 0)
  }

  /** Milliseconds since the unanswered heartbeat was sent, 0 when there is none. */
  silentMs(): number {
    return Number.isNaN(this.#pingSentAt) ? 0 : this.#now() - this.#pingSentAt
  }

  /** Asks the guest, once it was welcomed, to finish; no exchange is taken from then on. */
  shutdown(reason: string, graceMs: number): void {
    if (this.#shutdown !== "no" || this.#closeReason !== "") return
    if (this.#state !== "starting" && this.#state !== "ready") return
    this.#shutdown = "asked"
    writeControl(this.#writer, FrameType.shutdown, { reason, graceMs })
    this.#writer.flush()
  }

  /**
   * Ends the connection; what is in flight fails with `code`. `collateral`: the app did nothing wrong (its cell is
   * replaced): what another instance can answer instead is given back.
   */
  close(reason: string, code: ClientErrorCode = "APP_CRASHED", options: { collateral?: boolean } = {}): void {
    if (this.#state === "closed") return
    if (this.#closeReason === "") {
      this.#closeReason = reason
      this.#closeCode = code
      this.#collateral = options.collateral ?? false
    }
    this.#channel.close(reason)
  }

  data(chunk: Uint8Array): void {
    if (this.#state === "closed" || this.#violated) return
    try {
      this.#reader.push(chunk)
      this.#streams.deliverSmall()
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
    this.#lines.reportDropped(true)
    this.#streams.failAll(this.#closeCode, why, this.#collateral)
    this.#calls?.close()
    this.#events.closed(why, this.#violated)
  }

  frame(type: number, flags: number, stream: number, payload: FramePayload): void {
    if (type >= FrameType.callRequest) this.#callFrame(type, flags, stream, payload)
    else if (type >= FrameType.request) this.#streamFrame(type, flags, stream, payload)
    else this.#controlFrame(type, stream, payload)
  }

  #streamFrame(type: number, flags: number, id: number, payload: FramePayload): void {
    // P4
    if (this.#state !== "ready") throw violation(`P4: ${frameName(type)} before lifespan.startup.complete`)
    this.#streams.frame(type, flags, id, payload)
  }

  #callFrame(type: number, flags: number, id: number, payload: FramePayload): void {
    // P17
    if (this.#calls === null) throw violation(`P17: ${frameName(type)} before the handshake`)
    this.#calls.frame(type, flags, id, payload)
  }

  #controlFrame(type: number, stream: number, payload: FramePayload): void {
    // P5
    if (stream !== 0) throw violation(`P5: ${frameName(type)} on stream ${stream}`)
    // P3
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
        // P4
        if (this.#state !== "starting") throw violation(`P4: ${frameName(type)} a second time`)
        const ready = checked(startupCompleteSchema.safeParse(readControl(payload)), frameName(type))
        checkSocket(ready, this.#welcome)
        if (ready.interface !== "fetch" || ready.websocket !== true) this.#sockets = null
        this.#state = "ready"
        return this.#events.started(ready)
      }
      case FrameType.startupFailed: {
        // P4
        if (this.#state !== "starting") throw violation(`P4: ${frameName(type)} after the start`)
        const failure = checked(startupFailedSchema.safeParse(readControl(payload)), frameName(type))
        this.#state = "failed"
        return this.#events.startFailed(failure)
      }
      case FrameType.pong:
        // P11
        if (payload.end > payload.start) throw violation("P11: a pong with a payload")
        if (Number.isNaN(this.#pingSentAt)) throw violation("P11: a pong without a ping")
        this.#pingSentAt = Number.NaN
        return
      case FrameType.log:
        return this.#lines.log(payload)
      case FrameType.output:
        return this.#lines.output(payload)
      case FrameType.shutdownComplete:
        // P12
        if (this.#shutdown !== "asked") throw violation(`P12: ${frameName(type)} that nobody asked for`)
        checked(shutdownCompleteSchema.safeParse(readControl(payload)), frameName(type))
        this.#shutdown = "complete"
        return this.#events.shutdownComplete()
      default:
        throw violation(`P5: ${frameName(type)} from the guest`)
    }
  }

  #checkUnread(): void {
    // P15
    const open = this.#streams.size + (this.#calls?.size ?? 0)
    const { bufferedBytes } = this.#channel
    if (bufferedBytes > MAX_UNREAD_BYTES + open * WINDOW_BYTES)
      this.#poison(violation(`P15: the guest left ${bufferedBytes} bytes unread`))
  }

  #poison(error: unknown): void {
    if (this.#violated) return
    this.#violated = true
    this.#collateral = false
    this.#reader.stop()
    this.#closeCode = "APP_PROTOCOL_ERROR"
    this.#closeReason =
      error instanceof PolyhostError ? error.message : `protocol violation: ${messageOf(error)}`
    this.#channel.close(this.#closeReason)
    // P13: not when the channel says so: a guest that does not read can keep a socket from closing
    this.ended(this.#closeReason)
  }
}
