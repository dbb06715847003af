/** CompressionStream and DecompressionStream: a transform stream each, around a codec of codecs.ts. */
import { toEnumeration } from "../conversions.ts"
import { defineInterface, exposeInterfaces, requireArguments, viewOfBytes } from "../idl.ts"
import { type ReadableStream, TransformStream, type WritableStream } from "../streams/index.ts"
import { BrotliDecoder, BrotliEncoder } from "./brotli.ts"
import { createEncoder, type Decoded, Decoder } from "./codecs.ts"

type Bytes = Uint8Array<ArrayBuffer>

const FORMATS = ["brotli", "deflate", "deflate-raw", "gzip"] as const

export class CompressionStream {
  readonly #transform: TransformStream<unknown, Bytes>

  constructor(format: unknown) {
    requireArguments(arguments.length, 1, "CompressionStream constructor")
    const known = toEnumeration(format, FORMATS, "CompressionStream: format")
    const encoder = known === "brotli" ? new BrotliEncoder() : createEncoder(known)
    this.#transform = new TransformStream<unknown, Bytes>({
      transform(chunk, controller) {
        for (const output of encoder.push(toBytes(chunk, "CompressionStream")) ?? [])
          controller.enqueue(output)
      },
      async flush(controller) {
        for (const output of await encoder.finish()) controller.enqueue(output)
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
    const known = toEnumeration(format, FORMATS, "DecompressionStream: format")
    const decoder = known === "brotli" ? new BrotliDecoder() : new Decoder(known)
    this.#transform = new TransformStream<unknown, Bytes>({
      async transform(chunk, controller) {
        handOn(await decoder.push(toBytes(chunk, "DecompressionStream")), controller)
      },
      async flush(controller) {
        handOn(await decoder.finish(), controller)
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

/** What is right is given out before what follows it is refused. */
function handOn({ outputs, error }: Decoded, controller: { enqueue(chunk: Bytes): void }): void {
  for (const output of outputs) controller.enqueue(output)
  if (error !== null) throw error
}

function toBytes(chunk: unknown, what: string): Bytes {
  const bytes = viewOfBytes(chunk)
  if (bytes === null) throw new TypeError(`${what}: a chunk is neither an ArrayBuffer nor a view of one`)
  return bytes
}
