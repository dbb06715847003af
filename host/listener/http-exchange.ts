/**
 * An exchange on a message of `node:http`, in the server of a program that embeds the host. Guards what the client sees:
 * the head is valid, the body is exactly as long as declared, and a response that is cut short looks cut.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { type ClientErrorCode, PolyhostError } from "../../protocol/errors.ts"
import type { DisconnectReason, ExchangeHandler, ResponseHead } from "../../protocol/exchange.ts"
import { noUpgrade } from "../../protocol/no-upgrade.ts"
import type { ErrorPages } from "../../runtimes/app-spec.ts"
import type { ExchangeOwner, ExchangeTicket, HostExchange } from "../exchange.ts"
import type { StreamedBytes } from "../streamed-bytes.ts"
import { createTicket } from "../supervisor/ticket.ts"
import { errorAnswer } from "./error-page.ts"
import type { RequestRecord } from "./http1/request-record.ts"
import { latin1 } from "./http1/response-text.ts"
import { hintsOfLines, listOfLines, type ResponseHeads } from "./response-head.ts"

/** Response bodies up to this size are written as one string together with the head. */
const SMALL_BODY_BYTES = 4096

export interface HttpExchangeParts {
  readonly message: IncomingMessage
  readonly response: ServerResponse
  readonly head: RequestRecord
  readonly requestId: string
  readonly streamed: StreamedBytes
  readonly heads: ResponseHeads
  readonly errorPages: ErrorPages
}

export class HttpExchange implements HostExchange {
  readonly requestId: string
  owner: ExchangeOwner | null = null
  readonly ticket: ExchangeTicket = createTicket()
  lastActivityMs = 0
  responded = false
  finished = false
  readonly bodyArriving = false
  readonly upgraded = false
  readonly #parts: HttpExchangeParts
  #handler: ExchangeHandler | null = null
  #maxBodyBytes = Number.POSITIVE_INFINITY
  #receivedBytes = 0
  #pullBytes = 0
  #reading = false
  #requestEnded = false
  /** Body bytes still owed to the client by a declared content-length, or -1. */
  #owedBytes = -1
  #close = false

  constructor(parts: HttpExchangeParts) {
    this.#parts = parts
    this.requestId = parts.requestId
    exchangeOf(parts.response, this)
    parts.response.on("close", onClose)
    parts.response.on("drain", onDrain)
  }

  get head(): RequestRecord {
    return this.#parts.head
  }

  get hostName(): string {
    return this.head.hostName
  }

  get path(): string {
    return this.head.path
  }

  mount(prefix: string): void {
    this.head.mount(prefix)
  }

  limitBody(bytes: number): void {
    this.#maxBodyBytes = bytes
    if (this.head.bodyBytes > bytes) this.#tooLarge()
  }

  readAhead(): void {
    // Only what says that its body is arriving is read ahead.
  }

  closeAfter(): void {
    this.#close = true
  }

  attach(handler: ExchangeHandler): void {
    if (this.finished) {
      handler.left("client-left")
      return
    }
    this.#handler = handler
  }

