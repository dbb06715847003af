/** The platform of guests in Node, Bun and Deno. */
import type { GuestPlatform } from "./platform.ts"

export const nodePlatform: GuestPlatform = {
  latin1(bytes, start, end) {
    // What came in one read is a Buffer; a frame that came in several was put together as plain bytes.
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    return buffer.toString("latin1", start, end)
  },
  utf8: (text) => Buffer.from(text),
  text(bytes) {
    // Deno's Buffer of some versions drops the mark.
    const isMarked = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    if (isMarked) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  },
  utf8Length: (text) => Buffer.byteLength(text),
  concat: (chunks) => Buffer.concat(chunks),
  reportError: (text) => {
    process.stderr.write(`${text}\n`)
  },
}
