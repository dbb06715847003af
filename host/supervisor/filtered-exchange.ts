/** An exchange whose answer gets a header line more, or the beginning of whose body is looked at; all else is the inner one's. */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type { Exchange, ExchangeHandler, RequestHead, ResponseHead } from "../../protocol/exchange.ts"
import type { ExchangeTicket } from "../exchange.ts"

export interface AnswerTouch {
  /** Added to the head of the answer. */
  readonly line?: Uint8Array
  /** Told once of the first bytes of an answer with status 200. */
  readonly firstBody?: (bytes: Uint8Array) => void
}

export class FilteredExchange implements Exchange {
  /** The host knows an exchange by it, whatever stands in front. */
  readonly ticket: ExchangeTicket
  readonly #inner: Exchange
  readonly #touch: AnswerTouch
  #awaitsBody = false

  constructor(inner: Exchange, ticket: ExchangeTicket, touch: AnswerTouch) {
    this.ticket = ticket
    this.#inner = inner
    this.#touch = touch
  }

  get head(): RequestHead {
    return this.#inner.head
  }

  get requestId(): string {
    return this.#inner.requestId
  }

  get responded(): boolean {
    return this.#inner.responded
  }

  get upgraded(): boolean {
    return this.#inner.upgraded
  }

  get finished(): boolean {
    return this.#inner.finished
  }

  attach(handler: ExchangeHandler): void {
    this.#inner.attach(handler)
  }

  pull(bytes: number): void {
    this.#inner.pull(bytes)
  }

  inform(status: number, lines: Uint8Array): void {
    this.#inner.inform(status, lines)
  }

  respond(head: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    this.#awaitsBody = this.#touch.firstBody !== undefined && head.status === 200
    if (body !== null) this.#look(body)
    return this.#inner.respond({ ...head, lines: this.#withLine(head.lines) }, body, end)
  }

  write(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): boolean {
    this.#look(chunk)
    return this.#inner.write(chunk, end, trailers)
  }

  upgrade(lines: Uint8Array): boolean {
    return this.#inner.upgrade(this.#withLine(lines))
  }

  fail(code: ClientErrorCode, detail: string): void {
    this.#inner.fail(code, detail)
  }

  #withLine(lines: Uint8Array): Uint8Array {
    const { line } = this.#touch
    return line === undefined ? lines : Buffer.concat([lines, line])
  }

  /** Before the bytes are given away. */
  #look(bytes: Uint8Array): void {
    if (!this.#awaitsBody || bytes.length === 0) return
    this.#awaitsBody = false
    this.#touch.firstBody?.(bytes)
  }
}
