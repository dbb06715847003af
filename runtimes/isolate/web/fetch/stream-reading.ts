/** Reading the streams of bodies: whole, or twice. No promise is made for a chunk: apps could look into those. */
import { structuredClone } from "../clone/structured-clone.ts"
import { isUint8Array } from "../conversions.ts"
import { joined } from "../file/blob.ts"
import { ReadableStream } from "../streams/index.ts"
import { isByteStream, lock, readChunk } from "../streams/internals.ts"

type Bytes = Uint8Array<ArrayBuffer>

/** Gives all bytes of a stream. Its chunks must be Uint8Arrays. */
export function readAll(
  stream: ReadableStream,
  done: (bytes: Bytes) => void,
  fail: (reason: unknown) => void,
): void {
  const pieces: Uint8Array[] = []
  let reading = false
  let again = true
  lock(stream)
  next()

  /** A loop and no recursion: thousands of chunks may be there already. */
  function next(): void {
    again = true
    if (reading) return
    reading = true
    while (again) {
      again = false
      readChunk(stream, { chunk, close: () => done(joined(pieces)), error: fail })
    }
    reading = false
  }

  function chunk(value: unknown): void {
    if (!isUint8Array(value)) {
      fail(new TypeError("The body's stream gave a chunk that is not a Uint8Array"))
      return
    }
    pieces.push(value)
    next()
  }
}

/** Two streams of one; the second has structured clones of the chunks. */
export function teeCopying(stream: ReadableStream): [ReadableStream, ReadableStream] {
  const [first, second] = teeStream.call(stream)
  // A byte stream copies by itself.
  return [first, isByteStream(second) ? second : cloningChunks(second)]
}

const teeStream = ReadableStream.prototype.tee

function cloningChunks(stream: ReadableStream): ReadableStream {
  const reader = stream.getReader()
  return new ReadableStream<unknown>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(structuredClone(value))
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
