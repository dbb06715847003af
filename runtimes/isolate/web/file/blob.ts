/** Blob: bytes that never change, in one piece; slices share them. */
import {
  isBufferSource,
  iteratorMethod,
  toClampedLongLong,
  toEnumeration,
  toSequence,
} from "../conversions.ts"
import { decodeUtf8 } from "../encoding/text-decoder.ts"
import { encodeUtf8 } from "../encoding/text-encoder.ts"
import { defineInterface, isObject, toDictionary, toDOMString, toUSVString } from "../idl.ts"
import { ReadableStream } from "../streams/index.ts"

type Bytes = Uint8Array<ArrayBuffer>
type Endings = "transparent" | "native"

/** How big the pieces of a blob's stream are. */
const CHUNK_BYTES = 64 * 1024
const NO_BYTES: Bytes = new Uint8Array(0)
/** What only this file may look into. */
const friend = {} as { bytesOf(blob: Blob): Bytes; make(bytes: Bytes, type: string): Blob }

export class Blob {
  #bytes: Bytes
  #type: string

  static {
    friend.bytesOf = (blob) => blob.#bytes
    friend.make = (bytes, type) => {
      const blob = new Blob()
      blob.#bytes = bytes
      blob.#type = type
      return blob
    }
  }

  constructor(parts: unknown = undefined, options: unknown = undefined) {
    const list = parts === undefined ? [] : toParts(parts)
    const dictionary = toDictionary(options, "Blob: options")
    const { endings } = dictionary
    const ending = endings === undefined ? "transparent" : toEnumeration(endings, ENDINGS, "Blob: endings")
    const { type } = dictionary
    this.#type = type === undefined ? "" : normalType(toDOMString(type))
    this.#bytes = list.length === 0 ? NO_BYTES : joined(list.map((part) => partBytes(part, ending)))
  }

  get size(): number {
    return this.#bytes.length
  }

  get type(): string {
    return this.#type
  }

  slice(start: unknown = undefined, end: unknown = undefined, contentType: unknown = undefined): Blob {
    const { length } = this.#bytes
    const from = start === undefined ? 0 : within(toClampedLongLong(start), length)
    const to = end === undefined ? length : within(toClampedLongLong(end), length)
    const type = contentType === undefined ? "" : normalType(toDOMString(contentType))
    return friend.make(this.#bytes.subarray(from, Math.max(from, to)), type)
  }

  stream(): ReadableStream<Uint8Array> {
    return streamOf(this.#bytes)
  }

  async text(): Promise<string> {
    return decodeUtf8(this.#bytes)
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return this.#bytes.slice().buffer
  }

  async bytes(): Promise<Bytes> {
    return this.#bytes.slice()
  }
}

defineInterface("Blob", Blob)

const ENDINGS: readonly Endings[] = ["transparent", "native"]

export function isBlob(value: unknown): value is Blob {
  if (!isObject(value)) return false
  try {
    friend.bytesOf(value as Blob)
    return true
  } catch {
    return false
  }
}

/** A blob's own bytes: to be read, never written. */
export function bytesOfBlob(blob: Blob): Bytes {
  return friend.bytesOf(blob)
}

/** A blob that takes `bytes` over. */
export function makeBlob(bytes: Bytes, type: string): Blob {
  return friend.make(bytes, type)
}

/** A byte stream of copies. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream<Uint8Array>({
    type: "bytes",
    pull(controller) {
      if (at < bytes.length) {
        controller.enqueue(bytes.slice(at, at + CHUNK_BYTES))
        at += CHUNK_BYTES
      }
      if (at >= bytes.length) {
        controller.close()
        // A read into the reader's own buffer is answered even by the end.
        controller.byobRequest?.respond(0)
      }
    },
  })
}

export function joined(pieces: readonly Uint8Array[]): Bytes {
  let length = 0
  for (const piece of pieces) length += piece.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function toParts(value: unknown): (Blob | Bytes | string)[] {
  const method = isObject(value) ? iteratorMethod(value) : undefined
  if (method === undefined) throw new TypeError("Blob: the parts are not a sequence")
  return toSequence(value as object, method, (part) => {
    if (isBufferSource(part)) return viewOf(part)
    return isBlob(part) ? part : toUSVString(part)
  })
}

function viewOf(source: ArrayBuffer | ArrayBufferView<ArrayBuffer>): Bytes {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
  return source.byteLength === 0 ? NO_BYTES : new Uint8Array(source)
}

function partBytes(part: Blob | Bytes | string, endings: Endings): Bytes {
  if (typeof part !== "string") return part instanceof Uint8Array ? part : friend.bytesOf(part)
  return encodeUtf8(endings === "native" ? part.replace(/\r\n?/g, "\n") : part)
}

function normalType(type: string): string {
  return /[^\u0020-\u007e]/.test(type) ? "" : type.toLowerCase()
}

function within(position: number, length: number): number {
  return position < 0 ? Math.max(length + position, 0) : Math.min(position, length)
}
