/** A WebSocketAcceptor whose clients are the test: it keeps what they get, says no to more bytes than it was told to hold, and counts misuse. */
import { PolyhostError } from "../../protocol/errors.ts"
import type { Exchange } from "../../protocol/exchange.ts"
import type {
  WebSocketAcceptor,
  WebSocketAnswer,
  WebSocketEnd,
  WebSocketEvents,
} from "../../protocol/websocket.ts"

export class FakeAcceptor implements WebSocketAcceptor {
  readonly ends: FakeEnd[] = []
  checks = 0
  /** What `check` says. */
  isRight = true
  /** Subprotocols that clients offer. */
  offered: readonly string[] = []
  /** Bytes that each client takes before it says stop. */
  takes = Number.POSITIVE_INFINITY

  check(exchange: Exchange): boolean {
    this.checks++
    if (!this.isRight) exchange.respond({ status: 400, reason: "", lines: new Uint8Array(0) }, null, true)
    return this.isRight
  }

  accept(exchange: Exchange, answer: WebSocketAnswer, events: WebSocketEvents): WebSocketEnd {
    if (answer.subprotocol !== "" && !this.offered.includes(answer.subprotocol))
      throw new PolyhostError("APP_RESPONSE_INVALID", "a subprotocol that was not offered")
    exchange.upgrade(answer.lines)
    const end = new FakeEnd(answer.subprotocol, events, this.takes)
    this.ends.push(end)
    exchange.attach({ requestBody: () => {}, drained: () => {}, left: () => end.closed(1006) })
    return end
  }

  /** The end of the latest connection. */
  get last(): FakeEnd {
    const end = this.ends.at(-1)
    if (end === undefined) throw new Error("no connection was accepted")
    return end
  }
}

export interface Received {
  readonly isText: boolean
  readonly bytes: Uint8Array
}

export class FakeEnd implements WebSocketEnd {
  readonly subprotocol: string
  /** Whole messages that the client has. */
  readonly received: Received[] = []
  readonly misuse: string[] = []
  /** What the app asked for: `[code, reason]`. */
  readonly closes: [number, string][] = []
  destroyed = false
  paused = false
  receivedBytes = 0
  largestPiece = 0
  readonly #events: WebSocketEvents
  #pieces: Uint8Array[] = []
  #isText: boolean | null = null
  #takes: number
  #full = false
  #over = false

  /** It has ended, or was asked to. */
  get isEnding(): boolean {
    return this.#over || this.closes.length > 0
  }

  constructor(subprotocol: string, events: WebSocketEvents, takes: number) {
    this.subprotocol = subprotocol
    this.#events = events
    this.#takes = takes
  }

  get bufferedBytes(): number {
    return 0
  }

  send(bytes: Uint8Array, isText: boolean, end: boolean): boolean {
    if (this.#over) this.misuse.push("send after the end")
    if (this.closes.length > 0) this.misuse.push("send after close")
    if (this.#isText !== null && this.#isText !== isText) this.misuse.push("a message of two kinds")
    if (bytes.length === 0 && !end) this.misuse.push("an empty piece")
    this.#isText = end ? null : isText
    // A copy: what was sent is the end's from now on, and must not change.
    this.#pieces.push(bytes.slice())
    this.receivedBytes += bytes.length
    this.largestPiece = Math.max(this.largestPiece, bytes.length)
    if (end) this.received.push({ isText, bytes: Buffer.concat(this.#pieces.splice(0)) })
    this.#full = this.receivedBytes >= this.#takes
    return !this.#full
  }

  close(code: number, reason: string): void {
    if (this.#over) this.misuse.push("close after the end")
    this.closes.push([code, reason])
  }

  destroy(): void {
    this.destroyed = true
    this.#over = true
  }

  pause(): void {
    if (this.paused) this.misuse.push("paused twice")
    this.paused = true
  }

  resume(): void {
    if (!this.paused) this.misuse.push("resumed unpaused")
    this.paused = false
  }

  // The client

  message(content: string | Uint8Array): void {
    if (this.#over) return
    const isText = typeof content === "string"
    this.#events.message(isText, isText ? Buffer.from(content) : content)
  }

  /** The client reads on: `bytes` more are taken. */
  read(bytes: number): void {
    this.#takes += bytes
    if (!this.#full || this.#takes <= this.receivedBytes || this.#over) return
    this.#full = false
    this.#events.drained()
  }

  closed(code: number, reason = ""): void {
    if (this.#over) return
    this.#over = true
    this.#events.closed(code, reason)
  }
}
