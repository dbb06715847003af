/**
 * BodyEncoder: a body that comes in pieces, on its way through one stream of node:zlib, which works in another thread. Every piece
 * goes out as soon as it is compressed; those that come meanwhile go in together. Owns the stream, and what waits for it.
 */
import type { ContentCoding } from "../../runtimes/app-spec.ts"
import { type CodingStream, createCodingStream } from "./coding.ts"

/** So much may wait: then the app is asked to wait. */
const MOST_WAITING_BYTES = 64 * 1024

export interface EncoderEvents {
  /** Compressed bytes, the last with `end`. @returns false when no more is wanted for now: wait for `resume`. */
  encoded(piece: Uint8Array, end: boolean): boolean
  /** More may be written. */
  drained(): void
  failed(error: Error): void
}

export class BodyEncoder {
  readonly #stream: CodingStream
  readonly #events: EncoderEvents
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #busy = false
  /** Its writer was asked to wait. */
  #full = false
  #ending = false
  #destroyed = false
  #settled: (() => void) | null = null
  /** The last piece so far of an answer that is ending: its end goes out with it. */
  #last: Uint8Array = NO_BYTES

  constructor(coding: ContentCoding, events: EncoderEvents) {
    this.#events = events
    this.#stream = createCodingStream(coding)
    this.#stream.on("data", (piece: Uint8Array) => this.#encoded(piece))
    this.#stream.on("end", () => this.#ended())
    this.#stream.on("error", (error) => {
      if (!this.#destroyed) events.failed(error)
    })
  }

  /** @returns false when it should be waited for `drained`. */
  write(piece: Uint8Array, end: boolean): boolean {
    if (piece.length > 0) this.#waiting.push(piece)
    this.#waitingBytes += piece.length
    if (end) this.#ending = true
    if (!this.#busy) this.#next()
    this.#full = this.#waitingBytes >= MOST_WAITING_BYTES
    return !this.#full
  }

  /** Pieces are wanted again. */
  resume(): void {
    this.#stream.resume()
  }

  /** Calls back when what was written has come out; at once where nobody takes it. For a body that will never be whole. */
  settle(settled: () => void): void {
    if (!this.#busy || this.#ending || this.#stream.isPaused()) settled()
    else this.#settled = settled
  }

  /** Frees its memory. No event comes after it. */
  destroy(): void {
    this.#destroyed = true
    this.#waiting = []
    this.#stream.destroy()
  }

  #next(): void {
    const input = this.#waiting.length === 1 ? this.#waiting[0]! : Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    if (this.#ending) {
      this.#busy = true
      this.#stream.end(input)
    } else if (input.length > 0) {
      this.#busy = true
      this.#stream.write(input, () => this.#taken())
    }
  }

  /** What was written last is compressed. */
  #taken(): void {
    if (this.#destroyed) return
    this.#busy = false
    if (this.#waiting.length > 0 || this.#ending) this.#next()
    else if (this.#settled !== null) return this.#settled()
    if (!this.#full) return
    this.#full = false
    this.#events.drained()
  }

  #encoded(piece: Uint8Array): void {
    if (this.#destroyed) return
    const ready = this.#ending ? this.#last : piece
    if (this.#ending) this.#last = piece
    if (ready.length > 0 && !this.#events.encoded(ready, false)) this.#stream.pause()
  }

  #ended(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#events.encoded(this.#last, true)
  }
}

const NO_BYTES = new Uint8Array(0)
