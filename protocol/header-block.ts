/** Header blocks as the lint sees them. The listener has its own scan, which also knows what the headers mean. */

/** True when `bytes[start, end)` is lines `name: value\r\n` (RFC 9110 tokens, field values), or empty. */
export function isHeaderBlock(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const nameAt = at
    while (at < end && isTokenByte(bytes[at]!)) at++
    if (at === nameAt || bytes[at] !== COLON) return false
    at++
    while (at < end && isValueByte(bytes[at]!)) at++
    if (at + 2 > end || bytes[at] !== CR || bytes[at + 1] !== LF) return false
    at += 2
  }
  return true
}

/** True when `bytes[start, end)` has no control bytes but HTAB (RFC 9110 5.5, RFC 9112 4). */
export function isFieldText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isValueByte(bytes[at]!)) return false
  return true
}

const CR = 13
const LF = 10
const COLON = 58
const HTAB = 9
const DEL = 127
const TOKEN_MARKS = "!#$%&'*+-.^_`|~"

function isTokenByte(byte: number): boolean {
  const isDigit = byte >= 48 && byte <= 57
  const isLetter = (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
  return isDigit || isLetter || TOKEN_MARKS.includes(String.fromCharCode(byte))
}

function isValueByte(byte: number): boolean {
  return byte === HTAB || (byte >= 32 && byte !== DEL)
}
