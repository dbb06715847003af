/**
 * UpstreamExchange: one exchange on its way through a connection to a server app. Owns the flow of both directions, and
 * what becomes of the exchange when the connection breaks. The exchange it carries is the listener's.
 */
import { type ClientErrorCode, messageOf, PolyhostError } from "../../../protocol/errors.ts"
import type {
  DisconnectReason,
  Exchange,
  ExchangeHandler,
  RequestHead,
  ResponseHead,
  Untaken,
} from "../../../protocol/exchange.ts"
import { writeChunk } from "./chunk-writer.ts"
import type { Connection, ConnectionUser } from "./connection.ts"
import type { RequestWriter } from "./request-writer.ts"
import { UpstreamTunnel } from "./upstream-tunnel.ts"
import type { Verdict } from "./verdict.ts"

/** Request body bytes asked for at a time. */
const WINDOW_BYTES = 64 * 1024
/** Methods that may be sent again on a new connection when a kept-alive one turns out to be closed (RFC 9110 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])

/** Takes an exchange back. `delivered`: the app may have begun with it. */
export type Refused = (detail: string, delivered?: Parameters<Untaken>[0]) => void

export interface UpstreamExchangeOwner {
  readonly writer: RequestWriter
  /** A connection for `user`: an idle one, or, always when `fresh`, a new one, which calls `connected` later. */
  connection(user: ConnectionUser, fresh: boolean): Connection
  /** Tells, later, why connections break; absent where that is known by other ways or does not matter. */
  readonly verdict: (() => Promise<Verdict | undefined>) | undefined
  finished(): void
}

export class UpstreamExchange implements ExchangeHandler, ConnectionUser {
  readonly #exchange: Exchange
  readonly #owner: UpstreamExchangeOwner
  readonly #refused: Refused | undefined
  readonly #head: RequestHead
  #connection: Connection | null = null
  #over = false
  /** It was sent on a kept-alive connection that then broke. */
  #perhapsTaken = false
  /** All of the request was written. */
  #sent = false
  #sentTrailers = false
  /** Body bytes still to come when their number is declared. */
  #bodyLeft: number
  /** Body bytes that were written and not yet asked for again. */
  #owedPull = 0
  #pulling = false
  /** The app takes no request bytes for now. */
  #appFull = false
  /** The client takes no answer bytes for now. */
  #clientFull = false
  /** The end of the answer, with its trailers, when it came while the client took nothing. */
  #heldTrailers: Uint8Array | null = null

  constructor(exchange: Exchange, owner: UpstreamExchangeOwner, refused: Refused | undefined) {
    this.#exchange = exchange
    this.#owner = owner
    this.#refused = refused
    this.#head = exchange.head
    this.#bodyLeft = this.#head.bodyBytes
  }

