/** Bytes of HTTP/1.1 (RFC 9110 5.6, RFC 9112), for the readers of requests (`host/listener/`) and of answers (`runtimes/process/`). */

export const HTAB = 9
export const LF = 10
export const CR = 13
export const SP = 32
export const COLON = 58

/** 1 for the bytes of a token: names of fields, methods, codings (RFC 9110 5.6.2). */
export const TOKEN: Uint8Array = tokenTable()

/** True for the bytes of a field value (RFC 9110 5.5): no control byte but HTAB. */
export function isFieldByte(byte: number): boolean {
  return byte >= 32 ? byte !== 127 : byte === HTAB
}

/** Optional white space (RFC 9110 5.6.3). */
export function isSpace(byte: number): boolean {
  return byte === SP || byte === HTAB
}

/** Whether `bytes[start, end)` is `text`, each code unit one byte. */
export function equalsText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false
  return true
}

/** Whether `bytes[start, end)` is `lower`, letters of either case. */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false
  for (let i = 0; i < lower.length; i++)
    if (lowerCase(bytes[start + i]!) !== lower.charCodeAt(i)) return false
  return true
}

export function lowerCase(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte | 32 : byte
}

/** Value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

function tokenTable(): Uint8Array {
  const table = new Uint8Array(256)
  for (const mark of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    table[mark.charCodeAt(0)] = 1
  return table
}
