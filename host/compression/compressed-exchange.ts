/**
 * CompressedExchange: an exchange whose answer is compressed on its way out, when its head allows. Stands between an instance and
 * the listener's exchange: it is the exchange of the one and the handler of the other. Requests pass as they are.
 */
import { type ClientErrorCode, messageOf, PolyhostError } from "../../protocol/errors.ts"
import type {
  DisconnectReason,
  Exchange,
  ExchangeHandler,
  GoAwayCode,
  RequestHead,
  ResponseHead,
} from "../../protocol/exchange.ts"
import type { ExchangeTicket, HostExchange } from "../exchange.ts"
import { compressedTrailers } from "./answer-lines.ts"
import { BodyEncoder } from "./body-encoder.ts"
import { compressWhole } from "./coding.ts"
import type { Negotiation } from "./negotiation.ts"
import { type Plan, planAnswer } from "./plan.ts"
import type { RequestFields, RequestLines } from "./request-lines.ts"

export interface CompressionParts {
  readonly negotiation: Negotiation
  readonly requestLines: RequestLines
  /** Bodies that are known to be shorter stay as they are. */
  readonly minBytes: number
}

export class CompressedExchange implements Exchange, ExchangeHandler {
  readonly #exchange: HostExchange
  readonly #parts: CompressionParts
  /** Read now: the bytes of the head are the listener's. */
  readonly #fields: RequestFields
  #handler: ExchangeHandler | null = null
  #encoder: BodyEncoder | null = null
  /** All of the answer is here, and being compressed. */
  #whole = false
  /** Bytes that the app still owes by its Content-Length, or -1. */
  #owedBytes = -1
  #trailers: Uint8Array | undefined

  constructor(exchange: HostExchange, parts: CompressionParts) {
    this.#exchange = exchange
    this.#parts = parts
    this.#fields = parts.requestLines.read(exchange.head)
  }

  get head(): RequestHead {
    return this.#exchange.head
  }

  get requestId(): string {
    return this.#exchange.requestId
  }

  get ticket(): ExchangeTicket {
    return this.#exchange.ticket
  }

  get responded(): boolean {
    return this.#whole || this.#exchange.responded
  }

  get finished(): boolean {
    return this.#exchange.finished
  }

  get upgraded(): boolean {
    return this.#exchange.upgraded
  }

  attach(handler: ExchangeHandler): void {
    this.#handler = handler
    this.#exchange.attach(this)
  }

  pull(bytes: number): void {
    this.#exchange.pull(bytes)
  }

  inform(status: number, lines: Uint8Array): void {
    this.#exchange.inform(status, lines)
  }

  upgrade(lines: Uint8Array): boolean {
    return this.#exchange.upgrade(lines)
  }

  respond(head: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    const exchange = this.#exchange
    if (exchange.finished) return true
    const isHead = exchange.head.method === "HEAD"
    const wholeBytes = end ? (body?.length ?? 0) : -1
    const plan = planAnswer(head, wholeBytes, { ...this.#parts, fields: this.#fields, isHead })
    if (plan === null) return exchange.respond(head, body, end)
    if (plan.coding === null || isHead) return exchange.respond(withLines(head, plan.lines), body, end)
    if (end) return this.#respondWhole(head, body ?? NO_BYTES, plan)
    // Whether there is room for more the encoder finds out by its first piece.
    exchange.respond(withLines(head, plan.lines), null, false)
    this.#owedBytes = plan.contentLength
    this.#encoder = new BodyEncoder(plan.coding, {
      encoded: (piece, last) => this.#encoded(piece, last),
      drained: () => this.#handler?.drained(),
      failed: (error) => this.fail("APP_ERROR", `the answer could not be compressed: ${messageOf(error)}`),
    })
    return body === null || this.write(body, false)
  }

  write(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): boolean {
    const encoder = this.#encoder
    if (encoder === null) return this.#exchange.write(chunk, end, trailers)
    if (this.#exchange.finished) return true
    if (this.#owedBytes !== -1) {
      this.#owedBytes -= chunk.length
      if (this.#owedBytes < 0 || (end && this.#owedBytes > 0)) {
        const more = this.#owedBytes < 0
        this.fail(
          "APP_RESPONSE_INVALID",
          `the body is ${more ? "longer" : "shorter"} than its content-length`,
        )
        return true
      }
    }
    if (trailers !== undefined) this.#trailers = compressedTrailers(trailers)
    return encoder.write(chunk, end)
  }

  /** What the app has said so far goes out before the cut. */
  fail(code: ClientErrorCode, detail: string): void {
    const encoder = this.#encoder
    if (encoder === null) return this.#exchange.fail(code, detail)
    encoder.settle(() => {
      encoder.destroy()
      this.#exchange.fail(code, detail)
    })
  }

  // Events of the listener's exchange

  requestBody(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): void {
    this.#handler?.requestBody(chunk, end, trailers)
  }

  drained(): void {
    if (this.#encoder === null) this.#handler?.drained()
    else this.#encoder.resume()
  }

  left(reason: DisconnectReason): void {
    this.#encoder?.destroy()
    this.#handler?.left(reason)
  }

  goAway(code: GoAwayCode): void {
    this.#handler?.goAway?.(code)
  }

  #encoded(piece: Uint8Array, last: boolean): boolean {
    const room = this.#exchange.write(piece, last, last ? this.#trailers : undefined)
    // It may end an answer without a word to who gives it.
    if (this.#exchange.finished) this.#encoder?.destroy()
    return room
  }

  #respondWhole(head: ResponseHead, body: Uint8Array, plan: Plan): boolean {
    const { coding, refusesIdentity } = plan
    if (coding === null) return true
    const { status, reason, isChunked = false } = head
    let later = false
    compressWhole(coding, body, (error, bytes) => {
      const isSmaller = error === null && (bytes.length < body.length || refusesIdentity)
      const answer = withLines(
        { status, reason, isChunked, lines: NO_BYTES },
        isSmaller ? plan.lines : plan.plainLines,
      )
      if (!later) this.#exchange.respond(answer, isSmaller ? bytes : body, true)
      else this.#respondLater(answer, isSmaller ? bytes : body)
    })
    later = true
    this.#whole = true
    return true
  }

  /** Nobody is there any more to be thrown at. */
  #respondLater(head: ResponseHead, body: Uint8Array): void {
    try {
      this.#exchange.respond(head, body, true)
    } catch (error) {
      const isInvalid = error instanceof PolyhostError && error.code === "APP_RESPONSE_INVALID"
      this.#exchange.fail(isInvalid ? "APP_RESPONSE_INVALID" : "APP_ERROR", messageOf(error))
    }
  }
}

function withLines({ status, reason, isChunked = false }: ResponseHead, lines: string): ResponseHead {
  return { status, reason, isChunked, lines: Buffer.from(lines, "latin1") }
}

const NO_BYTES = new Uint8Array(0)
