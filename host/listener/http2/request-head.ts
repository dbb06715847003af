/**
 * Http2HeadReader: reads the head of a request on an HTTP/2 stream. nghttp2 has checked what RFC 9113 8.2 and 8.3 demand of its fields;
 * what they mean is told by the one reader of heads (`http1/request-head.ts`), for which the head is written down as HTTP/1.1: so
 * both protocols have the same rules, limits and refusals. Http2RequestHead is what comes of it: bytes of its own, for streams run
 * side by side.
 */
import { writeLatin1 } from "../../../protocol/bytes.ts"
import type { ClientErrorCode } from "../../../protocol/errors.ts"
import type { RequestHead } from "../../../protocol/exchange.ts"
import { CR, LF } from "../../../protocol/http1/syntax.ts"
import type { HttpSettings } from "../http-settings.ts"
import { type Client, Clients, type Peer } from "../http1/forwarded.ts"
import { HeadResult, RequestHeadReader } from "../http1/request-head.ts"
import type { RequestIds } from "../listener.ts"

export class Http2HeadReader {
  refusal: ClientErrorCode = "BAD_REQUEST"
  detail = ""
  readonly #clients: Clients
  readonly #reader: RequestHeadReader
  readonly #ids: RequestIds

  constructor(peer: Peer, settings: HttpSettings, ids: RequestIds) {
    this.#clients = new Clients(peer, settings)
    this.#reader = new RequestHeadReader(settings, this.#clients.trusted)
    this.#ids = ids
  }

  /** `fields`: names and values in turn. `isEnded`: no body follows. Null: it is refused, see `refusal`. */
  read(fields: readonly string[], isEnded: boolean): Http2RequestHead | null {
    const text = this.#textOf(fields, isEnded)
    if (text === null) return null
    const bytes = Buffer.from(text, "latin1")
    const reader = this.#reader
    reader.start(0)
    const result = reader.read(bytes, bytes.length)
    if (result === HeadResult.refused) {
      this.refusal = reader.refusal
      this.detail = reader.detail
      return null
    }
    if (result !== HeadResult.whole || reader.headEnd !== bytes.length)
      return this.#bad("a line end in a field")
    const client = this.#clients.of(reader)
    const requestId = client.requestId === "" ? this.#ids.next() : client.requestId
    const block = Buffer.allocUnsafe(reader.block.byteLength)
    reader.block.write(bytes, block, 0)
    const { method, target, fields: read } = reader
    const { bodyBytes, expectsContinue } = read
    return new Http2RequestHead({ method, target, bodyBytes, expectsContinue }, { block, client, requestId })
  }

  /** The head as HTTP/1.1 would have it, or null when it has no such form. */
  #textOf(fields: readonly string[], isEnded: boolean): string | null {
    let method = ""
    let path = ""
    let scheme = ""
    let authority: string | null = null
    let host: string | null = null
    let cookie: string | null = null
    let cookieAt = 0
    let hasLength = false
    let lines = ""
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i] as string
      const value = fields[i + 1] as string
      // nghttp2 lets none through: a line more or less would be another request.
      if (value.includes("\n")) return this.#bad("a line end in a field")
      switch (name) {
        case ":method":
          method = value
          break
        case ":path":
          path = value
          break
        case ":scheme":
          scheme = value
          break
        case ":authority":
          authority = value
          break
        case "host":
          if (host !== null) return this.#bad("more than one Host")
          host = value
          break
        case "cookie":
          // RFC 9113 8.2.3: its parts may come one by one.
          if (cookie === null) cookieAt = lines.length
          cookie = cookie === null ? value : `${cookie}; ${value}`
          break
        default:
          if (name.startsWith(":")) return this.#bad("an unknown pseudo-header field")
          if (name === "content-length") hasLength = true
          lines += `${name}: ${value}\r\n`
      }
    }
    if (method === "CONNECT") return this.#refuse("METHOD_NOT_ALLOWED", "CONNECT")
    // RFC 9113 8.3.1: as in HTTP/1, `*` is for OPTIONS, which the reader knows; there is no absolute form.
    if (path !== "*" && !path.startsWith("/")) return this.#bad("a malformed :path")
    if (scheme !== "https" && scheme !== "http") return this.#bad("a scheme other than http(s)")
    if (authority !== null && host !== null && authority.toLowerCase() !== host.toLowerCase())
      return this.#bad("a Host other than :authority")
    if (cookie !== null) lines = `${lines.slice(0, cookieAt)}cookie: ${cookie}\r\n${lines.slice(cookieAt)}`
    const named = authority ?? host
    const hostLine = named === null ? "" : `host: ${named}\r\n`
    const coding = isEnded || hasLength ? "" : "transfer-encoding: chunked\r\n"
    return `${method} ${path} HTTP/1.1\r\n${hostLine}${lines}${coding}\r\n`
  }

  #bad(detail: string): null {
    return this.#refuse("BAD_REQUEST", detail)
  }

  #refuse(code: ClientErrorCode, detail: string): null {
    this.refusal = code
    this.detail = detail
    return null
  }
}

/** Value of the Accept field among `fields`, or "": for answers to what was refused. */
export function acceptOf(fields: readonly string[]): string {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === "accept") return fields[i + 1] as string
  return ""
}

type Read = Pick<RequestHead, "method" | "target" | "bodyBytes" | "expectsContinue">

export class Http2RequestHead implements RequestHead {
  readonly method: string
  target: string
  readonly path: string
  readonly bodyBytes: number
  readonly expectsContinue: boolean
  readonly upgrade = ""
  readonly requestId: string
  readonly #block: Buffer
  readonly #client: Client
  /** Stands after the client's lines. */
  #prefixLine = ""

  constructor(read: Read, of: { block: Buffer; client: Client; requestId: string }) {
    this.method = read.method
    this.target = read.target
    const query = read.target.indexOf("?")
    this.path = query === -1 ? read.target : read.target.slice(0, query)
    this.bodyBytes = read.bodyBytes
    this.expectsContinue = read.expectsContinue
    this.#block = of.block
    this.#client = of.client
    this.requestId = of.requestId
  }

  get scheme(): "http" | "https" {
    return this.#client.scheme
  }

  get host(): string {
    return this.#client.authority.text
  }

  /** For routing: lower case, without port. */
  get hostName(): string {
    return this.#client.authority.name
  }

  get clientAddress(): string {
    return this.#client.address
  }

  /** Value of the Accept header, or "". */
  get accept(): string {
    return /^accept:(.*)\r$/im.exec(this.#block.toString("latin1"))?.[1]?.trim() ?? ""
  }

  get headerBytes(): number {
    return (
      this.#block.length + this.#prefixLine.length + this.#client.lines.length + this.requestId.length + 2
    )
  }

  writeHeaders(into: Uint8Array, start: number): number {
    into.set(this.#block, start)
    let at = start + this.#block.length
    if (this.#prefixLine !== "") at = writeLatin1(into, at, this.#prefixLine)
    into.set(this.#client.lines, at)
    at = writeLatin1(into, at + this.#client.lines.length, this.requestId)
    into[at] = CR
    into[at + 1] = LF
    return at + 2
  }

  /** The target loses `prefix`, and a line says so. */
  mount(prefix: string): void {
    this.#prefixLine = `X-Forwarded-Prefix: ${prefix}\r\n`
    const rest = this.target.slice(prefix.length)
    this.target = rest.startsWith("/") ? rest : `/${rest}`
  }
}
