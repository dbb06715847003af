/**
 * RequestHeadReader: reads the head of a request, strictly, in one pass over its bytes, and remembers where its parts lie.
 * Whatever is ambiguous is refused: two readers of it could see different requests (RFC 9112 11.2). It may be given the bytes
 * in any pieces; a line is looked at again only when its end has come. Owns no bytes; the connection does.
 */
import type { ClientErrorCode } from "../../../protocol/errors.ts"
import { COLON, CR, equalsText, HTAB, isSpace, LF, SP, TOKEN } from "../../../protocol/http1/syntax.ts"
import type { HttpSettings } from "../http-settings.ts"
import { type Authority, NO_AUTHORITY, readAuthority } from "./authority.ts"
import { LineBlock } from "./line-block.ts"
import { RequestField, requestField } from "./request-field.ts"
import { type LineAt, LineFate, RequestFields } from "./request-fields.ts"
import {
  isServed,
  LONGEST_METHOD,
  methodOf,
  readAbsoluteTarget,
  readVersion,
  VERSION_BYTES,
} from "./request-line.ts"

export type HeadLimits = Pick<HttpSettings, "headerBytes" | "headerLines" | "targetBytes">

/** What `read` came to. */
export const HeadResult = { incomplete: 0, whole: 1, refused: 2 } as const
export type HeadResultNumber = (typeof HeadResult)[keyof typeof HeadResult]

export class RequestHeadReader {
  method = ""
  /** Origin form, or `*`. */
  target = ""
  authority: Authority = NO_AUTHORITY
  /** `authority` came with an absolute target: no Host line is in the block. */
  hostReplaced = false
  isHttp10 = false
  /** Position after the head. */
  headEnd = 0
  readonly block = new LineBlock()
  readonly fields: RequestFields
  refusal: ClientErrorCode = "BAD_REQUEST"
  detail = ""
  readonly #limits: HeadLimits
  readonly #line: LineAt = { at: 0, nameEnd: 0, valueStart: 0, valueEnd: 0, next: 0 }
  /** Start of the line that is read next; of the request, before its first line. */
  #lineAt = 0
  /** Before this position there is no line end from `#lineAt` on. */
  #searchedTo = 0
  /** Start of the header lines, or -1 before the request line was read. */
  #headersAt = -1
  #lines = 0
  /** Before the request line. */
  #emptyLines = 0

  /** `trusted`: the peer is a proxy whose forwarded lines are believed. */
  constructor(limits: HeadLimits, trusted: boolean) {
    this.#limits = limits
    this.fields = new RequestFields(trusted)
  }

  /** Begins with a request whose first byte is at `at`. */
  start(at: number): void {
    this.method = ""
    this.#lineAt = at
    this.#searchedTo = at
    this.#headersAt = -1
    this.#lines = 0
    this.#emptyLines = 0
    this.hostReplaced = false
    this.release()
  }

  /** Keeps nothing of the last request. */
  release(): void {
    this.fields.clear()
    this.block.clear()
  }

