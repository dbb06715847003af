/**
 * The body of one request inside the guest: chunks from the stream's frames, given credit as the app reads them.
 * Read either as a web stream or at once as bytes. Holds at most one window (256 KiB) unless read at once.
 */
import type { GuestStream } from "../../protocol/guest-stream.ts"
import type { GuestPlatform } from "./platform.ts"

export class RequestBody {
  readonly #stream: GuestStream
  readonly #platform: GuestPlatform
  #chunks: Uint8Array[] = []
  #ended = false
  #failure: Error | undefined
  #wake: (() => void) | undefined
  #collecting = false
  used = false

  constructor(stream: GuestStream, platform: GuestPlatform) {
    this.#stream = stream
    this.#platform = platform
  }

  // Events of the stream

  push(chunk: Uint8Array, end: boolean): void {
    if (chunk.length > 0) {
      this.#chunks.push(chunk)
      if (this.#collecting) this.#stream.credit(chunk.length)
    }
    this.#ended ||= end
    this.#wake?.()
  }

  fail(error: Error): void {
    if (this.#ended) return
    this.#failure = error
    this.#wake?.()
  }

  // What the app does

  /** The whole body. */
  async bytes(): Promise<Uint8Array> {
    this.used = true
    this.#collecting = true
    this.#stream.openBody()
    for (const chunk of this.#chunks) this.#stream.credit(chunk.length)
    while (!this.#ended) await this.#more()
    const chunks = this.#chunks
    this.#chunks = []
    return chunks.length === 1 ? chunks[0]! : this.#platform.concat(chunks)
  }

  /** A byte stream, as bodies are: it can be read into buffers of the app's. */
  stream(): ReadableStream<Uint8Array> {
    this.used = true
    return new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        this.#stream.openBody()
        while (this.#chunks.length === 0 && !this.#ended) await this.#more()
        const chunk = this.#chunks.shift()
        if (chunk === undefined) {
          controller.close()
          // A read into the app's own buffer is answered even by the end.
          controller.byobRequest?.respond(0)
          return
        }
        // A copy: a byte stream takes its chunks' buffers away, and this one is a frame's.
        controller.enqueue(new Uint8Array(chunk))
        this.#stream.credit(chunk.length)
      },
      cancel: () => {
        this.#chunks = []
      },
    })
  }

  async #more(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
    if (this.#failure !== undefined) throw this.#failure
  }
}
