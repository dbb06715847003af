/**
 * HeadScanner: one head of an answer (status line, field lines, empty line; RFC 9112 4, 5), scanned once in place, strictly.
 * A head that comes in several reads is copied together here, at most 256 KiB, and its lines are scanned at most twice
 * wherever the bytes were cut. Knows the lines that frame a body; what they mean together is `response-reader.ts`'s.
 */
import { readLatin1 } from "../../../protocol/bytes.ts"
import { COLON, CR, isFieldByte, isSpace, LF, SP, TOKEN } from "../../../protocol/http1/syntax.ts"
import { FramingFields } from "./framing-fields.ts"

/** Servers do send heads over the 16 KiB of `node:http`. */
export const MOST_HEAD_BYTES = 256 * 1024

export class HeadScanner {
  /** What is malformed, or "". Nothing is scanned after it. */
  error = ""
  status = 0
  /** 0 or 1: of HTTP/1.0, HTTP/1.1. */
  minorVersion = 1
  readonly fields = new FramingFields()
  /** The bytes that hold the whole head: those of the last `scan`, or the copy. */
  #bytes: Uint8Array = NO_BYTES
  #reasonAt = 0
  #reasonEnd = 0
  #linesAt = 0
  #linesEnd = 0
  #canonical = true
  /** Start of the first line that is not scanned yet. */
  #at = 0
  /** What came of a head that is not whole. */
  #kept: Uint8Array = NO_BYTES
  #keptBytes = 0

