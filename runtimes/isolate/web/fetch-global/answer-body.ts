/**
 * The body of an answer inside the isolate: what the cell sent and the app has not read, at most a window of it. Read either
 * as a stream or at once as bytes; each piece that is read lets the cell send as much again.
 */

import type { ReadableByteStreamController } from "web-streams-polyfill"
import type { OutsideBody } from "../fetch/body-content.ts"
import { joined } from "../file/blob.ts"
import { ReadableStream } from "../streams/index.ts"

export interface AnswerSource {
  /** The app has read so many bytes. */
  credit(bytes: number): void
  /** The app wants no more. */
  cancel(): void
  /** Everything was read, or it failed. */
  finished(): void
}

type Controller = ReadableByteStreamController

export class AnswerBody implements OutsideBody {
  used = false
  readonly #source: AnswerSource
  #chunks: Uint8Array[] = []
  #isEnded = false
  #failure: { readonly reason: unknown } | null = null
  #whole: { resolve(bytes: Uint8Array): void; reject(reason: unknown): void } | null = null
  #controller: Controller | null = null
  #isWanted = false

  constructor(source: AnswerSource) {
    this.#source = source
  }

  get failure(): { readonly reason: unknown } | null {
    return this.#failure
  }

  push(chunk: Uint8Array, end: boolean): void {
    if (this.#failure !== null) return
    if (chunk.length > 0) this.#chunks.push(chunk)
    if (this.#whole !== null && !end) this.#source.credit(chunk.length)
    this.#isEnded ||= end
    this.#give()
  }

  /** What the app has not read is lost, as the fetch standard has it. */
  fail(reason: unknown): void {
    if (this.#failure !== null || (this.#isEnded && this.#chunks.length === 0)) return
    this.#failure = { reason }
    this.#chunks = []
    this.#whole?.reject(reason)
    this.#controller?.error(reason)
    this.#source.finished()
  }

  bytes(): Promise<Uint8Array> {
    this.used = true
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure.reason)
      this.#whole = { resolve, reject }
      for (const chunk of this.#chunks) this.#source.credit(chunk.length)
      this.#give()
    })
  }

  stream(): ReadableStream<Uint8Array> {
    this.used = true
    return new ReadableStream({
      type: "bytes",
      start: (controller: Controller) => {
        this.#controller = controller
        if (this.#failure !== null) controller.error(this.#failure.reason)
        else this.#give()
      },
      pull: () => {
        this.#isWanted = true
        this.#give()
      },
      cancel: () => {
        this.#chunks = []
        this.#isEnded = true
        this.#source.cancel()
        this.#source.finished()
      },
    })
  }

  #give(): void {
    if (this.#whole !== null && this.#isEnded) {
      this.#whole.resolve(joined(this.#chunks))
      this.#chunks = []
      this.#source.finished()
    }
    if (this.#controller !== null) this.#feed(this.#controller)
  }

  #feed(controller: Controller): void {
    const chunk = this.#isWanted ? this.#chunks.shift() : undefined
    if (chunk !== undefined) {
      this.#isWanted = false
      this.#source.credit(chunk.length)
      // A copy: a byte stream takes its chunks' buffers away, and this one is a frame's.
      controller.enqueue(new Uint8Array(chunk))
    }
    if (!this.#isEnded || this.#chunks.length > 0) return
    this.#controller = null
    controller.close()
    // A read into the app's own buffer is answered even by the end.
    controller.byobRequest?.respond(0)
    this.#source.finished()
  }
}
