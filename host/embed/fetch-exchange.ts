/** An exchange made of a Request in this process, for `host.fetch(request)`: the same apps, without a socket. */
import { CLIENT_ERRORS, type ClientErrorCode } from "../../protocol/errors.ts"
import type { DisconnectReason, ExchangeHandler, RequestHead, ResponseHead } from "../../protocol/exchange.ts"
import { noUpgrade } from "../../protocol/no-upgrade.ts"
import type { ExchangeOwner, ExchangeTicket, HostExchange } from "../exchange.ts"
import { errorAnswer } from "../listener/error-page.ts"
import { listOfLines, ResponseHeads } from "../listener/response-head.ts"
import { textHead } from "../listener/text-head.ts"
import { createTicket } from "../supervisor/ticket.ts"

/** Answers `request` as the host would answer it on its listener. Rejects when the request's signal aborts. */
export function createFetchExchange(
  request: Request,
  requestId: string,
  handle: (exchange: HostExchange) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const exchange = new FetchExchange(request, requestId, { resolve, reject })
    if (request.signal.aborted) reject(request.signal.reason)
    else {
      exchange.watchSignal()
      handle(exchange)
    }
  })
}

class FetchExchange implements HostExchange {
  readonly requestId: string
  readonly ticket: ExchangeTicket = createTicket()
  owner: ExchangeOwner | null = null
  lastActivityMs = 0
  responded = false
  finished = false
  readonly bodyArriving = false
  readonly upgraded = false
  readonly #request: Request
  readonly #url: URL
  readonly #settle: { resolve: (response: Response) => void; reject: (error: unknown) => void }
  #prefix = ""
  #handler: ExchangeHandler | null = null
  #maxBodyBytes = Number.POSITIVE_INFINITY
  #receivedBytes = 0
  #pullBytes = 0
  #pumping = false
  #body: ReadableStreamDefaultController<Uint8Array> | null = null

  constructor(
    request: Request,
    requestId: string,
    settle: { resolve: (response: Response) => void; reject: (error: unknown) => void },
  ) {
    this.#request = request
    this.#url = new URL(request.url)
    this.requestId = requestId
    this.#settle = settle
  }

  get hostName(): string {
    return this.#url.hostname
  }

  get path(): string {
    return this.#url.pathname
  }

  get head(): RequestHead {
    const { host, protocol, pathname, search } = this.#url
    let lines = `Host: ${host}\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: ${host}\r\n`
    lines += `X-Forwarded-Proto: ${protocol.slice(0, -1)}\r\nX-Request-Id: ${this.requestId}\r\n`
    if (this.#prefix !== "") lines += `X-Forwarded-Prefix: ${this.#prefix}\r\n`
    this.#request.headers.forEach((value, name) => {
      if (
        !/^(host|connection|forwarded|x-forwarded-.*|x-request-id|x-sendfile|x-sendfile-type|x-accel-redirect|x-accel-mapping|transfer-encoding)$/.test(
          name,
        )
      ) {
        lines += `${name}: ${value}\r\n`
      }
    })
    const rest = pathname.slice(this.#prefix.length)
    return textHead({
      method: this.#request.method,
      target: (rest.startsWith("/") ? rest : `/${rest}`) + search,
      scheme: protocol === "https:" ? "https" : "http",
      host,
      clientAddress: "127.0.0.1",
      lines,
      bodyBytes: this.#request.body === null ? 0 : Number(this.#request.headers.get("content-length") ?? -1),
      expectsContinue: false,
      upgrade: "",
    })
  }

  mount(prefix: string): void {
    this.#prefix = prefix
  }

  limitBody(bytes: number): void {
    this.#maxBodyBytes = bytes
  }

  readAhead(): void {
    // Only what says that its body is arriving is read ahead.
  }

  closeAfter(): void {
    // There is no connection.
  }

  attach(handler: ExchangeHandler): void {
    if (this.finished) handler.left("client-left")
    else this.#handler = handler
  }

  pull(bytes: number): void {
    this.#pullBytes += bytes
    if (!this.#pumping && this.#request.body !== null) {
      this.#pumping = true
      this.#pump(this.#request.body.getReader()).catch((error: unknown) => this.left(error))
    } else this.#wake?.()
  }

