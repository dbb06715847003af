/**
 * Http2Exchange: one request on a stream of HTTP/2 and the answer to it. Guards what the client sees: the head is valid, the body is
 * exactly as long as declared, and an answer that is cut short ends in RST_STREAM. Counterpart: `http1/exchange.ts`. The body of the
 * request is `request-body.ts`'s; the session, its deadlines and bounds are `connection.ts`'s.
 */
import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2"
import { type ClientErrorCode, messageOf, PolyhostError } from "../../../protocol/errors.ts"
import type { DisconnectReason, ExchangeHandler, ResponseHead } from "../../../protocol/exchange.ts"
import { noUpgrade } from "../../../protocol/no-upgrade.ts"
import type { ExchangeOwner, ExchangeTicket, HostExchange } from "../../exchange.ts"
import { createTicket } from "../../supervisor/ticket.ts"
import type { ListenerServices } from "../http1/services.ts"
import type { FloodGuard } from "./flood-guard.ts"
import { answerWithPage } from "./page.ts"
import { RequestBody } from "./request-body.ts"
import type { Http2RequestHead } from "./request-head.ts"
import { answerFields, fieldsOf, trailerFields } from "./response-fields.ts"
import { StreamEnd } from "./stream-end.ts"

export interface Http2ExchangeParts {
  readonly stream: ServerHttp2Stream
  readonly head: Http2RequestHead
  readonly services: ListenerServices
  readonly guard: FloodGuard
}

export class Http2Exchange implements HostExchange {
  readonly head: Http2RequestHead
  owner: ExchangeOwner | null = null
  readonly ticket: ExchangeTicket = createTicket()
  lastActivityMs = 0
  responded = false
  finished = false
  readonly upgraded = false
  /** How the stream ends: watched by the connection. */
  readonly end: StreamEnd
  handler: ExchangeHandler | null = null
  readonly #stream: ServerHttp2Stream
  readonly #services: ListenerServices
  readonly #guard: FloodGuard
  readonly body: RequestBody | null
  #maxBodyBytes = Number.POSITIVE_INFINITY
  /** The answer has no body, whatever the app sends. */
  #isBodyless = false
  /** Body bytes still owed to the client by a declared content-length, or -1. */
  #owedBytes = -1
  #continued = false
  #drains = false

  constructor({ stream, head, services, guard }: Http2ExchangeParts) {
    this.head = head
    this.#stream = stream
    ;(stream as WithExchange)[EXCHANGE] = this
    this.#services = services
    this.#guard = guard
    this.end = new StreamEnd(stream)
    this.body = head.bodyBytes === 0 ? null : new RequestBody(stream, this)
  }

  get requestId(): string {
    return this.head.requestId
  }

  get hostName(): string {
    return this.head.hostName
  }

  get path(): string {
    return this.head.path
  }

  get bodyArriving(): boolean {
    return this.body !== null && !this.body.ended
  }

  /** Of the request's body, not read by anybody yet. */
  get waitingBytes(): number {
    return this.body === null ? 0 : this.body.waitingBytes
  }

  mount(prefix: string): void {
    this.head.mount(prefix)
  }

  limitBody(bytes: number): void {
    this.#maxBodyBytes = bytes
    if (this.head.bodyBytes > bytes) this.#tooLarge()
  }

  closeAfter(): void {
    // The connection is told by GOAWAY, which does not hurt its other streams: `Http2Connection.closeSoon`.
  }

  attach(handler: ExchangeHandler): void {
    if (this.finished) handler.left("client-left")
    else this.handler = handler
  }

  readAhead(bytes: number): void {
    this.body?.readAhead(bytes)
  }

  pull(bytes: number): void {
    if (!this.finished) this.body?.pull(bytes)
  }

