/** Header blocks as the lint sees them. The listener has its own scan, which also knows what the headers mean. */

import { COLON, CR, isFieldByte, LF, TOKEN } from "./http1/syntax.ts"

/** True when `bytes[start, end)` is lines `name: value\r\n` (RFC 9110 tokens, field values), or empty. */
export function isHeaderBlock(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const nameAt = at
    while (at < end && TOKEN[bytes[at]!] === 1) at++
    if (at === nameAt || bytes[at] !== COLON) return false
    at++
    while (at < end && isFieldByte(bytes[at]!)) at++
    if (at + 2 > end || bytes[at] !== CR || bytes[at + 1] !== LF) return false
    at += 2
  }
  return true
}

/** True when `bytes[start, end)` has no control bytes but HTAB (RFC 9110 5.5, RFC 9112 4). */
export function isFieldText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isFieldByte(bytes[at]!)) return false
  return true
}

/** True when `bytes[start, end)` is a token (RFC 9110 5.6.2). */
export function isToken(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (TOKEN[bytes[at]!] !== 1) return false
  return end > start
}

/** True when `bytes[start, end)` is visible ASCII without spaces, at least one. */
export function isVisibleText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! < 0x21 || bytes[at]! > 0x7e) return false
  return end > start
}
