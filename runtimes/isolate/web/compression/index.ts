/** CompressionStream and DecompressionStream: a transform stream each, around a codec of codecs.ts. */
import { toEnumeration } from "../conversions.ts"
import { defineInterface, exposeInterfaces, requireArguments, viewOfBytes } from "../idl.ts"
import { type ReadableStream, TransformStream, type WritableStream } from "../streams/index.ts"
import { createEncoder, Decoder, FORMATS } from "./codecs.ts"

type Bytes = Uint8Array<ArrayBuffer>

export class CompressionStream {
  readonly #transform: TransformStream<unknown, Bytes>

  constructor(format: unknown) {
    requireArguments(arguments.length, 1, "CompressionStream constructor")
    const encoder = createEncoder(toEnumeration(format, FORMATS, "CompressionStream: format"))
    this.#transform = new TransformStream<unknown, Bytes>({
      transform(chunk, controller) {
        for (const output of encoder.push(toBytes(chunk, "CompressionStream"))) controller.enqueue(output)
      },
      flush(controller) {
        for (const output of encoder.finish()) controller.enqueue(output)
      },
    })
  }
  get readable(): ReadableStream<Bytes> {
    return this.#transform.readable
  }
  get writable(): WritableStream<unknown> {
    return this.#transform.writable
  }
}

export class DecompressionStream {
  readonly #transform: TransformStream<unknown, Bytes>

  constructor(format: unknown) {
    requireArguments(arguments.length, 1, "DecompressionStream constructor")
    const decoder = new Decoder(toEnumeration(format, FORMATS, "DecompressionStream: format"))
    this.#transform = new TransformStream<unknown, Bytes>({
      transform(chunk, controller) {
        const { outputs, error } = decoder.push(toBytes(chunk, "DecompressionStream"))
        for (const output of outputs) controller.enqueue(output)
        if (error !== null) throw error
      },
      flush() {
        decoder.finish()
      },
    })
  }
  get readable(): ReadableStream<Bytes> {
    return this.#transform.readable
  }
  get writable(): WritableStream<unknown> {
    return this.#transform.writable
  }
}

defineInterface("CompressionStream", CompressionStream)
defineInterface("DecompressionStream", DecompressionStream)

export function installCompression(target: object): void {
  exposeInterfaces(target, { CompressionStream, DecompressionStream })
}

function toBytes(chunk: unknown, what: string): Bytes {
  const bytes = viewOfBytes(chunk)
  if (bytes === null) throw new TypeError(`${what}: a chunk is neither an ArrayBuffer nor a view of one`)
  return bytes
}
