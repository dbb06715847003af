/** The guest's platform in an isolate: loops, for V8 alone has no Buffer. Functions are held from before any app runs. */
import type { GuestPlatform } from "../../guest/platform.ts"
import { decodeUtf8KeepingMark } from "../web/encoding/text-decoder.ts"
import { encodeUtf8 } from "../web/encoding/text-encoder.ts"

const fromCharCode = String.fromCharCode
/** Longer texts are put together from pieces of so many characters, which an argument list holds. */
const PIECE = 4096

export function isolatePlatform(reportError: (text: string) => void): GuestPlatform {
  return { latin1, utf8: encodeUtf8, text: decodeUtf8KeepingMark, utf8Length, concat, reportError }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < 24) {
    let text = ""
    for (let i = start; i < end; i++) text += fromCharCode(bytes[i]!)
    return text
  }
  let text = ""
  for (let at = start; at < end; at += PIECE) {
    text += fromCharCode.apply(null, bytes.subarray(at, Math.min(end, at + PIECE)) as unknown as number[])
  }
  return text
}

function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    bytes++
    if (unit < 0x800) continue
    bytes++
    // A pair of surrogates is four bytes, a lone one three (it becomes U+FFFD).
    if (unit >= 0xd800 && unit <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++
  }
  return bytes
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