  inform(status: number, lines: Uint8Array): void {
    if (this.finished || this.responded || this.#isGone) return
    if (status === 100) {
      if (!this.head.expectsContinue || this.#continued) return
      this.#continued = true
    }
    const { text } = this.#services.heads.readLines(lines)
    this.#stream.additionalHeaders({ ...fieldsOf(text), ":status": status })
  }

  respond(head: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    if (this.finished) return true
    const lines = this.#services.heads.read(head)
    const { status } = head
    const declared = lines.contentLength
    const bodyBytes = body === null ? 0 : body.length
    this.#isBodyless = this.head.method === "HEAD" || status === 204 || status === 205 || status === 304
    if (!this.#isBodyless && declared !== -1 && (end ? bodyBytes !== declared : bodyBytes > declared))
      throw invalid(`the app's response has a content-length of ${declared} and ${bodyBytes} bytes`)
    if (status > 599) throw invalid(`status ${status} is not known to HTTP/2`)
    // The client left, and its events are on their way.
    if (this.#isGone) return true
    const contentLength = end && !this.#isBodyless ? bodyBytes : -1
    const fields = answerFields(lines, { status, contentLength }, this.#services)
    const endStream = end && (this.#isBodyless || bodyBytes === 0)
    this.#start(fields, endStream, !end && !this.#isBodyless && declared === -1)
    this.#owedBytes = declared
    this.responded = true
    this.lastActivityMs = performance.now()
    this.owner?.responded(this, end)
    if (endStream) {
      this.#finish(null, "")
      return true
    }
    return body === null && !end ? true : this.#send(body ?? EMPTY, end)
  }

  write(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): boolean {
    if (this.finished) return true
    this.lastActivityMs = performance.now()
    return this.#send(chunk, end, trailers)
  }

  upgrade(): boolean {
    return noUpgrade()
  }

  goAway(): void {
    // Never upgraded.
  }

  fail(code: ClientErrorCode, detail: string): void {
    if (this.finished) return
    if (this.responded) this.end.cut()
    else if (!this.#isGone) {
      this.responded = true
      answerWithPage(this.#stream, this.#services, code, {
        app: this.owner?.name ?? null,
        pages: this.owner?.errorPages ?? null,
        requestId: this.requestId,
        accept: this.head.accept,
        retryAfterSeconds: this.owner?.retryAfterSeconds() ?? null,
      })
    }
    this.#finish(code, detail)
  }

  giveUp(code: ClientErrorCode, detail: string, reason: DisconnectReason): void {
    if (this.finished) return
    this.handler?.left(reason)
    this.fail(code, detail)
  }

  // Events of the stream and the connection

  /** A piece of the request's body. */
  received(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): void {
    if (this.finished) return
    this.#continued = true
    this.lastActivityMs = performance.now()
    this.#guard.useful(chunk.length)
    this.#services.streamed.add(chunk.length)
    const { body } = this
    if (body === null) return
    if (body.receivedBytes > this.#maxBodyBytes) {
      this.#tooLarge()
      return
    }
    if (this.handler === null) body.keep(chunk, end, trailers)
    else this.handler.requestBody(chunk, end, trailers)
    if (end || body.isAhead) this.owner?.bodyArrived(this)
  }

  drained(): void {
    if (!this.finished) this.handler?.drained()
  }

  /** The client left. */
  left(): void {
    if (this.finished) return
    this.handler?.left("client-left")
    this.#finish(null, "the client left")
  }

  /** Looked at from time to time: nobody waits for a client for ever. `bodyMs` of silence within a body that is awaited end it. */
  look(nowMs: number, bodyMs: number): void {
    if (this.finished || this.body === null) return
    const isAwaited = this.#continued || !this.head.expectsContinue
    if (this.body.silentMs(nowMs, isAwaited) >= bodyMs)
      this.giveUp("REQUEST_INCOMPLETE", "its body did not come in time", "timeout")
  }

  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  #start(fields: OutgoingHttpHeaders, endStream: boolean, waitForTrailers: boolean): void {
    try {
      if (endStream) this.#stream.respond(fields, END_STREAM)
      else if (!waitForTrailers) this.#stream.respond(fields)
      else {
        this.end.awaitTrailers()
        this.#stream.respond(fields, WAIT_FOR_TRAILERS)
      }
    } catch (error) {
      throw invalid(`it cannot be said in HTTP/2: ${messageOf(error)}`)
    }
  }

  #send(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): boolean {
    const { length } = chunk
    this.#services.streamed.add(length)
    // What the client says of its windows in return.
    this.#guard.useful(length >> 8)
    if (this.#isBodyless) {
      if (end) this.#finish(null, "")
      return true
    }
    if (this.#owedBytes !== -1) {
      this.#owedBytes -= length
      if (this.#owedBytes < 0 || (end && this.#owedBytes > 0)) return this.#wrongLength()
    }
    if (!end) return length === 0 || this.#stream.write(chunk) || this.#awaitDrain()
    if (trailers !== undefined) this.end.trailers = trailerFields(trailers, this.#services.heads)
    if (length === 0) this.#stream.end()
    else this.#stream.end(chunk)
    this.#finish(null, "")
    return true
  }

  #awaitDrain(): false {
    if (!this.#drains) this.#stream.on("drain", onDrain)
    this.#drains = true
    return false
  }

  #wrongLength(): boolean {
    const more = this.#owedBytes < 0
    this.fail("APP_RESPONSE_INVALID", `the body is ${more ? "longer" : "shorter"} than its content-length`)
    return true
  }

  #tooLarge(): void {
    this.giveUp("BODY_TOO_LARGE", `a request body over ${this.#maxBodyBytes} bytes`, "host-stopping")
  }

  #finish(code: ClientErrorCode | null, detail: string): void {
    this.finished = true
    this.handler = null
    this.end.answered(this.bodyArriving)
    this.owner?.ended(this, code, detail)
  }
}

/** The exchange of a stream: an event names the stream alone. */
export function exchangeOf(stream: ServerHttp2Stream): Http2Exchange {
  return (stream as WithExchange)[EXCHANGE]
}

const EXCHANGE = Symbol("polyhost.http2.exchange")
type WithExchange = ServerHttp2Stream & { [EXCHANGE]: Http2Exchange }

function onDrain(this: ServerHttp2Stream): void {
  exchangeOf(this).drained()
}

function invalid(what: string): PolyhostError {
  return new PolyhostError("APP_RESPONSE_INVALID", what)
}

const EMPTY = new Uint8Array(0)
const END_STREAM = { endStream: true }
const WAIT_FOR_TRAILERS = { waitForTrailers: true }