  start(): void {
    this.#exchange.attach(this)
    if (this.#over) return
    if (this.#exchange.finished) this.#finish()
    else this.#use(this.#owner.connection(this, false))
  }

  fail(code: ClientErrorCode, detail: string): void {
    if (!this.#finish()) return
    this.#connection?.destroy()
    this.#exchange.fail(code, detail)
  }

  end({ code, reason, collateral }: Verdict): void {
    const { method, bodyBytes } = this.#head
    const begun = this.#connection?.reader.begun === true || this.#exchange.responded
    const mayBeGivenBack = !begun && bodyBytes === 0 && IDEMPOTENT.has(method)
    if (!collateral || !mayBeGivenBack || this.#refused === undefined) return this.fail(code, reason)
    if (this.#finish()) this.#refused(reason, { code, detail: reason })
  }

  // Events of the exchange

  requestBody(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): void {
    const connection = this.#connection
    if (this.#over || this.#sent || connection === null) return
    if (this.#head.bodyBytes !== -1) this.#writeRaw(connection, chunk, end)
    else this.#writeChunk(connection, chunk, end ? (trailers ?? NO_BYTES) : null)
    this.#owedPull += chunk.length
    this.#pull()
  }

  drained(): void {
    if (this.#over) return
    this.#clientFull = false
    const trailers = this.#heldTrailers
    if (trailers === null) this.#connection?.resume()
    else {
      this.#heldTrailers = null
      this.responseBody(NO_BYTES, true, trailers)
    }
  }

  left(_reason: DisconnectReason): void {
    if (this.#finish()) this.#connection?.destroy()
  }

  // Events of the connection

  connected(): void {
    const connection = this.#connection
    if (connection === null || this.#over) return
    const { writer } = this.#owner
    const bytes = writer.write(this.#head)
    if (bytes === null) return this.fail("BAD_REQUEST", "a method or target that cannot be sent")
    connection.reader.start(this.#head.method === "HEAD", this.#head.upgrade)
    if (this.#head.bodyBytes === 0) {
      this.#sent = true
      connection.write(bytes)
      if (!connection.flushed) writer.keep()
      return
    }
    // What is there of the body goes out with the head, in one write.
    connection.cork()
    connection.write(bytes.slice())
    this.#owedPull = WINDOW_BYTES
    this.#pull()
    connection.uncork()
  }

  writable(): void {
    this.#appFull = false
    this.#pull()
  }

  responseInformed(status: number, lines: Uint8Array): void {
    if (this.#over) return
    try {
      this.#exchange.inform(status, lines)
    } catch (error) {
      this.#answerRefused(error)
    }
  }

  responseUpgraded(lines: Uint8Array, first: Uint8Array): void {
    const connection = this.#connection
    if (this.#over || connection === null) return
    let more = false
    try {
      more = this.#exchange.upgrade(lines)
    } catch (error) {
      this.#answerRefused(error)
      return
    }
    this.#over = true
    const tunnel = new UpstreamTunnel(this.#exchange, connection, this.#owner)
    connection.tunnelTo(tunnel)
    tunnel.start(first, more)
  }

  responseHead(head: ResponseHead, body: Uint8Array | null, end: boolean): void {
    if (this.#over) return
    // A listener may write the bytes as they are, and its socket may still hold them when the next answer is read.
    const own = body === null ? null : (this.#connection as Connection).own(body)
    try {
      this.#clientFull = !this.#exchange.respond(head, own, end)
    } catch (error) {
      this.#answerRefused(error)
      return
    }
    this.#handedOn(end)
  }

  responseBody(piece: Uint8Array, end: boolean, trailers: Uint8Array | undefined): void {
    if (this.#over) return
    if (this.#clientFull) {
      // Reading is paused: only the end of the answer, which has no bytes of its own, can still come.
      this.#heldTrailers = trailers ?? NO_BYTES
      return
    }
    const chunk = piece.length === 0 ? NO_BYTES : (this.#connection as Connection).own(piece)
    try {
      this.#clientFull = !this.#exchange.write(chunk, end, trailers)
    } catch (error) {
      this.#answerRefused(error)
      return
    }
    this.#handedOn(end)
  }

  answered(): boolean {
    // It serves another from now on.
    this.#connection = null
    // Bun takes trailers for the beginning of a next request, and answers it: that must not be the next one's answer.
    // A server that has a listener for upgrades may have left the connection to the app, which wrote this answer itself.
    return this.#sent && !this.#sentTrailers && this.#head.upgrade === ""
  }

  broken(code: string): void {
    const connection = this.#connection
    if (this.#over || connection === null) return
    const { method, bodyBytes } = this.#head
    const { begun } = connection.reader
    // A kept-alive connection that the app closed at this very moment: the request was not taken.
    if (connection.reused && !begun && !this.#perhapsTaken && bodyBytes === 0 && IDEMPOTENT.has(method)) {
      this.#perhapsTaken = true
      this.#use(this.#owner.connection(this, true))
      return
    }
    // One that may have been what ended the instance is not given to the next.
    if (!connection.connected && !this.#perhapsTaken && bodyBytes === 0 && this.#refused !== undefined) {
      if (this.#finish()) this.#refused(`the app's server took no connection (${code})`)
      return
    }
    const what = begun ? "the app cut its response" : "the app's server gave no answer"
    const { verdict } = this.#owner
    const unknown: Verdict = { code: "APP_CRASHED", reason: `${what} (${code})`, collateral: false }
    if (verdict === undefined || begun) this.end(unknown)
    else verdict().then((it) => this.end(it ?? unknown))
  }

  #use(connection: Connection): void {
    this.#connection = connection
    if (connection.connected) this.connected()
  }

  #handedOn(end: boolean): void {
    if (end) this.#finish()
    // The exchange itself may end it: a body that does not fit its head.
    else if (this.#exchange.finished) this.left("host-stopping")
    else if (this.#clientFull) this.#connection?.pause()
  }

  #answerRefused(error: unknown): void {
    const invalid = error instanceof PolyhostError && error.code === "APP_RESPONSE_INVALID"
    this.fail(invalid ? "APP_RESPONSE_INVALID" : "APP_ERROR", messageOf(error))
  }

  /** A piece of a body of declared length, as it is. */
  #writeRaw(connection: Connection, chunk: Uint8Array, end: boolean): void {
    this.#bodyLeft -= chunk.length
    if (!(this.#bodyLeft >= 0) || (end && this.#bodyLeft > 0)) {
      this.fail(
        "BAD_REQUEST",
        `a request body that is not of its declared length, ${this.#head.bodyBytes} bytes`,
      )
      return
    }
    this.#sent = this.#bodyLeft === 0
    if (chunk.length > 0) this.#appFull = !connection.write(chunk)
  }

  /** A piece of a body of unknown length, as one chunk and in one write; with `trailers` it is the last. */
  #writeChunk(connection: Connection, chunk: Uint8Array, trailers: Uint8Array | null): void {
    this.#appFull = !writeChunk(connection, chunk, trailers)
    if (trailers === null) return
    this.#sent = true
    this.#sentTrailers = trailers.length > 0
  }

  /** Asks for as much as went on to the app. The exchange may hand it over within the call: no recursion. */
  #pull(): void {
    if (this.#pulling) return
    this.#pulling = true
    while (this.#owedPull > 0 && !this.#appFull && !this.#sent && !this.#over) {
      const bytes = this.#owedPull
      this.#owedPull = 0
      this.#exchange.pull(bytes)
    }
    this.#pulling = false
  }

  /** @returns false when it was over already. */
  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#owner.finished()
    return true
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0)
