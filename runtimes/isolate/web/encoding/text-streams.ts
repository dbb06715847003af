/** TextEncoderStream and TextDecoderStream: a transform stream each, around the coder of the same name. */

import { isBufferSource } from "../conversions.ts"
import { defineInterface, toDOMString } from "../idl.ts"
import { type ReadableStream, TransformStream, type WritableStream } from "../streams/index.ts"
import { TextDecoder } from "./text-decoder.ts"
import { encodeUtf8 } from "./text-encoder.ts"

export class TextEncoderStream {
  readonly #transform: TransformStream<unknown, Uint8Array>

  constructor() {
    let lead = ""
    this.#transform = new TransformStream<unknown, Uint8Array>({
      transform(chunk, controller) {
        let text = lead + toDOMString(chunk)
        lead = ""
        if (text === "") return
        const last = text.charCodeAt(text.length - 1)
        // The first half of a pair waits for the second.
        if (last >= 0xd800 && last <= 0xdbff) {
          lead = text.slice(-1)
          text = text.slice(0, -1)
        }
        if (text !== "") controller.enqueue(encodeUtf8(text))
      },
      flush(controller) {
        if (lead !== "") controller.enqueue(new Uint8Array([0xef, 0xbf, 0xbd]))
      },
    })
  }

  get encoding(): string {
    this.#transform
    return "utf-8"
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#transform.readable
  }

  get writable(): WritableStream<unknown> {
    return this.#transform.writable
  }
}

export class TextDecoderStream {
  readonly #decoder: TextDecoder
  readonly #transform: TransformStream<unknown, string>

  constructor(label: unknown = "utf-8", options: unknown = undefined) {
    const decoder = new TextDecoder(label, options)
    this.#decoder = decoder
    this.#transform = new TransformStream<unknown, string>({
      transform(chunk, controller) {
        if (!isBufferSource(chunk) && !isShared(chunk)) {
          throw new TypeError("TextDecoderStream: a chunk is neither an ArrayBuffer nor a view of one")
        }
        const text = decoder.decode(chunk, { stream: true })
        if (text !== "") controller.enqueue(text)
      },
      flush(controller) {
        const text = decoder.decode()
        if (text !== "") controller.enqueue(text)
      },
    })
  }

  get encoding(): string {
    return this.#decoder.encoding
  }

  get fatal(): boolean {
    return this.#decoder.fatal
  }

  get ignoreBOM(): boolean {
    return this.#decoder.ignoreBOM
  }

  get readable(): ReadableStream<string> {
    return this.#transform.readable
  }

  get writable(): WritableStream<unknown> {
    return this.#transform.writable
  }
}

defineInterface("TextEncoderStream", TextEncoderStream)
defineInterface("TextDecoderStream", TextDecoderStream)

function isShared(value: unknown): boolean {
  if (ArrayBuffer.isView(value)) return true
  return Object.prototype.toString.call(value) === "[object SharedArrayBuffer]"
}
