/**
 * Brotli, which no library for a bare isolate has: the input is collected here, in the app's own memory, and the cell turns all of it
 * at once. A decoder tries whenever its input has doubled, so that what is complete comes before the writer closes.
 */
import { callCell, MOST_PAYLOAD_BYTES } from "../cell-calls.ts"

type Bytes = Uint8Array<ArrayBuffer>

interface Decompressed {
  readonly consumed: number
  readonly data: ArrayBuffer
}

const ALGORITHM = { name: "brotli" }
const PIECE_BYTES = 64 * 1024

export class BrotliEncoder {
  readonly #input = new Collected("CompressionStream")

  push(chunk: Bytes): void {
    this.#input.add(chunk)
  }

  async finish(): Promise<Bytes[]> {
    const data = (await callCell("brotli.compress", {
      algorithm: ALGORITHM,
      data: this.#input.join(),
    })) as ArrayBuffer
    return pieces(data)
  }
}

export class BrotliDecoder {
  readonly #input = new Collected("DecompressionStream")
  #triedBytes = 0
  #ended = false

  async push(chunk: Bytes): Promise<{ outputs: Bytes[]; error: TypeError | null }> {
    if (chunk.length === 0) return { outputs: [], error: null }
    if (this.#ended) return { outputs: [], error: afterEnd() }
    this.#input.add(chunk)
    return this.#input.bytes < this.#triedBytes * 2 ? { outputs: [], error: null } : await this.#decode()
  }

  async finish(): Promise<{ outputs: Bytes[]; error: TypeError | null }> {
    if (this.#ended) return { outputs: [], error: null }
    const result = this.#input.bytes > this.#triedBytes ? await this.#decode() : { outputs: [], error: null }
    if (this.#ended) return result
    throw new TypeError("DecompressionStream: the input ends too early")
  }

  async #decode(): Promise<{ outputs: Bytes[]; error: TypeError | null }> {
    const data = this.#input.join()
    this.#triedBytes = data.byteLength
    const result = (await callCell("brotli.decompress", {
      algorithm: ALGORITHM,
      data,
    })) as Decompressed | null
    if (result === null) return { outputs: [], error: null }
    this.#ended = true
    return { outputs: pieces(result.data), error: result.consumed < data.byteLength ? afterEnd() : null }
  }
}

class Collected {
  readonly #what: string
  #chunks: Bytes[] = []
  bytes = 0

  constructor(what: string) {
    this.#what = what
  }

  /** Copies: the app may detach or change its chunk as soon as it is written. */
  add(chunk: Bytes): void {
    if (this.bytes + chunk.length > MOST_PAYLOAD_BYTES)
      throw new TypeError(`${this.#what}: brotli takes at most ${MOST_PAYLOAD_BYTES} bytes`)
    this.#chunks.push(chunk.slice())
    this.bytes += chunk.length
  }

  join(): ArrayBuffer {
    const all = new Uint8Array(this.bytes)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    this.#chunks = [all]
    return all.buffer
  }
}

function pieces(data: ArrayBuffer): Bytes[] {
  const all: Bytes[] = []
  for (let at = 0; at < data.byteLength; at += PIECE_BYTES)
    all.push(new Uint8Array(data.slice(at, Math.min(data.byteLength, at + PIECE_BYTES))))
  return all
}

function afterEnd(): TypeError {
  return new TypeError("DecompressionStream: there is more input after the end of the compressed data")
}
