/** BodyReader: where the body of the request that is being read ends, by length or in chunks, and its pieces on the way there. */
import { ChunkedDecoder } from "../../../protocol/http1/chunked.ts"

export class BodyReader {
  /** The piece that the last `read` found: `bytes[pieceStart, pieceEnd)`. */
  pieceStart = 0
  pieceEnd = 0
  /** Nothing of the body is left to read. */
  ended = true
  readonly #mostTrailerBytes: number
  #left = 0
  #chunks: ChunkedDecoder | null = null

  constructor(mostTrailerBytes: number) {
    this.#mostTrailerBytes = mostTrailerBytes
  }

  /** `bodyBytes` as in RequestHead. */
  start(bodyBytes: number): void {
    this.#left = bodyBytes
    this.ended = bodyBytes === 0
    this.#chunks = bodyBytes === -1 ? new ChunkedDecoder(this.#mostTrailerBytes) : null
  }

  /** Reads ahead in a body in chunks of which nothing was read: what these bytes show of it. */
  look(bytes: Uint8Array, start: number, end: number): ChunkedDecoder {
    const ahead = new ChunkedDecoder(this.#mostTrailerBytes)
    let at = start
    while (at < end && !ahead.ended && ahead.error === "")
      at = ahead.read(bytes, at, end, Number.POSITIVE_INFINITY)
    return ahead
  }

  /** What is malformed, or "". */
  get error(): string {
    return this.#chunks?.error ?? ""
  }

  get trailersTooLong(): boolean {
    return this.#chunks?.trailersTooLong === true
  }

  /** The lines of the trailer section, after the end of a body in chunks that has one. */
  get trailers(): Uint8Array | undefined {
    const trailers = this.#chunks?.trailers
    return trailers !== undefined && trailers.length > 0 ? trailers : undefined
  }

  /** Reads on until there is a piece of at most `mostBytes`, the end, an error or no more bytes; returns the position after it. */
  read(bytes: Uint8Array, start: number, end: number, mostBytes: number): number {
    const chunks = this.#chunks
    if (chunks !== null) {
      const at = chunks.read(bytes, start, end, mostBytes)
      this.pieceStart = chunks.pieceStart
      this.pieceEnd = chunks.pieceEnd
      this.ended = chunks.ended
      return at
    }
    const length = Math.min(this.#left, end - start, mostBytes)
    this.#left -= length
    this.ended = this.#left === 0
    this.pieceStart = start
    this.pieceEnd = start + length
    return this.pieceEnd
  }
}