  /** The bytes were moved by `by`. */
  shift(by: number): void {
    this.#lineAt += by
    this.#searchedTo += by
    if (this.#headersAt !== -1) this.#headersAt += by
    this.headEnd += by
    this.fields.shift(by)
    this.block.shift(by)
  }

  /** Nothing but empty lines has come: some clients send one after a body. */
  get isBlank(): boolean {
    return this.#headersAt === -1 && this.#lineAt === this.#searchedTo
  }

  /** Value of the Accept header so far, for an error answer; `bytes` as in `read`. */
  acceptOf(bytes: Buffer): string {
    const { acceptAt, acceptEnd } = this.fields
    return acceptAt === -1 ? "" : bytes.toString("latin1", acceptAt, acceptEnd)
  }

  /** Reads on in `bytes`, of which those before `end` have come. */
  read(bytes: Buffer, end: number): HeadResultNumber {
    // The first look reads what there is: most heads come whole. After that a line is read when its end is here.
    const looked = this.#searchedTo > this.#lineAt
    if (looked && bytes.subarray(0, end).indexOf(LF, this.#searchedTo) === -1) return this.#wait(end)
    let result = this.#headersAt === -1 ? this.#readRequestLine(bytes, end) : HeadResult.whole
    if (result === HeadResult.whole) result = this.#readLines(bytes, end)
    if (result === HeadResult.whole) return this.#finish(bytes)
    return result === HeadResult.refused ? result : this.#wait(end)
  }

  #wait(end: number): HeadResultNumber {
    this.#searchedTo = end
    const { headerBytes, targetBytes } = this.#limits
    if (this.#headersAt === -1) {
      const longest = LONGEST_METHOD + targetBytes + VERSION_BYTES + 2
      return end - this.#lineAt > longest
        ? this.#refuse("TARGET_TOO_LONG", "a request line that does not end")
        : HeadResult.incomplete
    }
    return end - this.#headersAt > headerBytes + 2 ? this.#tooManyBytes() : HeadResult.incomplete
  }

  #readRequestLine(bytes: Buffer, end: number): HeadResultNumber {
    let at = this.#lineAt
    // RFC 9112 2.2: empty lines before a request are ignored, as far as a client can mean them.
    while (at < end && bytes[at] === CR) {
      if (at + 1 === end) return HeadResult.incomplete
      if (bytes[at + 1] !== LF) return this.#bad("a carriage return without line feed")
      if (++this.#emptyLines > MOST_EMPTY_LINES) return this.#bad("empty lines")
      at += 2
      this.#lineAt = at
    }
    const methodAt = at
    while (at < end && TOKEN[bytes[at]!] === 1) at++
    if (at - methodAt > LONGEST_METHOD) return this.#refuse("NOT_IMPLEMENTED", "an unknown method")
    if (at === end) return HeadResult.incomplete
    if (at === methodAt || bytes[at] !== SP) return this.#bad("a malformed request line")
    this.method = methodOf(bytes, methodAt, at)
    const targetAt = ++at
    // Visible ASCII without `#`: a fragment is never sent (RFC 9112 3.2).
    while (at < end && bytes[at]! > 32 && bytes[at]! < 127 && bytes[at] !== HASH) at++
    if (at - targetAt > this.#limits.targetBytes)
      return this.#refuse("TARGET_TOO_LONG", `a request target over ${this.#limits.targetBytes} bytes`)
    if (at === end) return HeadResult.incomplete
    if (bytes[at] !== SP || at === targetAt) return this.#bad("a malformed request target")
    const versionAt = at + 1
    if (end - versionAt < VERSION_BYTES) {
      const isOver = bytes.subarray(versionAt, end).indexOf(LF) !== -1
      return isOver ? this.#bad("a malformed HTTP version") : HeadResult.incomplete
    }
    const minor = readVersion(bytes, versionAt)
    if (minor === -2) return this.#bad("a malformed HTTP version")
    if (minor === -1) return this.#refuse("VERSION_NOT_SUPPORTED", "another version of HTTP")
    if (this.method === "CONNECT") return this.#refuse("METHOD_NOT_ALLOWED", "CONNECT")
    if (!isServed(this.method)) return this.#refuse("NOT_IMPLEMENTED", "an unknown method")
    this.isHttp10 = minor === 0
    this.target = bytes.toString("latin1", targetAt, at)
    this.#lineAt = versionAt + VERSION_BYTES
    this.#headersAt = this.#lineAt
    return HeadResult.whole
  }

  #readLines(bytes: Buffer, end: number): HeadResultNumber {
    const line = this.#line
    let at = this.#lineAt
    for (; ; at = line.next) {
      this.#lineAt = at
      if (at === end) return HeadResult.incomplete
      if (bytes[at] === CR) {
        if (at + 1 === end) return HeadResult.incomplete
        if (bytes[at + 1] !== LF) return this.#bad("a carriage return without line feed")
        break
      }
      const result = this.#readLine(bytes, at, end)
      if (result !== HeadResult.whole) return result
    }
    if (at - this.#headersAt > this.#limits.headerBytes) return this.#tooManyBytes()
    this.block.finish(at)
    this.headEnd = at + 2
    return HeadResult.whole
  }

  #readLine(bytes: Buffer, start: number, end: number): HeadResultNumber {
    const line = this.#line
    let at = start
    while (at < end && TOKEN[bytes[at]!] === 1) at++
    if (at === end) return HeadResult.incomplete
    if (bytes[at] !== COLON || at === start) return this.#bad("a malformed header name")
    line.at = start
    line.nameEnd = at++
    while (at < end && isSpace(bytes[at]!)) at++
    line.valueStart = at
    while (at < end && (bytes[at]! >= 32 ? bytes[at] !== 127 : bytes[at] === HTAB)) at++
    if (at === end) return HeadResult.incomplete
    if (bytes[at] !== CR) return this.#bad("a control character in a header value")
    if (at + 1 === end) return HeadResult.incomplete
    if (bytes[at + 1] !== LF) return this.#bad("a carriage return without line feed")
    line.next = at + 2
    while (at > line.valueStart && isSpace(bytes[at - 1]!)) at--
    line.valueEnd = at
    if (++this.#lines > this.#limits.headerLines)
      return this.#refuse("HEADERS_TOO_LARGE", `more than ${this.#limits.headerLines} header lines`)
    const field = requestField(bytes, start, line.nameEnd)
    const fate = field === RequestField.pass ? LineFate.pass : this.fields.read(bytes, line, field)
    if (fate === LineFate.refuse) return this.#refuse(this.fields.refusal, this.fields.detail)
    if (fate === LineFate.pass) this.#pass(bytes, line)
    else this.block.drop(start)
    return HeadResult.whole
  }

  #pass(bytes: Buffer, line: LineAt): void {
    const { nameEnd, valueStart, valueEnd, next } = line
    // One space before the value and none after it: the form in which lines travel.
    if (valueStart === nameEnd + 2 && bytes[nameEnd + 1] === SP && valueEnd === next - 2)
      this.block.pass(line.at)
    else this.block.trim(line)
  }

  #finish(bytes: Buffer): HeadResultNumber {
    if (!this.fields.finish(this.isHttp10)) return this.#refuse(this.fields.refusal, this.fields.detail)
    const problem = this.#readHost(bytes) || this.#readTarget()
    if (problem !== "") return this.#bad(problem)
    if (this.hostReplaced || this.fields.nominated !== null) this.#rebuild(bytes)
    return HeadResult.whole
  }

  /** @returns what is wrong, or "". */
  #readHost(bytes: Buffer): string {
    const { hostAt, hostEnd } = this.fields
    if (hostAt === -1) {
      this.authority = NO_AUTHORITY
      return this.isHttp10 ? "" : "no Host"
    }
    // Requests of a connection mostly name the same host.
    if (hostEnd > hostAt && equalsText(bytes, hostAt, hostEnd, this.authority.text)) return ""
    const authority = readAuthority(bytes.toString("latin1", hostAt, hostEnd))
    if (authority === null) return "a malformed Host"
    this.authority = authority
    return ""
  }