  inform(): void {
    // A Response has no place for it.
  }

  respond({ status, reason, lines }: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    if (this.finished) return true
    const list = listOfLines(new ResponseHeads().read({ status, reason, lines }).text)
    const headers = new Headers()
    for (let i = 0; i < list.length; i += 2) headers.append(list[i] as string, list[i + 1] as string)
    this.responded = true
    this.owner?.responded(this, end)
    const bodyless = this.#request.method === "HEAD" || status === 204 || status === 205 || status === 304
    const whole = bodyless ? null : end ? new Uint8Array(body ?? []) : this.#bodyStream()
    this.#settle.resolve(new Response(whole, { status: Math.min(status, 599), statusText: reason, headers }))
    if (end) this.#finish(null, "")
    else if (body !== null) return this.write(body, false)
    return true
  }

  write(chunk: Uint8Array, end: boolean): boolean {
    if (this.finished) return true
    this.lastActivityMs = performance.now()
    if (chunk.length > 0) this.#body?.enqueue(chunk.slice())
    if (end) {
      this.#body?.close()
      this.#finish(null, "")
      return true
    }
    return (this.#body?.desiredSize ?? 1) > 0
  }

  upgrade(): boolean {
    return noUpgrade()
  }

  goAway(): void {
    // Never upgraded.
  }

  fail(code: ClientErrorCode, detail: string): void {
    if (this.finished) return
    if (this.responded) this.#body?.error(new Error(`${code}: ${CLIENT_ERRORS[code].title}`))
    else {
      const { status, headers, body } = errorAnswer(code, {
        app: this.owner?.name ?? null,
        requestId: this.requestId,
        accept: this.#request.headers.get("accept") ?? "",
        retryAfterSeconds: this.owner?.retryAfterSeconds() ?? null,
        pages: this.owner?.errorPages ?? null,
      })
      const pairs: [string, string][] = []
      for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i] as string, headers[i + 1] as string])
      this.#settle.resolve(new Response(body, { status, headers: pairs }))
    }
    this.#finish(code, detail)
  }

  giveUp(code: ClientErrorCode, detail: string, reason: DisconnectReason): void {
    if (this.finished) return
    this.#handler?.left(reason)
    this.fail(code, detail)
  }

  /** A caller's signal may live for long: it is watched until the answer has ended and no longer. */
  watchSignal(): void {
    this.#request.signal.addEventListener("abort", this.#onAbort)
  }

  readonly #onAbort = (): void => this.left(this.#request.signal.reason)

  /** The caller aborted the request or dropped the response's body. */
  left(reason: unknown): void {
    if (this.finished) return
    this.#handler?.left("client-left")
    this.#settle.reject(reason)
    this.#body?.error(reason)
    this.#finish(null, "")
  }

  #wake: (() => void) | undefined

  async #pump(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    while (!this.finished) {
      if (this.#pullBytes <= 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      const { done, value } = await reader.read()
      if (this.finished) break
      if (done) {
        this.#handler?.requestBody(new Uint8Array(0), true)
        return
      }
      await this.#deliver(value)
    }
    await reader.cancel()
  }

  /** A chunk of any size, in pieces that were pulled. */
  async #deliver(chunk: Uint8Array): Promise<void> {
    this.#receivedBytes += chunk.length
    if (this.#receivedBytes > this.#maxBodyBytes) {
      this.giveUp("BODY_TOO_LARGE", `a request body over ${this.#maxBodyBytes} bytes`, "host-stopping")
      return
    }
    let at = 0
    while (at < chunk.length && !this.finished) {
      const take = Math.min(chunk.length - at, this.#pullBytes)
      if (take > 0) {
        this.#pullBytes -= take
        this.#handler?.requestBody(chunk.subarray(at, at + take), false)
        at += take
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  #bodyStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller
        },
        pull: () => this.#handler?.drained(),
        cancel: (reason) => this.left(reason),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 64 * 1024 }),
    )
  }

  #finish(code: ClientErrorCode | null, detail: string): void {
    this.finished = true
    this.#handler = null
    this.#request.signal.removeEventListener("abort", this.#onAbort)
    this.#wake?.()
    this.owner?.ended(this, code, detail)
  }
}
