/**
 * deflate, deflate-raw and gzip in the isolate, by pako's port of zlib: time and memory are the app's own. A codec takes one piece of
 * input and gives all output there is so far; outputs are handed on only afterwards, for whoever takes them may detach the input.
 */
import {
  Deflate,
  Z_BUF_ERROR,
  Z_FINISH,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  Z_SYNC_FLUSH,
  ZStream,
  zlibInflate,
  zlibInflateEnd,
  zlibInflateInit2,
} from "pako"

export type Format = "deflate" | "deflate-raw" | "gzip"

type Bytes = Uint8Array<ArrayBuffer>

export interface Codec {
  push(chunk: Bytes): Bytes[]
  /** What is left at the end of the input. Throws a TypeError where the input may not end. */
  finish(): Bytes[]
}

/** What a decoder makes of a piece, and whether that was wrong from some point on. */
export interface Decoded {
  readonly outputs: Bytes[]
  readonly error: TypeError | null
}

/** zlib's way of saying which wrapper there is. */
const WINDOW_BITS: Readonly<Record<Format, number>> = { deflate: 15, "deflate-raw": -15, gzip: 31 }
const OUTPUT_BYTES = 64 * 1024

export function createEncoder(format: Format): Codec {
  const deflate = new Deflate({ windowBits: WINDOW_BITS[format], chunkSize: OUTPUT_BYTES })
  const outputs: Bytes[] = []
  deflate.onData = (chunk) => outputs.push(chunk as Bytes)
  const run = (chunk: Bytes, flush: typeof Z_FINISH | typeof Z_NO_FLUSH): Bytes[] => {
    if (!deflate.push(chunk, flush)) throw new TypeError(`CompressionStream: ${deflate.msg}`)
    return outputs.splice(0)
  }
  return {
    push: (chunk) => run(chunk, Z_NO_FLUSH),
    finish: () => run(new Uint8Array(0), Z_FINISH),
  }
}

/** Strict: checksums and lengths are checked, nothing may follow the end, and the end has to come. */
export class Decoder {
  readonly #stream = new ZStream()
  #ended = false

  constructor(format: Format) {
    const status = zlibInflateInit2(this.#stream, WINDOW_BITS[format])
    if (status !== Z_OK) throw new Error(`inflate does not start: ${status}`)
  }

  push(chunk: Bytes): Decoded {
    if (chunk.length === 0) return { outputs: [], error: null }
    if (this.#ended) return { outputs: [], error: afterEnd() }
    const stream = this.#stream
    stream.input = chunk
    stream.next_in = 0
    stream.avail_in = chunk.length
    const outputs: Bytes[] = []
    for (;;) {
      stream.output = new Uint8Array(OUTPUT_BYTES)
      stream.next_out = 0
      stream.avail_out = OUTPUT_BYTES
      const status = zlibInflate(stream, Z_SYNC_FLUSH)
      if (stream.next_out > 0) outputs.push(stream.output.slice(0, stream.next_out))
      if (status === Z_STREAM_END) {
        this.#ended = true
        zlibInflateEnd(stream)
        return { outputs, error: stream.avail_in > 0 ? afterEnd() : null }
      }
      if (status !== Z_OK && status !== Z_BUF_ERROR)
        return {
          outputs,
          error: new TypeError(`DecompressionStream: ${stream.msg || "the input is not valid"}`),
        }
      // Room that was left means that all input has been taken.
      if (stream.avail_out > 0) return { outputs, error: null }
    }
  }

  finish(): Decoded {
    if (!this.#ended) throw new TypeError("DecompressionStream: the input ends too early")
    return { outputs: [], error: null }
  }
}

function afterEnd(): TypeError {
  return new TypeError("DecompressionStream: there is more input after the end of the compressed data")
}
