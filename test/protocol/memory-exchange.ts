/**
 * An Exchange in memory: the client is the test. Counts ends, and says no to more bytes than it was told to hold. Upgraded, it is a
 * tunnel: `send` and `sendEnd` are the client's bytes, `received` the app's.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import { PolyhostError } from "../../protocol/errors.ts"
import type {
  DisconnectReason,
  Exchange,
  ExchangeHandler,
  GoAwayCode,
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
  /** Of a tunnel: the client's bytes that were not asked for yet, and which halves have ended. */
  #sent: Uint8Array[] = []
  #clientEnded = false
  #endTold = false
  #appEnded = false

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
    if (this.#handler !== null && !this.upgraded) this.misuse.push("attached twice")
    this.#handler = handler
  }

  pull(bytes: number): void {
    this.#pulled += bytes
    if (this.upgraded) this.#deliver()
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
    if (!isHeaderBlock(lines, 0, lines.length))
      throw new PolyhostError("APP_RESPONSE_INVALID", "not valid HTTP")
    this.status = 101
    this.lines = Buffer.from(lines).toString("latin1")
    this.#pulled = 0
    return !this.#full
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
    if (this.#appEnded) this.misuse.push("write after the app's half ended")
    if (this.#full && chunk.length > 0) this.misuse.push("write before drained")
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

  /** Bytes of the client in the tunnel: they wait until they are asked for. The receiver may keep them. */
  send(bytes: Uint8Array): void {
    if (!this.upgraded || this.#clientEnded) throw new Error("the client cannot send in this state")
    this.#sent.push(bytes.slice())
    this.#deliver()
  }

  /** The client ends its half of the tunnel. */
  sendEnd(): void {
    this.#clientEnded = true
    this.#deliver()
  }

  /** Bytes of the client that nobody asked for yet. */
  get unsentBytes(): number {
    return this.#sent.reduce((sum, it) => sum + it.length, 0)
  }

  goAway(code: GoAwayCode): void {
    if (this.upgraded && !this.finished) this.#handler?.goAway?.(code)
  }

  get appEnded(): boolean {
    return this.#appEnded
  }

  get answer(): Uint8Array {
    return Buffer.concat(this.received)
  }

  #take(chunk: Uint8Array, end: boolean): boolean {
    if (chunk.length > 0) this.received.push(chunk)
    this.receivedBytes += chunk.length
    this.#full = this.receivedBytes >= this.#takes
    if (end && this.upgraded) this.#endHalf()
    else if (end) this.#finish({ kind: "end" })
    return !this.#full
  }

  /** A tunnel ends when both halves have. */
  #endHalf(): void {
    this.#appEnded = true
    if (this.#endTold) this.#finish({ kind: "end" })
  }

  #deliver(): void {
    while (!this.finished && this.#pulled > 0) {
      const first = this.#sent.shift()
      if (first === undefined) break
      const chunk = first.subarray(0, this.#pulled)
      if (chunk.length < first.length) this.#sent.unshift(first.subarray(chunk.length))
      this.#pulled -= chunk.length
      this.#handler?.requestBody(chunk, false)
    }
    if (!this.#clientEnded || this.#endTold || this.finished || this.#sent.length > 0) return
    this.#endTold = true
    this.#handler?.requestBody(new Uint8Array(0), true)
    if (this.#appEnded && !this.finished) this.#finish({ kind: "end" })
  }

  #finish(ending: Ending): void {
    this.endings.push(ending)
    this.#resolve(ending)
  }
}
