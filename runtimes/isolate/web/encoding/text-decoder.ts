/** TextDecoder: Web IDL's shape around the decoders of @exodus/bytes (every encoding of the standard). */
import { TextDecoder as Decoder } from "@exodus/bytes/encoding.js"
import { utf8toStringLoose } from "@exodus/bytes/utf8.js"
import { defineInterface, isArrayBuffer, toDictionary, toDOMString } from "../idl.ts"

type Coder = InstanceType<typeof Decoder>

export class TextDecoder {
  readonly #decoder: Coder

  constructor(label: unknown = "utf-8", options: unknown = undefined) {
    const name = toDOMString(label)
    const { fatal, ignoreBOM } = toDictionary(options, "TextDecoder: options")
    this.#decoder = makeDecoder(name, Boolean(fatal), Boolean(ignoreBOM))
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

  decode(input: unknown = undefined, options: unknown = undefined): string {
    const decoder = this.#decoder
    const bytes = input === undefined ? NO_BYTES : bytesToDecode(input)
    const { stream } = toDictionary(options, "TextDecoder.decode: options")
    return decoder.decode(bytes, { stream: Boolean(stream) })
  }
}

defineInterface("TextDecoder", TextDecoder)

/** UTF-8 as `text()` of bodies and blobs reads it: one byte order mark dropped, anything malformed replaced. */
export function decodeUtf8(bytes: Uint8Array): string {
  const marked = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return utf8toStringLoose(marked ? bytes.subarray(3) : bytes)
}

/** UTF-8 with the byte order mark kept: forms have no use for one. */
export function decodeUtf8KeepingMark(bytes: Uint8Array): string {
  return utf8toStringLoose(bytes)
}

const NO_BYTES = new Uint8Array(0)

function makeDecoder(label: string, fatal: boolean, ignoreBOM: boolean): Coder {
  try {
    return new Decoder(label, { fatal, ignoreBOM })
  } catch {
    throw new RangeError(`TextDecoder: there is no encoding ${JSON.stringify(label)}`)
  }
}

/** [AllowShared] BufferSource. The bytes are seen as they are now; a detached buffer has none. */
export function bytesToDecode(input: unknown): Uint8Array {
  if (ArrayBuffer.isView(input)) {
    const { buffer, byteOffset, byteLength } = input
    return byteLength === 0 ? NO_BYTES : new Uint8Array(buffer, byteOffset, byteLength)
  }
  if (isArrayBuffer(input)) return input.byteLength === 0 ? NO_BYTES : new Uint8Array(input)
  if (Object.prototype.toString.call(input) === "[object SharedArrayBuffer]") {
    return new Uint8Array(input as SharedArrayBuffer)
  }
  throw new TypeError("TextDecoder.decode: the input is neither an ArrayBuffer nor a view of one")
}
