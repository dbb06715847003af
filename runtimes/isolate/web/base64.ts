/** atob and btoa (HTML, forgiving base64 of the Infra standard). */
import { DOMException } from "./dom-exception.ts"
import { requireArguments, toDOMString } from "./idl.ts"

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
const PIECE = 8190

export function btoa(data: unknown): string {
  requireArguments(arguments.length, 1, "btoa")
  const text = toDOMString(data)
  const pieces: string[] = []
  for (let start = 0; start < text.length; start += PIECE) pieces.push(encode(text, start))
  return pieces.join("")
}

export function atob(data: unknown): string {
  requireArguments(arguments.length, 1, "atob")
  const bytes = decodeForgiving(toDOMString(data))
  if (bytes === null)
    throw new DOMException("The string to be decoded is not correctly encoded", "InvalidCharacterError")
  const pieces: string[] = []
  for (let start = 0; start < bytes.length; start += PIECE)
    pieces.push(String.fromCharCode(...bytes.subarray(start, start + PIECE)))
  return pieces.join("")
}

/** Null when the text is no base64. */
export function decodeForgiving(text: string): Uint8Array<ArrayBuffer> | null {
  let data = text.replace(/[\t\n\f\r ]+/g, "")
  if (data.length % 4 === 0) data = data.replace(/={1,2}$/, "")
  if (data.length % 4 === 1) return null
  return decodeAlphabet(data, VALUES)
}

export function encodeBase64Url(bytes: Uint8Array): string {
  const binary: string[] = []
  for (let start = 0; start < bytes.length; start += PIECE)
    binary.push(String.fromCharCode(...bytes.subarray(start, start + PIECE)))
  return btoa(binary.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
}

/** base64url without padding, as in a JSON Web Key; null when it is not. */
export function decodeBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null
  return decodeAlphabet(text.replaceAll("-", "+").replaceAll("_", "/"), VALUES)
}

const VALUES = valuesOf(ALPHABET)

function valuesOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(128).fill(255)
  for (let value = 0; value < alphabet.length; value++) values[alphabet.charCodeAt(value)] = value
  return values
}

function decodeAlphabet(data: string, values: Uint8Array): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(Math.floor((data.length * 3) / 4))
  let collected = 0
  let bits = 0
  let at = 0
  for (let index = 0; index < data.length; index++) {
    const value = values[data.charCodeAt(index)] ?? 255
    if (value === 255) return null
    collected = ((collected << 6) | value) & 0xffffff
    bits += 6
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = (collected >> bits) & 255
  }
  return bytes
}

function encode(text: string, start: number): string {
  const end = Math.min(text.length, start + PIECE)
  let result = ""
  for (let at = start; at < end; at += 3) {
    const count = Math.min(3, end - at)
    let group = 0
    for (let index = 0; index < 3; index++) {
      const code = index < count ? text.charCodeAt(at + index) : 0
      if (code > 255)
        throw new DOMException(
          "The string to be encoded contains characters outside of the Latin1 range",
          "InvalidCharacterError",
        )
      group = (group << 8) | code
    }
    result += ALPHABET[group >> 18]! + ALPHABET[(group >> 12) & 63]!
    result += count > 1 ? ALPHABET[(group >> 6) & 63]! : "="
    result += count > 2 ? ALPHABET[group & 63]! : "="
  }
  return result
}