  pull(bytes: number): void {
    if (this.finished || this.#requestEnded || this.head.bodyBytes === 0) return
    this.#pullBytes += bytes
    const { message } = this.#parts
    if (!this.#reading) {
      this.#reading = true
      message.on("data", (chunk: Uint8Array) => this.#requestData(chunk))
      message.on("end", () => this.#requestEnd())
      message.on("error", () => undefined)
    } else if (this.#pullBytes > 0) message.resume()
  }

  inform(status: number, lines: Uint8Array): void {
    const { response } = this.#parts
    if (this.finished || this.responded || status !== 103) return
    response.writeEarlyHints(hintsOfLines(this.#parts.heads.readLines(lines).text))
  }

  respond({ status, reason, lines }: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    if (this.finished) return true
    const head = this.#parts.heads.read({ status, reason, lines })
    const { response, message } = this.#parts
    const bodyless = message.method === "HEAD" || status === 204 || status === 304
    const list = listOfLines(head.text)
    const bodyBytes = body === null ? 0 : body.length
    if (!bodyless) {
      if (end && head.contentLength !== -1 && head.contentLength !== bodyBytes) {
        throw new PolyhostError(
          "APP_RESPONSE_INVALID",
          `content-length ${head.contentLength} for ${bodyBytes} bytes`,
        )
      }
      if (head.contentLength === -1 && end) list.push("Content-Length", String(bodyBytes))
      else this.#owedBytes = head.contentLength
    }
    if (this.#close) list.push("Connection", "close")
    if (reason !== "") response.statusMessage = reason
    response.writeHead(status, list)
    this.responded = true
    this.lastActivityMs = performance.now()
    this.owner?.responded(this, end)
    if (bodyless) {
      if (end) this.#end()
      return true
    }
    // Not `flushHeaders`: it would encode the head as UTF-8.
    if (bodyBytes === 0 && !end) {
      response.write("", "latin1")
      return true
    }
    return this.write(body ?? EMPTY, end)
  }

  write(chunk: Uint8Array, end: boolean): boolean {
    if (this.finished) return true
    const { response, message } = this.#parts
    if (message.method === "HEAD" || response.statusCode === 204 || response.statusCode === 304) {
      if (end) this.#end()
      return true
    }
    this.lastActivityMs = performance.now()
    if (chunk.length > SMALL_BODY_BYTES) this.#parts.streamed.add(chunk.length)
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
    if (!end) return chunk.length === 0 || response.write(chunk)
    if (chunk.length === 0) response.end()
    // A string goes out in one write with the head; Latin-1 carries any bytes unchanged.
    else if (chunk.length <= SMALL_BODY_BYTES) response.end(latin1(chunk), "latin1")
    else response.end(chunk)
    this.#finish(null, "")
    return true
  }

  upgrade(): boolean {
    return noUpgrade()
  }

  goAway(): void {
    // Never upgraded.
  }

  fail(code: ClientErrorCode, detail: string): void {
    if (this.finished) return
    const { response, message } = this.#parts
    if (this.responded) this.#cut()
    else {
      const answer = errorAnswer(code, {
        app: this.owner?.name ?? null,
        requestId: this.requestId,
        accept: message.headers.accept ?? "",
        retryAfterSeconds: this.owner?.retryAfterSeconds() ?? null,
        pages: this.owner?.errorPages ?? this.#parts.errorPages,
      })
      if (this.#close || code === "BODY_TOO_LARGE") answer.headers.push("Connection", "close")
      response.writeHead(answer.status, answer.headers)
      response.end(message.method === "HEAD" ? undefined : answer.body)
    }
    this.#finish(code, detail)
  }

  giveUp(code: ClientErrorCode, detail: string, reason: DisconnectReason): void {
    if (this.finished) return
    this.#handler?.left(reason)
    this.fail(code, detail)
  }

  drained(): void {
    if (!this.finished) this.#handler?.drained()
  }

  /** The client's connection closed. */
  closed(): void {
    if (this.finished) return
    this.finished = true
    const handler = this.#handler
    this.#handler = null
    handler?.left("client-left")
    this.owner?.ended(this, null, "the client left")
  }

  #requestData(chunk: Uint8Array): void {
    if (this.finished) return
    this.lastActivityMs = performance.now()
    this.#receivedBytes += chunk.length
    this.#parts.streamed.add(chunk.length)
    if (this.#receivedBytes > this.#maxBodyBytes) {
      this.#tooLarge()
      return
    }
    this.#pullBytes -= chunk.length
    if (this.#pullBytes <= 0) this.#parts.message.pause()
    this.#handler?.requestBody(chunk, false)
  }

  #cut(): void {
    const { message, response } = this.#parts
    const { socket } = message
    // The end of a body of HTTP/1.0 is that of its connection: only a reset shows that it is not the body's.
    if (message.httpVersionMinor === 0 && socket.remoteAddress !== undefined) socket.resetAndDestroy()
    else response.destroy()
  }

  #requestEnd(): void {
    this.#requestEnded = true
    if (!this.finished) this.#handler?.requestBody(EMPTY, true)
  }

  #tooLarge(): void {
    this.giveUp("BODY_TOO_LARGE", `a request body over ${this.#maxBodyBytes} bytes`, "host-stopping")
  }

  #end(): void {
    this.#parts.response.end()
    this.#finish(null, "")
  }

  #finish(code: ClientErrorCode | null, detail: string): void {
    this.finished = true
    this.#handler = null
    // What the client still sends of the body is read and dropped, so that its next request can be read.
    if (this.#reading && !this.#requestEnded) this.#parts.message.resume()
    this.owner?.ended(this, code, detail)
  }
}

const EMPTY = new Uint8Array(0)
const EXCHANGE = Symbol("polyhost.exchange")

function exchangeOf(response: ServerResponse, exchange: HttpExchange): void {
  ;(response as unknown as Record<symbol, HttpExchange>)[EXCHANGE] = exchange
}

function onClose(this: ServerResponse): void {
  ;(this as unknown as Record<symbol, HttpExchange>)[EXCHANGE]?.closed()
}

function onDrain(this: ServerResponse): void {
  ;(this as unknown as Record<symbol, HttpExchange>)[EXCHANGE]?.drained()
}
