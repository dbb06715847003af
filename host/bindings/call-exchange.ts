/**
 * CallExchange: an exchange made of one app's call to another: the same apps, limits and errors as for a client, without
 * a network. What the calling app says of its request is checked as what a client says.
 */
import type { ServerCall, ServerCallEvents } from "../../protocol/calls/server-call.ts"
import { CLIENT_ERRORS, type ClientErrorCode } from "../../protocol/errors.ts"
import type { DisconnectReason, ExchangeHandler, RequestHead, ResponseHead } from "../../protocol/exchange.ts"
import { noUpgrade } from "../../protocol/no-upgrade.ts"
import type { ExchangeOwner, ExchangeTicket, HostExchange } from "../exchange.ts"
import { errorAnswer } from "../listener/error-page.ts"
import type { ResponseHeads } from "../listener/response-head.ts"
import { textHead } from "../listener/text-head.ts"
import { createTicket } from "../supervisor/ticket.ts"
import { CallBody } from "./call-body.ts"
import { readCallLines } from "./call-lines.ts"

export interface CallExchangeParts {
  /** Name of the app that is called. */
  readonly app: string
  readonly requestId: string
  /** Calls that lead to this one, itself included. */
  readonly depth: number
  readonly heads: ResponseHeads
}

export class CallExchange implements HostExchange, ServerCallEvents {
  readonly requestId: string
  readonly ticket: ExchangeTicket
  readonly head: RequestHead
  readonly hostName: string
  readonly path: string
  owner: ExchangeOwner | null = null
  lastActivityMs = performance.now()
  responded = false
  finished = false
  readonly bodyArriving = false
  readonly upgraded = false
  readonly #call: ServerCall
  readonly #parts: CallExchangeParts
  readonly #body: CallBody
  #handler: ExchangeHandler | null = null

  /** Null when the call's URL or headers are such that no request can be made of them. */
  static create(call: ServerCall, parts: CallExchangeParts): CallExchange | null {
    const { method, url: text, hasBody, lines } = call.head
    const url = URL.canParse(text) ? new URL(text) : null
    if (url === null || (url.protocol !== "http:" && url.protocol !== "https:") || method === "CONNECT")
      return null
    const { host, hostname, pathname, search, protocol } = url
    const own = `Host: ${host}\r\nX-Forwarded-For: binding\r\nX-Forwarded-Host: ${host}\r\nX-Forwarded-Proto: ${protocol.slice(0, -1)}\r\nX-Request-Id: ${parts.requestId}\r\n`
    const read = readCallLines(lines, hasBody)
    if (read === null) return null
    const head = textHead({
      method,
      target: pathname + search,
      scheme: protocol === "https:" ? "https" : "http",
      host,
      clientAddress: "binding",
      lines: own + read.lines,
      bodyBytes: read.bodyBytes,
      expectsContinue: false,
      upgrade: "",
    })
    return new CallExchange(call, parts, { head, hostName: hostname, path: pathname })
  }

  private constructor(
    call: ServerCall,
    parts: CallExchangeParts,
    address: { head: RequestHead; hostName: string; path: string },
  ) {
    this.#call = call
    this.#parts = parts
    this.requestId = parts.requestId
    this.ticket = { ...createTicket(), depth: parts.depth }
    this.head = address.head
    this.hostName = address.hostName
    this.path = address.path
    this.#body = new CallBody(address.head.bodyBytes, {
      deliver: (chunk, end) => this.#handler?.requestBody(chunk, end),
      consumed: (bytes) => call.credit(bytes),
      broken: (code, detail) => this.giveUp(code, detail, "client-left"),
    })
    call.events = this
  }

  mount(): void {
    // A binding names the app itself: there is no prefix.
  }

  limitBody(bytes: number): void {
    this.#body.limit(bytes)
  }

  readAhead(): void {
    // Only what says that its body is arriving is read ahead.
  }

  closeAfter(): void {
    // There is no connection of its own.
  }

  attach(handler: ExchangeHandler): void {
    if (this.finished) handler.left("client-left")
    else this.#handler = handler
  }

  pull(bytes: number): void {
    this.#body.pull(bytes)
  }

  inform(): void {
    // A Response has no place for it.
  }

  respond(head: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    if (this.finished) return true
    const { text } = this.#parts.heads.read(head)
    return this.#answer({ ...head, lines: Buffer.from(text, "latin1") }, body, end)
  }

  write(chunk: Uint8Array, end: boolean): boolean {
    if (this.finished) return true
    this.lastActivityMs = performance.now()
    const goesOn = this.#call.write(chunk, end)
    if (end) this.#finish(null, "")
    return goesOn
  }

  upgrade(): boolean {
    return noUpgrade()
  }

  goAway(): void {
    // Never upgraded.
  }

  fail(code: ClientErrorCode, detail: string): void {
    if (this.finished) return
    if (this.responded) this.#call.fail("failed", `${code}: ${CLIENT_ERRORS[code].title}`)
    else {
      const { status, headers, body } = errorAnswer(code, {
        app: this.#parts.app,
        requestId: this.requestId,
        accept: "application/problem+json",
        retryAfterSeconds: this.owner?.retryAfterSeconds() ?? null,
      })
      let lines = ""
      for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`
      this.responded = true
      this.#call.respond({ status, reason: "", lines: Buffer.from(lines, "latin1") }, Buffer.from(body), true)
    }
    this.#finish(code, detail)
  }

  giveUp(code: ClientErrorCode, detail: string, reason: DisconnectReason): void {
    if (this.finished) return
    this.#handler?.left(reason)
    this.fail(code, detail)
  }

  // Events of the call

  requestBody(chunk: Uint8Array, end: boolean): void {
    this.lastActivityMs = performance.now()
    if (!this.finished) this.#body.push(chunk, end)
  }

  drained(): void {
    this.lastActivityMs = performance.now()
    this.#handler?.drained()
  }

  left(): void {
    if (this.finished) return
    this.#handler?.left("client-left")
    this.#finish(null, "")
  }

  #answer(head: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    this.responded = true
    this.lastActivityMs = performance.now()
    this.owner?.responded(this, end)
    const goesOn = this.#call.respond({ ...head, status: Math.min(head.status, 599) }, body, end)
    if (end) this.#finish(null, "")
    return goesOn
  }

  #finish(code: ClientErrorCode | null, detail: string): void {
    this.finished = true
    this.#handler = null
    this.#body.drop()
    this.owner?.ended(this, code, detail)
  }
}