  #readTarget(): string {
    const { target } = this
    if (target.charCodeAt(0) === SLASH) return ""
    if (target === "*") return this.method === "OPTIONS" ? "" : "the target * with another method"
    const absolute = readAbsoluteTarget(target)
    const authority = absolute === null ? null : readAuthority(absolute.authority)
    if (absolute === null || authority === null) return "a malformed request target"
    // RFC 9112 3.2.2: the authority of an absolute form replaces Host.
    this.authority = authority
    // RFC 9112 3.2.4: the server as a whole, when no path is named.
    const nowhere = this.method === "OPTIONS" ? "*" : "/"
    this.target = absolute.origin === "" ? nowhere : absolute.origin
    this.hostReplaced = true
    return ""
  }

  /** Makes the block again, without the lines that only the end of the head showed not to pass. */
  #rebuild(bytes: Buffer): void {
    const { block, fields } = this
    const line = this.#line
    block.clear()
    for (let at = this.#headersAt; at < this.headEnd - 2; at = line.next) {
      line.at = at
      line.nameEnd = bytes.indexOf(COLON, at)
      line.next = bytes.indexOf(LF, at) + 1
      line.valueStart = line.nameEnd + 1
      line.valueEnd = line.next - 2
      while (line.valueStart < line.valueEnd && isSpace(bytes[line.valueStart]!)) line.valueStart++
      while (line.valueEnd > line.valueStart && isSpace(bytes[line.valueEnd - 1]!)) line.valueEnd--
      const field = requestField(bytes, at, line.nameEnd)
      const isReplaced = this.hostReplaced && field === RequestField.host
      const isNominated =
        fields.nominated?.has(bytes.toString("latin1", at, line.nameEnd).toLowerCase()) === true
      if (isReplaced || isNominated || !fields.passes(field)) block.drop(at)
      else this.#pass(bytes, line)
    }
    block.finish(this.headEnd - 2)
  }

  #tooManyBytes(): HeadResultNumber {
    return this.#refuse("HEADERS_TOO_LARGE", `more than ${this.#limits.headerBytes} bytes of header lines`)
  }

  #bad(detail: string): HeadResultNumber {
    return this.#refuse("BAD_REQUEST", detail)
  }

  #refuse(code: ClientErrorCode, detail: string): HeadResultNumber {
    this.refusal = code
    this.detail = detail
    return HeadResult.refused
  }
}

const MOST_EMPTY_LINES = 4
const HASH = 35
const SLASH = 47
