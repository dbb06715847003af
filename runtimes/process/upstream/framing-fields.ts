/** FramingFields: what the field lines of one answer say about its body's length and about its connection. */
import { readLatin1 } from "../../../protocol/bytes.ts"
import { equalsIgnoringCase, HTAB, isSpace, SP } from "../../../protocol/http1/syntax.ts"

export class FramingFields {
  /** Declared length of the body, or -1. */
  contentLength = -1
  chunked = false
  /** `Connection: close`, `Connection: keep-alive`. */
  close = false
  keepAlive = false
  /** The protocols that Upgrade names, one after the other, lower case, or "". */
  upgrade = ""
  /** Seconds of `Keep-Alive: timeout=N`, or -1. */
  keepAliveSeconds = -1

  start(): void {
    this.contentLength = -1
    this.chunked = false
    this.close = false
    this.keepAlive = false
    this.upgrade = ""
    this.keepAliveSeconds = -1
  }

  /** Whether Upgrade names `protocol`, which is lower case. */
  upgradesTo(protocol: string): boolean {
    return this.upgrade.split(",").some((it) => it.trim() === protocol)
  }

  /** Takes note of the line whose name is `bytes[nameAt, colon)`. Returns what is wrong with it, or "". */
  add(bytes: Uint8Array, nameAt: number, colon: number, valueEnd: number): string {
    const nameBytes = colon - nameAt
    // Most names need no comparison: their length is none of these.
    if (nameBytes !== 7 && nameBytes !== 10 && nameBytes !== 14 && nameBytes !== 17) return ""
    let valueAt = colon + 1
    while (valueAt < valueEnd && isSpace(bytes[valueAt]!)) valueAt++
    switch (nameBytes) {
      case 7:
        if (equalsIgnoringCase(bytes, nameAt, nameAt + 7, "upgrade"))
          this.upgrade += `,${readLatin1(bytes, valueAt, valueEnd).toLowerCase()}`
        return ""
      case 10:
        if (equalsIgnoringCase(bytes, nameAt, nameAt + 10, "connection"))
          this.#connection(bytes, valueAt, valueEnd)
        else if (equalsIgnoringCase(bytes, nameAt, nameAt + 10, "keep-alive"))
          this.#timeout(bytes, valueAt, valueEnd)
        return ""
      case 14:
        return equalsIgnoringCase(bytes, nameAt, nameAt + 14, "content-length")
          ? this.#contentLength(bytes, valueAt, valueEnd)
          : ""
      default:
        return equalsIgnoringCase(bytes, nameAt, nameAt + 17, "transfer-encoding")
          ? this.#transferEncoding(bytes, valueAt, valueEnd)
          : ""
    }
  }

  #contentLength(bytes: Uint8Array, start: number, end: number): string {
    if (isTabAfter(bytes, end)) return "a tab after a content-length"
    if (this.contentLength !== -1) return "more than one content-length line"
    const length = digits(bytes, start, end)
    if (length === -1) return "a content-length that is no number"
    this.contentLength = length
    return ""
  }

  #transferEncoding(bytes: Uint8Array, start: number, end: number): string {
    if (isTabAfter(bytes, end)) return "a tab after a transfer-encoding"
    if (this.chunked || !equalsIgnoringCase(bytes, start, end, "chunked"))
      return "a transfer-encoding other than chunked"
    this.chunked = true
    return ""
  }

  #connection(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const itemAt = at
      while (at < end && bytes[at] !== COMMA) at++
      if (isItem(bytes, itemAt, at, "close")) this.close = true
      else if (isItem(bytes, itemAt, at, "keep-alive")) this.keepAlive = true
    }
  }

  /** `timeout=5, max=100`: only the first matters. */
  #timeout(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      let itemAt = at
      while (at < end && bytes[at] !== COMMA) at++
      while (itemAt < at && isSpace(bytes[itemAt]!)) itemAt++
      const numberAt = itemAt + TIMEOUT.length
      if (numberAt >= at || !equalsIgnoringCase(bytes, itemAt, numberAt, TIMEOUT)) continue
      let numberEnd = at
      while (numberEnd > numberAt && isSpace(bytes[numberEnd - 1]!)) numberEnd--
      this.keepAliveSeconds = digits(bytes, numberAt, numberEnd)
    }
  }
}

function isItem(bytes: Uint8Array, start: number, end: number, item: string): boolean {
  let from = start
  let to = end
  while (from < to && isSpace(bytes[from]!)) from++
  while (to > from && isSpace(bytes[to - 1]!)) to--
  return equalsIgnoringCase(bytes, from, to, item)
}

/** A tab between a value and its line end: some readers take it as a part of the value, and then see another body. */
function isTabAfter(bytes: Uint8Array, valueEnd: number): boolean {
  let at = valueEnd
  while (bytes[at] === SP) at++
  return bytes[at] === HTAB
}

/** The number, or -1. */
function digits(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > MOST_DIGITS) return -1
  let number = 0
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48
    if (digit < 0 || digit > 9) return -1
    number = number * 10 + digit
  }
  return number
}

const TIMEOUT = "timeout="
const COMMA = 44
/** All numbers of so many digits are exact. */
const MOST_DIGITS = 15
