/** TextEncoder: Web IDL's shape around the UTF-8 encoder of @exodus/bytes. */
import { utf8fromStringLoose } from "@exodus/bytes/utf8.js"
import { isUint8Array } from "../conversions.ts"
import { defineInterface, requireArguments, toDOMString } from "../idl.ts"

export class TextEncoder {
  // A brand: only real ones have it.
  readonly #encoding = "utf-8"

  get encoding(): string {
    return this.#encoding
  }

  encode(input: unknown = ""): Uint8Array<ArrayBuffer> {
    this.#encoding
    return encodeUtf8(toDOMString(input))
  }

  encodeInto(source: unknown, destination: unknown): { read: number; written: number } {
    this.#encoding
    requireArguments(arguments.length, 2, "TextEncoder.encodeInto")
    const text = toDOMString(source)
    if (!isUint8Array(destination))
      throw new TypeError("TextEncoder.encodeInto: the destination is no Uint8Array")
    return encodeUtf8Into(text, destination)
  }
}

defineInterface("TextEncoder", TextEncoder)

/** UTF-8 in a buffer of its own; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return utf8fromStringLoose(text) as Uint8Array<ArrayBuffer>
}

/** Writes whole characters while they fit; `read` counts UTF-16 units. */
function encodeUtf8Into(text: string, bytes: Uint8Array): { read: number; written: number } {
  const room = bytes.length
  let read = 0
  let written = 0
  while (read < text.length) {
    const point = text.codePointAt(read)!
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
    if (written + size > room) break
    const lone = point >= 0xd800 && point <= 0xdfff
    writePoint(bytes, written, lone ? 0xfffd : point, size)
    written += size
    read += size === 4 ? 2 : 1
  }
  return { read, written }
}

function writePoint(bytes: Uint8Array, at: number, point: number, size: number): void {
  if (size === 1) {
    bytes[at] = point
    return
  }
  for (let i = size - 1, rest = point; i > 0; i--, rest >>= 6) bytes[at + i] = 0x80 | (rest & 0x3f)
  bytes[at] = ((0xf00 >> size) & 0xff) | (point >> (6 * (size - 1)))
}
