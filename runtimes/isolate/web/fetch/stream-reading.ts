/** Reading the streams of bodies: whole, or twice. */
import { isUint8Array } from "../conversions.ts"
import { joined } from "../file/blob.ts"
import type { ReadableStream } from "../streams/index.ts"

/** All bytes of a stream. Its chunks must be Uint8Arrays. */
export async function readAll(stream: ReadableStream): Promise<Uint8Array<ArrayBuffer>> {
  const reader = stream.getReader()
  const pieces: Uint8Array[] = []
  while (true) {
    const { done, value } = await reader.read()
    if (done) return joined(pieces)
    if (!isUint8Array(value)) throw new TypeError("The body's stream gave a chunk that is not a Uint8Array")
    pieces.push(value)
  }
}

/** Two streams of one; the second has copies of the chunks. */
export function teeCopying(stream: ReadableStream): [ReadableStream, ReadableStream] {
  const [first, second] = stream.tee()
  return [first, second]
}
