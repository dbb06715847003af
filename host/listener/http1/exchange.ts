/**
 * Http1Exchange: one request on a client's connection and the answer to it. Guards what the client sees: the head is valid,
 * the body is exactly as long as declared, and a response that is cut short looks cut. The connection owns the bytes, their
 * order and the socket; this file owns what they say. Upgraded, it is a tunnel: its bytes say nothing to anybody here.
 * Longer than 300 lines: an exchange in all its states.
 */

import { type ClientErrorCode, PolyhostError } from "../../../protocol/errors.ts"
import type {
  DisconnectReason,
  ExchangeHandler,
  GoAwayCode,
  ResponseHead,
} from "../../../protocol/exchange.ts"
import { noUpgrade } from "../../../protocol/no-upgrade.ts"
import type { ExchangeOwner, ExchangeTicket, HostExchange } from "../../exchange.ts"
import { createTicket } from "../../supervisor/ticket.ts"
import type { Client } from "./forwarded.ts"
import type { Output } from "./output.ts"
import type { RequestHeadReader } from "./request-head.ts"
import { RequestRecord } from "./request-record.ts"
import { latin1 } from "./response-text.ts"
import type { ListenerServices } from "./services.ts"

/** What an exchange asks of its connection. */
export interface ExchangeConnection {
  readonly output: Output
  /** More of the request body may be handed on. */
  readOn(): void
  /** The answer is out; `keepsAlive`: another request may follow. */
  answered(keepsAlive: boolean): void
  /** The client must see that the answer is not whole. */
  cut(isDelimitedByClose: boolean): void
  /** What comes and goes from now on is no HTTP. */
  tunnel(): void
  /** The app's half of the tunnel ends with what was written. */
  endHalf(): void
  /** Both halves of the tunnel have ended, or the app reads no more. */
  tunnelEnded(): void
}

/** How the end of the response body is told. */
type Framing = "none" | "length" | "chunks" | "close" | "tunnel"
/** What a tunnel takes in pieces up to this size leaves in one write for each turn of the event loop. */
const SMALL_PIECE_BYTES = 4096

export class Http1Exchange implements HostExchange {
  readonly requestId: string
  readonly head: RequestRecord
  owner: ExchangeOwner | null = null
  readonly ticket: ExchangeTicket = createTicket()
  lastActivityMs = 0
  responded = false
  finished = false
  /** Bytes of the request body that may be handed on. */
  pullBytes = 0
  bodyArriving: boolean
  upgraded = false
  #handler: ExchangeHandler | null = null
  readonly #connection: ExchangeConnection
  readonly #services: ListenerServices
  #maxBodyBytes = Number.POSITIVE_INFINITY
  #receivedBytes = 0
  #keepsAlive: boolean
  #framing: Framing = "none"
  /** Body bytes still owed to the client by a declared content-length. */
  #owedBytes = 0
  /** The client was told to send its body, or sends it. */
  #continued = false
  #aheadBytes = 0
  /** Of a tunnel: the half that has ended, if one has. */
  #endedHalf: "none" | "client" | "app" = "none"
  /** Pieces of the body that came before anybody was attached. */
  #ahead: Parameters<ExchangeHandler["requestBody"]>[] = []

  /** `reader` has read the head from `bytes`, and reads no other before this exchange has finished. */
  constructor(
    connection: ExchangeConnection,
    services: ListenerServices,
    { reader, bytes, client }: { reader: RequestHeadReader; bytes: Buffer; client: Client },
  ) {
    this.#connection = connection
    this.#services = services
    this.requestId = client.requestId === "" ? services.ids.next() : client.requestId
    this.head = new RequestRecord(reader, bytes, client, this.requestId)
    this.bodyArriving = this.head.bodyBytes !== 0
    this.#keepsAlive = reader.fields.keepsAlive
  }

  get hostName(): string {
    return this.head.hostName
  }

  get path(): string {
    return this.head.path
  }

