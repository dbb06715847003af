/** An Exchange in memory: the client is the test. Counts ends, and says no to more bytes than it was told to hold. */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import { PolyhostError } from "../../protocol/errors.ts"
import type {
  DisconnectReason,
  Exchange,
  ExchangeHandler,
  RequestHead,
  ResponseHead,
} from "../../protocol/exchange.ts"
import { isHeaderBlock } from "../../protocol/header-block.ts"

export interface MemoryExchangeOptions {
  readonly head?: Partial<Omit<RequestHead, "headerBytes" | "writeHeaders">>
  readonly headers?: Uint8Array
  readonly body?: Uint8Array
  /** Bytes of the answer that the client takes before it says stop; `read` lets it take as many more. */
  readonly takes?: number
}

export type Ending =
  | { kind: "end" }
  | { kind: "fail"; code: ClientErrorCode; detail: string }
  | { kind: "left" }

export class MemoryExchange implements Exchange {
  readonly head: RequestHead
  readonly requestId = "test"
  status = 0
  reason = ""
  readonly informed: number[] = []
  lines = ""
  readonly received: Uint8Array[] = []
  receivedBytes = 0
  writes = 0
  readonly endings: Ending[] = []
  /** Calls that the contract forbids: after an end, or before the head. */
  readonly misuse: string[] = []
  readonly ended: Promise<Ending>
  #resolve: (ending: Ending) => void = () => {}
  #handler: ExchangeHandler | null = null
  #body: Uint8Array
  #bodyAt = 0
  #pulled = 0
  #bodyEnded: boolean
  #takes: number
  #full = false

  constructor(options: MemoryExchangeOptions = {}) {
    this.#body = options.body ?? new Uint8Array(0)
    this.#takes = options.takes ?? Number.POSITIVE_INFINITY
    const headers = options.headers ?? new Uint8Array(0)
    this.head = {
      method: options.body === undefined ? "GET" : "POST",
      target: "/",
      scheme: "http",
      host: "test.localhost",
      clientAddress: "127.0.0.1",
      headerBytes: headers.length,
      writeHeaders: (into, at) => {
        into.set(headers, at)
        return at + headers.length
      },
      bodyBytes: this.#body.length,
      expectsContinue: false,
      upgrade: "",
      ...options.head,
    }
    this.#bodyEnded = this.head.bodyBytes === 0
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get responded(): boolean {
    return this.status !== 0
  }

  get finished(): boolean {
    return this.endings.length > 0
  }

  get pulled(): number {
    return this.#pulled
  }

  attach(handler: ExchangeHandler): void {
    if (this.#handler !== null) this.misuse.push("attached twice")
    this.#handler = handler
  }

  pull(bytes: number): void {
    this.#pulled += bytes
    while (!this.finished && !this.#bodyEnded && this.#pulled > 0) {
      const chunk = this.#body.subarray(this.#bodyAt, this.#bodyAt + this.#pulled)
      this.#bodyAt += chunk.length
      this.#pulled -= chunk.length
      this.#bodyEnded = this.#bodyAt === this.#body.length
      this.#handler?.requestBody(chunk, this.#bodyEnded)
    }
  }

  get upgraded(): boolean {
    return this.status === 101
  }

  upgrade(lines: Uint8Array): boolean {
    if (this.head.upgrade === "") throw new PolyhostError("APP_RESPONSE_INVALID", "no upgrade was asked for")
    if (this.responded) this.misuse.push("upgrade after the head")
    this.status = 101
    this.lines = Buffer.from(lines).toString("latin1")
    return true
  }

  inform(status: number): void {
    if (this.responded) this.misuse.push("inform after the head")
    this.informed.push(status)
  }

  respond({ status, reason, lines }: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    if (this.finished) this.misuse.push("respond after the end")
    if (this.responded) this.misuse.push("respond twice")
    if (status < 200 || status > 599 || !isHeaderBlock(lines, 0, lines.length))
      throw new PolyhostError("APP_RESPONSE_INVALID", "not valid HTTP")
    this.status = status
    this.reason = reason
    this.lines = Buffer.from(lines).toString("latin1")
    return this.#take(body === null ? new Uint8Array(0) : body.slice(), end)
  }

  write(chunk: Uint8Array, end: boolean): boolean {
    if (this.finished) this.misuse.push("write after the end")
    if (!this.responded) this.misuse.push("write before respond")
    if (this.#full) this.misuse.push("write before drained")
    this.writes++
    return this.#take(chunk, end)
  }

  fail(code: ClientErrorCode, detail: string): void {
    this.#finish({ kind: "fail", code, detail })
  }

  // The client

  leave(reason: DisconnectReason = "client-left"): void {
    if (this.finished) return
    this.#finish({ kind: "left" })
    this.#handler?.left(reason)
  }

  /** The client reads on: `bytes` more are taken. */
  read(bytes: number): void {
    this.#takes += bytes
    if (!this.#full || this.#takes <= this.receivedBytes || this.finished) return
    this.#full = false
    this.#handler?.drained()
  }

  get answer(): Uint8Array {
    return Buffer.concat(this.received)
  }

  #take(chunk: Uint8Array, end: boolean): boolean {
    if (chunk.length > 0) this.received.push(chunk)
    this.receivedBytes += chunk.length
    this.#full = this.receivedBytes >= this.#takes
    if (end) this.#finish({ kind: "end" })
    return !this.#full
  }

  #finish(ending: Ending): void {
    this.endings.push(ending)
    this.#resolve(ending)
  }
}
