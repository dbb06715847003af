/**
 * RequestFields: what the header lines of one request say that the host acts on: framing, connection, expectation, and what a
 * trusted proxy says of its client. `request-head.ts` finds the lines and gives those here that mean something.
 */
import type { ClientErrorCode } from "../../../protocol/errors.ts"
import { equalsIgnoringCase } from "../../../protocol/http1/syntax.ts"
import { RequestField, type RequestFieldNumber } from "./request-field.ts"

/** Positions of one line: `bytes[at, next)`, with its line end. */
export interface LineAt {
  at: number
  nameEnd: number
  valueStart: number
  valueEnd: number
  next: number
}

/** What becomes of a line. */
export const LineFate = { pass: 0, drop: 1, refuse: 2 } as const
export type LineFateNumber = (typeof LineFate)[keyof typeof LineFate]

/** Digits of 2^53. */
const MOST_LENGTH_DIGITS = 16
/** Names in Connection. No client has so many, and a set of thousands costs more than it took to send them. */
const MOST_NOMINATED = 100
/** Lines that a request's meaning depends on are never hop-by-hop, whatever Connection says. */
const NEVER_NOMINATED: ReadonlySet<string> = new Set([
  "upgrade",
  "te",
  "host",
  "content-length",
  "transfer-encoding",
  "x-request-id",
])
/** RFC 9110 7.8: a token, and perhaps a version. */
const PROTOCOL = /^[!#$%&'*+.^_`|~0-9a-z-]+(?:\/[!#$%&'*+.^_`|~0-9a-z-]+)?$/
const LONGEST_PROTOCOL = 64
/** What is between the client and the host: RFC 9113 3.1 (obsolete, and curl asks for it), RFC 2817. */
const HOSTS_OWN = /^(?:h2c?|http|tls)(?:\/|$)/
const KNOWN_CODINGS = /^(?:(?:gzip|x-gzip|deflate|compress|x-compress|br|zstd)[ \t]*,[ \t]*)+chunked$/i

export class RequestFields {
  /** Bytes of the body: 0 none, -1 in chunks. */
  bodyBytes = 0
  expectsContinue = false
  /** The connection may serve another request after this one. */
  keepsAlive = true
  hostAt = -1
  hostEnd = 0
  acceptAt = -1
  acceptEnd = 0
  /** As in RequestHead. */
  upgrade = ""
  /** Names in Connection that make other lines hop-by-hop, lower case. */
  nominated: Set<string> | null = null
  /** Values of a trusted proxy's forwarded lines; "" or empty where there are none. */
  forwardedFor: string[] = []
  forwardedProto = ""
  forwardedHost = ""
  requestId = ""
  refusal: ClientErrorCode = "BAD_REQUEST"
  detail = ""
  /** The peer is a proxy whose forwarded lines are believed. */
  readonly #trusted: boolean
  #lengths = 0
  #codings = 0
  #closes = false
  #keepAliveAsked = false
  #upgradeNominated = false

  constructor(trusted: boolean) {
    this.#trusted = trusted
  }

  clear(): void {
    this.bodyBytes = 0
    this.expectsContinue = false
    this.hostAt = -1
    this.acceptAt = -1
    this.upgrade = ""
    this.nominated = null
    this.#lengths = 0
    this.#codings = 0
    this.#closes = false
    this.#keepAliveAsked = false
    this.#upgradeNominated = false
    if (!this.#trusted) return
    this.forwardedFor = []
    this.forwardedProto = ""
    this.forwardedHost = ""
    this.requestId = ""
  }

  /** The bytes were moved by `by`. */
  shift(by: number): void {
    if (this.hostAt !== -1) this.hostAt += by
    this.hostEnd += by
    if (this.acceptAt !== -1) this.acceptAt += by
    this.acceptEnd += by
  }

  read(bytes: Buffer, line: LineAt, field: RequestFieldNumber): LineFateNumber {
    const { valueStart, valueEnd } = line
    switch (field) {
      case RequestField.host:
        // RFC 9112 3.2: more than one Host is a bad request.
        if (this.hostAt !== -1) return this.#bad("more than one Host")
        this.hostAt = valueStart
        this.hostEnd = valueEnd
        return LineFate.pass
      case RequestField.accept:
        if (this.acceptAt === -1) {
          this.acceptAt = valueStart
          this.acceptEnd = valueEnd
        }
        return LineFate.pass
      case RequestField.contentLength:
        return this.#readLength(bytes, valueStart, valueEnd)
      case RequestField.transferEncoding:
        // Not all take a tab for a space here, and what is no `chunked` to them has no end.
        if (valueEnd !== line.next - 2) return this.#bad("spaces after a Transfer-Encoding")
        return this.#readCoding(bytes, valueStart, valueEnd)
      case RequestField.connection:
        return this.#readConnection(bytes, valueStart, valueEnd)
      case RequestField.upgrade:
        if (this.upgrade === "") this.upgrade = firstProtocol(bytes.toString("latin1", valueStart, valueEnd))
        return LineFate.drop
      case RequestField.expect:
        if (!equalsIgnoringCase(bytes, valueStart, valueEnd, "100-continue"))
          return this.#refuse("EXPECTATION_FAILED", "an Expect other than 100-continue")
        this.expectsContinue = true
        return LineFate.drop
      case RequestField.drop:
        return LineFate.drop
      case RequestField.forwarded:
        return this.passes(field) ? LineFate.pass : LineFate.drop
      default:
        if (this.#trusted) this.#readForwarded(bytes, line, field)
        return LineFate.drop
    }
  }

  /** Whether a line that `read` has seen already is among those that pass. */
  passes(field: RequestFieldNumber): boolean {
    switch (field) {
      case RequestField.pass:
      case RequestField.host:
      case RequestField.accept:
      case RequestField.contentLength:
        return true
      case RequestField.forwarded:
        return this.#trusted
      default:
        return false
    }
  }

  /** After the last line. @returns false when the lines together make no request. */
  finish(isHttp10: boolean): boolean {
    if (this.#codings > 0) {
      // RFC 9112 6.1 and 6.3: either could be meant, or a proxy before us did not know the one.
      if (this.#lengths > 0) this.#bad("Content-Length beside Transfer-Encoding")
      else if (isHttp10) this.#bad("Transfer-Encoding in HTTP/1.0")
      if (this.#lengths > 0 || isHttp10) return false
      this.bodyBytes = -1
    }
    // RFC 9110 10.1.1: nobody waits who sends no body, or speaks HTTP/1.0.
    if (isHttp10 || this.bodyBytes === 0) this.expectsContinue = false
    // RFC 9110 7.8: only a recipient that Connection names it to acts on it, and none in HTTP/1.0. Whose body would end where?
    if (!this.#upgradeNominated || isHttp10 || this.bodyBytes !== 0) this.upgrade = ""
    this.keepsAlive = !this.#closes && (!isHttp10 || this.#keepAliveAsked)
    return true
  }

  #readForwarded(bytes: Buffer, { valueStart, valueEnd }: LineAt, field: RequestFieldNumber): void {
    const value = bytes.toString("latin1", valueStart, valueEnd)
    if (field === RequestField.forwardedFor) this.forwardedFor.push(value)
    else if (field === RequestField.forwardedProto) this.forwardedProto ||= value
    else if (field === RequestField.forwardedHost) this.forwardedHost ||= value
    else this.requestId ||= value
  }

  #readLength(bytes: Buffer, start: number, end: number): LineFateNumber {
    if (++this.#lengths > 1) return this.#bad("more than one Content-Length")
    if (end === start || end - start > MOST_LENGTH_DIGITS) return this.#bad("a malformed Content-Length")
    let length = 0
    for (let i = start; i < end; i++) {
      const digit = bytes[i]! - 48
      if (digit < 0 || digit > 9) return this.#bad("a malformed Content-Length")
      length = length * 10 + digit
    }
    if (length > Number.MAX_SAFE_INTEGER) return this.#bad("a malformed Content-Length")
    this.bodyBytes = length
    return LineFate.pass
  }

  #readCoding(bytes: Buffer, start: number, end: number): LineFateNumber {
    if (++this.#codings > 1) return this.#bad("more than one Transfer-Encoding")
    if (equalsIgnoringCase(bytes, start, end, "chunked")) return LineFate.drop
    // RFC 9112 6.1: 501 for a coding that is not understood, when it is clear where the body would end.
    return KNOWN_CODINGS.test(bytes.toString("latin1", start, end))
      ? this.#refuse("NOT_IMPLEMENTED", "a transfer coding other than chunked")
      : this.#bad("a Transfer-Encoding other than chunked")
  }

  #readConnection(bytes: Buffer, start: number, end: number): LineFateNumber {
    if (equalsIgnoringCase(bytes, start, end, "keep-alive")) {
      this.#keepAliveAsked = true
      return LineFate.drop
    }
    for (const part of bytes.toString("latin1", start, end).split(",")) {
      const name = withoutSpaces(part).toLowerCase()
      if (name === "close") this.#closes = true
      else if (name === "keep-alive") this.#keepAliveAsked = true
      else if (name === "upgrade") this.#upgradeNominated = true
      else if (name !== "" && !NEVER_NOMINATED.has(name)) {
        this.nominated ??= new Set()
        this.nominated.add(name)
        if (this.nominated.size > MOST_NOMINATED) return this.#bad("too many names in Connection")
      }
    }
    return LineFate.drop
  }

  #bad(detail: string): LineFateNumber {
    return this.#refuse("BAD_REQUEST", detail)
  }

  #refuse(code: ClientErrorCode, detail: string): LineFateNumber {
    this.refusal = code
    this.detail = detail
    return LineFate.refuse
  }
}

/** The first of the protocols in a value of Upgrade that an app may be asked for, lower case; "" where there is none. */
function firstProtocol(value: string): string {
  for (const part of value.split(",")) {
    const name = withoutSpaces(part).toLowerCase()
    if (name.length <= LONGEST_PROTOCOL && PROTOCOL.test(name) && !HOSTS_OWN.test(name)) return name
  }
  return ""
}

/** `trim` would take 0xA0 for a space too. */
function withoutSpaces(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && (text[start] === " " || text[start] === "\t")) start++
  while (end > start && (text[end - 1] === " " || text[end - 1] === "\t")) end--
  return text.slice(start, end)
}
