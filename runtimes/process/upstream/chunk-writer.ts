/** A piece of a request body of unknown length as it goes to a server app (RFC 9112 7.1). */
import type { Connection } from "./connection.ts"

/**
 * `chunk` as one chunk, in one write; with `trailers` it is the last. @returns false when the app takes no more for now.
 */
export function writeChunk(connection: Connection, chunk: Uint8Array, trailers: Uint8Array | null): boolean {
  let more = true
  connection.cork()
  if (chunk.length > 0) {
    connection.write(Buffer.from(`${chunk.length.toString(16)}\r\n`, "latin1"))
    connection.write(chunk)
    more = connection.write(CRLF)
  }
  if (trailers !== null) {
    connection.write(LAST_CHUNK)
    if (trailers.length > 0) connection.write(trailers.slice())
    connection.write(CRLF)
  }
  connection.uncork()
  return more
}

const CRLF = Buffer.from("\r\n")
const LAST_CHUNK = Buffer.from("0\r\n")
