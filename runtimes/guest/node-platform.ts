/** The platform of guests in Node, Bun and Deno. */
import type { GuestPlatform } from "./platform.ts"

export const nodePlatform: GuestPlatform = {
  latin1(bytes, start, end) {
    // What came in one read is a Buffer; a frame that came in several was put together as plain bytes.
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    return buffer.toString("latin1", start, end)
  },
  utf8: (text) => Buffer.from(text),
  utf8Length: (text) => Buffer.byteLength(text),
  concat: (chunks) => Buffer.concat(chunks),
  reportError: (text) => {
    process.stderr.write(`${text}\n`)
  },
}