  /** Somebody waits for more of the body, and a client that asked for its go (RFC 9110 10.1.1) has got it, or waits for a place. */
  get awaitsBody(): boolean {
    return this.pullBytes > 0 && (this.#continued || !this.head.expectsContinue || this.#aheadBytes > 0)
  }

  mount(prefix: string): void {
    this.head.mount(prefix)
  }

  limitBody(bytes: number): void {
    this.#maxBodyBytes = bytes
    if (this.head.bodyBytes > bytes) this.#tooLarge()
  }

  closeAfter(): void {
    this.#keepsAlive = false
  }

  attach(handler: ExchangeHandler): void {
    if (this.finished) handler.left("client-left")
    else this.#handler = handler
  }

  readAhead(bytes: number): void {
    this.#aheadBytes = bytes
    this.pullBytes = bytes
    this.#connection.readOn()
  }

  pull(bytes: number): void {
    if (this.finished) return
    if (this.upgraded) {
      this.pullBytes += bytes
      this.#connection.readOn()
      return
    }
    if (this.head.bodyBytes === 0) return
    // What was read ahead of the first pull counts for it.
    this.pullBytes = this.#aheadBytes === 0 ? this.pullBytes + bytes : bytes - this.#receivedBytes
    this.#aheadBytes = 0
    const ahead = this.#ahead
    this.#ahead = []
    for (const piece of ahead) this.#handler?.requestBody(...piece)
    this.#connection.readOn()
  }

  inform(status: number, lines: Uint8Array): void {
    if (this.finished || this.responded || this.head.isHttp10) return
    if (status === 100) {
      if (!this.head.expectsContinue || this.#continued) return
      this.#continued = true
    }
    const { statusLines, heads } = this.#services
    this.#connection.output.text(`${statusLines.of(status, "")}${heads.readLines(lines).text}\r\n`)
    // The client's time for its body begins.
    if (status === 100) this.#connection.readOn()
  }

  respond(head: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    if (this.finished) return true
    const { heads, statusLines, dateLine, hstsLine } = this.#services
    const { status } = head
    const lines = heads.read(head)
    const bodyBytes = body === null ? 0 : body.length
    const isWhole = end && (head.isChunked !== true || this.head.isHttp10)
    const framing = this.#chooseFraming(status, lines.contentLength, isWhole)
    const declared = lines.contentLength
    if (framing === "length" && declared !== -1 && (end ? bodyBytes !== declared : bodyBytes > declared)) {
      throw new PolyhostError(
        "APP_RESPONSE_INVALID",
        `the app's response has a content-length of ${declared} and ${bodyBytes} bytes`,
      )
    }
    this.#framing = framing
    this.#owedBytes = declared === -1 ? bodyBytes : declared
    let text = statusLines.of(status, head.reason)
    // RFC 9110 8.6.
    text += status === 204 && declared !== -1 ? withoutLength(lines.text) : lines.text
    if (!lines.hasDate) text += dateLine.text
    if (!lines.hasHsts) text += hstsLine
    // What HEAD says is what GET would say.
    const isChunkedHead = head.isChunked === true && declared === -1 && this.head.method === "HEAD"
    if (framing === "chunks" || (isChunkedHead && !this.head.isHttp10))
      text += "Transfer-Encoding: chunked\r\n"
    else if (framing === "length" && declared === -1) text += `Content-Length: ${bodyBytes}\r\n`
    if (status === 426 && !this.head.isHttp10) text += neededProtocol(head.lines)
    text += this.#connectionLine()
    this.responded = true
    this.lastActivityMs = performance.now()
    this.owner?.responded(this, end)
    return this.#send(`${text}\r\n`, body, end)
  }

  write(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): boolean {
    if (this.finished) return true
    this.lastActivityMs = performance.now()
    return this.upgraded ? this.#writeTunnel(chunk, end) : this.#send("", chunk, end, trailers)
  }

  upgrade(lines: Uint8Array): boolean {
    if (this.finished) return true
    if (this.head.upgrade === "") return noUpgrade()
    const { heads, statusLines } = this.#services
    const own = withoutLength(heads.readLines(lines).text)
    const head = `${statusLines.of(101, "")}Connection: Upgrade\r\nUpgrade: ${this.head.upgrade}\r\n${own}\r\n`
    this.responded = true
    this.upgraded = true
    this.#framing = "tunnel"
    this.pullBytes = 0
    this.lastActivityMs = performance.now()
    this.head.release()
    this.#connection.tunnel()
    this.owner?.upgraded(this)
    // The first bytes of the app mostly come with its answer.
    return this.#connection.output.later(head)
  }

  goAway(code: GoAwayCode): void {
    if (this.upgraded && !this.finished) this.#handler?.goAway?.(code)
  }

  fail(code: ClientErrorCode, detail: string): void {
    if (this.finished) return
    if (this.#endedHalf === "app") {
      // Its answer is whole: only the client has not ended.
      this.#finish(null, "")
      this.#connection.tunnelEnded()
      return
    }
    if (this.responded) {
      this.#finish(code, detail)
      this.#connection.cut(this.#framing === "close" || this.#framing === "tunnel")
      return
    }
    if (code === "BODY_TOO_LARGE" || code === "REQUEST_INCOMPLETE") this.#keepsAlive = false
    const page = this.#services.errorPage(code, {
      app: this.owner?.name ?? null,
      pages: this.owner?.errorPages ?? null,
      requestId: this.requestId,
      accept: this.head.accept,
      retryAfterSeconds: this.owner?.retryAfterSeconds() ?? null,
    })
    this.responded = true
    this.#connection.output.text(
      `${page.head}${this.#connectionLine()}\r\n${this.head.method === "HEAD" ? "" : page.body}`,
    )
    this.#finish(code, detail)
    this.#connection.answered(this.#keepsAlive)
  }

  giveUp(code: ClientErrorCode, detail: string, reason: DisconnectReason): void {
    if (this.finished) return
    this.#handler?.left(reason)
    this.fail(code, detail)
  }

  // Events of the connection

  /** A piece of the request body, at most `pullBytes` long. */
  requestBody(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): void {
    if (this.finished) return
    this.#continued = true
    this.lastActivityMs = performance.now()
    this.#receivedBytes += chunk.length
    this.pullBytes -= chunk.length
    this.#services.streamed.add(chunk.length)
    if (this.#receivedBytes > this.#maxBodyBytes) {
      this.#tooLarge()
      return
    }
    if (end) this.bodyArriving = false
    if (this.#handler === null) this.#ahead.push([chunk, end, trailers])
    else this.#handler.requestBody(chunk, end, trailers)
    if (end || (this.#aheadBytes > 0 && this.pullBytes <= 0)) this.owner?.bodyArrived(this)
  }

  /** Bytes of the client in a tunnel, at most `pullBytes`; `end`: it sends no more. */
  tunnelBytes(chunk: Uint8Array, end: boolean): void {
    if (this.finished) return
    this.lastActivityMs = performance.now()
    this.pullBytes -= chunk.length
    this.#services.streamed.add(chunk.length)
    this.#handler?.requestBody(chunk, end)
    if (end) this.#endHalf("client")
  }

  drained(): void {
    if (!this.finished) this.#handler?.drained()
  }

  /** The client left. */
  left(): void {
    if (this.finished) return
    this.#handler?.left("client-left")
    this.#finish(null, "the client left")
  }

  #chooseFraming(status: number, contentLength: number, end: boolean): Framing {
    if (this.head.method === "HEAD" || status === 204 || status === 304) return "none"
    if (contentLength !== -1 || end) return "length"
    if (!this.head.isHttp10) return "chunks"
    this.#keepsAlive = false
    return "close"
  }

  #connectionLine(): string {
    // A client that was never told to send its body may send it or not (RFC 9110 10.1.1): nobody knows what comes next.
    if (this.head.expectsContinue && !this.#continued) this.#keepsAlive = false
    if (!this.#keepsAlive) return "Connection: close\r\n"
    return this.head.isHttp10 ? "Connection: keep-alive\r\n" : ""
  }

  #send(before: string, chunk: Uint8Array | null, end: boolean, trailers?: Uint8Array): boolean {
    const length = chunk === null ? 0 : chunk.length
    this.#services.streamed.add(length)
    let prefix = before
    let after = ""
    if (this.#framing === "length") {
      this.#owedBytes -= length
      if (this.#owedBytes < 0 || (end && this.#owedBytes > 0)) return this.#wrongLength(before)
    } else if (this.#framing === "chunks") {
      if (length > 0) {
        prefix += `${length.toString(16)}\r\n`
        after = "\r\n"
      }
      if (end) after += `0\r\n${trailers === undefined ? "" : this.#trailerText(trailers)}\r\n`
    }
    const { output } = this.#connection
    const isBodyless = this.#framing === "none" || length === 0
    // A head that came without its body leaves with it, when that comes in the same turn.
    if (isBodyless && before !== "" && !end) return output.later(prefix)
    const more = isBodyless ? output.text(prefix + after) : output.bytes(prefix, chunk as Uint8Array, after)
    if (!end) return more
    this.#finish(null, "")
    this.#connection.answered(this.#keepsAlive)
    return true
  }

  #writeTunnel(chunk: Uint8Array, end: boolean): boolean {
    if (this.#endedHalf === "app") return true
    const { output } = this.#connection
    this.#services.streamed.add(chunk.length)
    let more = !output.isFull
    if (chunk.length > SMALL_PIECE_BYTES) more = output.bytes("", chunk, "")
    else if (chunk.length > 0) more = output.gather(latin1(chunk))
    if (!end) return more
    this.#connection.endHalf()
    this.#endHalf("app")
    return true
  }

  #endHalf(half: "client" | "app"): void {
    if (this.finished) return
    const isOther = this.#endedHalf !== "none" && this.#endedHalf !== half
    this.#endedHalf = half
    if (!isOther) return
    this.#finish(null, "")
    this.#connection.tunnelEnded()
  }

  #trailerText(trailers: Uint8Array): string {
    try {
      return this.#services.heads.readLines(trailers).text
    } catch {
      // They are the last thing of an answer that is right so far: it ends without them.
      return ""
    }
  }

  #wrongLength(head: string): boolean {
    this.#connection.output.text(head)
    const more = this.#owedBytes < 0
    this.fail("APP_RESPONSE_INVALID", `the body is ${more ? "longer" : "shorter"} than its content-length`)
    return true
  }

  #tooLarge(): void {
    this.giveUp("BODY_TOO_LARGE", `a request body over ${this.#maxBodyBytes} bytes`, "host-stopping")
  }

  #finish(code: ClientErrorCode | null, detail: string): void {
    this.finished = true
    this.#handler = null
    this.owner?.ended(this, code, detail)
  }
}

function withoutLength(lines: string): string {
  return lines.replace(/(^|\n)content-length:[^\n]*\n/i, "$1")
}

/** RFC 9110 15.5.22: the one answer besides 101 that must say it. */
function neededProtocol(lines: Uint8Array): string {
  const value = /^upgrade:[ \t]*([!-~][ -~]*)\r$/im.exec(latin1(lines))?.[1]
  return value === undefined ? "" : `Connection: Upgrade\r\nUpgrade: ${value}\r\n`
}