  /** Begins the next head. */
  start(): void {
    this.error = ""
    this.status = 0
    this.fields.start()
    this.#canonical = true
    this.#at = 0
    if (this.#keptBytes > 0) this.#kept = NO_BYTES
    this.#keptBytes = 0
  }

  /** Scans on in `bytes[start, end)`. Returns the position after the head, or -1: it is not whole yet, or malformed. */
  scan(bytes: Uint8Array, start: number, end: number): number {
    if (this.#keptBytes > 0) return this.#scanKept(bytes, start, end)
    this.#at = start
    if (this.#scanLines(bytes, end)) return this.#at
    if (this.error === "" && this.#withinLimit(end - start)) {
      this.#at -= start
      this.#linesAt -= start
      this.#reasonAt -= start
      this.#reasonEnd -= start
      this.#keep(bytes, start, end)
    }
    return -1
  }

  /** No more will come: sets `error` when what is here of the head is malformed already. */
  finish(): void {
    if (this.#keptBytes > 0) this.#scanLines(this.#kept, this.#keptBytes)
  }

  /** Reason phrase. Valid, as the lines, until the bytes of the last `scan` change. */
  isReason(usual: string): boolean {
    const length = this.#reasonEnd - this.#reasonAt
    if (length !== usual.length) return false
    for (let i = 0; i < length; i++) if (this.#bytes[this.#reasonAt + i] !== usual.charCodeAt(i)) return false
    return true
  }

  get reason(): string {
    return readLatin1(this.#bytes, this.#reasonAt, this.#reasonEnd)
  }

  /** The field lines, each `Name: value\r\n`. */
  get lines(): Uint8Array {
    const lines = this.#bytes.subarray(this.#linesAt, this.#linesEnd)
    return this.#canonical ? lines : canonicalLines(lines)
  }

  #scanKept(bytes: Uint8Array, start: number, end: number): number {
    const before = this.#keptBytes
    // Without a line end no line is whole: nothing is scanned, so that bytes that come one by one cost no more than they are.
    const found = bytes.subarray(0, end).indexOf(LF, start) !== -1
    this.#keep(bytes, start, end)
    if (found && this.#scanLines(this.#kept, this.#keptBytes)) return start + this.#at - before
    if (this.error === "") this.#withinLimit(this.#keptBytes)
    return -1
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#keptBytes + end - start
    if (needed > this.#kept.length) {
      const grown = new Uint8Array(Math.max(1024, 2 * needed))
      grown.set(this.#kept.subarray(0, this.#keptBytes))
      this.#kept = grown
    }
    this.#kept.set(bytes.subarray(start, end), this.#keptBytes)
    this.#keptBytes = needed
  }

  #withinLimit(bytes: number): boolean {
    if (bytes > MOST_HEAD_BYTES) this.error = `a head over ${MOST_HEAD_BYTES} bytes`
    return this.error === ""
  }

  /** Scans whole lines from `#at`. True: the empty line was the last. */
  #scanLines(bytes: Uint8Array, end: number): boolean {
    const start = this.#at
    if (this.status === 0 && !this.#scanStatusLine(bytes, this.#at, end)) return false
    while (true) {
      const at = this.#at
      if (at + 2 <= end && bytes[at] === CR && bytes[at + 1] === LF) {
        this.#bytes = bytes
        this.#linesEnd = at
        this.#at = at + 2
        return this.#withinLimit(this.#at - (bytes === this.#kept ? 0 : start))
      }
      if (!this.#scanField(bytes, at, end)) return false
    }
  }

  /** `HTTP/1.1 200 Reason`; the reason, with the space before it, may be missing. */
  #scanStatusLine(bytes: Uint8Array, start: number, end: number): boolean {
    for (let i = 0; i < STATUS_LINE.length; i++) {
      const at = start + i
      if (at === end) return false
      const byte = bytes[at]!
      const expected = STATUS_LINE.charCodeAt(i)
      if (expected === DIGIT ? !isDigit(byte) : byte !== expected)
        return this.#fail("no status line of HTTP/1")
    }
    const minor = bytes[start + 7]!
    const status = threeDigits(bytes, start + 9)
    if (minor > ONE) return this.#fail("a version that is neither HTTP/1.0 nor HTTP/1.1")
    if (status < 100) return this.#fail(`status ${status}`)
    const afterStatus = start + STATUS_LINE.length
    if (afterStatus === end) return false
    if (bytes[afterStatus] !== SP && bytes[afterStatus] !== CR) return this.#fail("a malformed status line")
    const reasonAt = bytes[afterStatus] === SP ? afterStatus + 1 : afterStatus
    let at = reasonAt
    while (at < end && isFieldByte(bytes[at]!)) at++
    if (!this.#isLineEnd(bytes, at, end)) return false
    this.status = status
    this.minorVersion = minor - ZERO
    this.#reasonAt = reasonAt
    this.#reasonEnd = at
    this.#linesAt = at + 2
    this.#at = at + 2
    return true
  }

  #scanField(bytes: Uint8Array, nameAt: number, end: number): boolean {
    let at = nameAt
    while (at < end && TOKEN[bytes[at]!] === 1) at++
    if (at === end) return false
    if (bytes[at] !== COLON || at === nameAt) {
      if (at === nameAt && bytes[at] === CR && at + 1 === end) return false
      return this.#fail(nameFault(bytes, nameAt, at))
    }
    const colon = at++
    while (at < end && isSpace(bytes[at]!)) at++
    const valueAt = at
    while (at < end && isFieldByte(bytes[at]!)) at++
    if (!this.#isLineEnd(bytes, at, end)) return false
    let valueEnd = at
    while (valueEnd > valueAt && isSpace(bytes[valueEnd - 1]!)) valueEnd--
    if (valueAt !== colon + 2 || bytes[colon + 1] !== SP || valueEnd !== at) this.#canonical = false
    this.#at = at + 2
    const fault = this.fields.add(bytes, nameAt, colon, valueEnd)
    return fault === "" || this.#fail(fault)
  }

  #isLineEnd(bytes: Uint8Array, at: number, end: number): boolean {
    if (at === end) return false
    if (bytes[at] !== CR) return this.#fail(bytes[at] === LF ? "a bare LF" : "a control byte in a line")
    if (at + 1 === end) return false
    return bytes[at + 1] === LF || this.#fail("a bare CR")
  }

  #fail(what: string): false {
    this.error = what
    return false
  }
}

/** Valid lines as `Name: value\r\n`: white space around a value is no part of it (RFC 9110 5.5). */
export function canonicalLines(lines: Uint8Array): Uint8Array {
  // A line has four bytes or more, and grows by one at most.
  const canonical = new Uint8Array(lines.length + Math.ceil(lines.length / 4))
  let length = 0
  for (let at = 0; at < lines.length; ) {
    const colon = lines.indexOf(COLON, at)
    const lineEnd = lines.indexOf(CR, colon)
    let valueAt = colon + 1
    let valueEnd = lineEnd
    while (valueAt < valueEnd && isSpace(lines[valueAt]!)) valueAt++
    while (valueEnd > valueAt && isSpace(lines[valueEnd - 1]!)) valueEnd--
    canonical.set(lines.subarray(at, colon + 1), length)
    length += colon + 1 - at
    canonical[length++] = SP
    canonical.set(lines.subarray(valueAt, valueEnd), length)
    length += valueEnd - valueAt
    canonical[length++] = CR
    canonical[length++] = LF
    at = lineEnd + 2
  }
  return canonical.subarray(0, length)
}

function nameFault(bytes: Uint8Array, nameAt: number, at: number): string {
  const byte = bytes[at]
  if (at > nameAt)
    return `a header line without a colon after its name ${JSON.stringify(readLatin1(bytes, nameAt, Math.min(at, nameAt + 100)))}`
  if (byte !== undefined && isSpace(byte)) return "a folded header line"
  if (byte === COLON) return "a header line without a name"
  return byte === LF ? "a bare LF" : "a malformed header name"
}

function threeDigits(bytes: Uint8Array, at: number): number {
  return (bytes[at]! - ZERO) * 100 + (bytes[at + 1]! - ZERO) * 10 + bytes[at + 2]! - ZERO
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= 57
}

/** `#` stands for a digit. */
const STATUS_LINE = "HTTP/1.# ###"
const DIGIT = 35
const ZERO = 48
const ONE = 49
const NO_BYTES = new Uint8Array(0)
