/**
 * The content of a Request or Response. It stays what it was given as (a string, bytes, whatever the guest's request has) until
 * somebody asks for a stream; reading it whole needs none.
 */
import { isBufferSource } from "../conversions.ts"
import { encodeUtf8 } from "../encoding/text-encoder.ts"
import { bytesOfBlob, isBlob, streamOf } from "../file/blob.ts"
import { isObject, toUSVString } from "../idl.ts"
import { ReadableStream } from "../streams/index.ts"
import { isDisturbed, isReadableStream, lockAndDrop, markDisturbed } from "../streams/internals.ts"
import { URLSearchParams } from "../url/index.ts"
import { isFormData } from "./form-data.ts"
import { encodeMultipart } from "./multipart.ts"
import { readAll, teeCopying } from "./stream-reading.ts"

type Bytes = Uint8Array<ArrayBuffer>

/** A body that comes from outside: it can be asked for once, whole or as a stream. */
export interface OutsideBody {
  readonly used: boolean
  /** Set when it is known already that nothing of it will come. */
  readonly failure?: { readonly reason: unknown } | null
  bytes(): Promise<Uint8Array>
  stream(): ReadableStream<Uint8Array>
}

type Source = string | Bytes | OutsideBody

export class BodyContent {
  /** Null once it is a stream's. */
  #source: Source | null
  #stream: ReadableStream | null
  /** It was read whole without a stream. */
  #consumed = false

  constructor(source: Source | null, stream: ReadableStream | null = null) {
    this.#source = source
    this.#stream = stream
  }

  /** The whole content when it is at hand and unread; undefined: ask for the stream. */
  get atHand(): string | Bytes | undefined {
    const source = this.#consumed || this.#stream !== null ? null : this.#source
    return typeof source === "string" || source instanceof Uint8Array ? source : undefined
  }

  get stream(): ReadableStream {
    this.#stream ??= this.#makeStream()
    return this.#stream
  }

  get used(): boolean {
    if (this.#stream !== null) return isDisturbed(this.#stream)
    return this.#consumed
  }

  /** An aborted body fails at once and every time, with the reason of the abort. */
  get failure(): { readonly reason: unknown } | null {
    const source = this.#source
    if (source === null || typeof source === "string" || source instanceof Uint8Array) return null
    return source.failure ?? null
  }

  get unusable(): boolean {
    return this.used || (this.#stream?.locked ?? false)
  }

  /** Gives the whole content, once. The receiver may keep the bytes. */
  read(done: (bytes: Bytes) => void, fail: (reason: unknown) => void): void {
    if (this.#stream !== null) {
      readAll(this.#stream, done, fail)
      return
    }
    const source = this.#source!
    this.#consumed = true
    if (typeof source === "string") done(encodeUtf8(source))
    else if (source instanceof Uint8Array) done(source.slice())
    else source.bytes().then((bytes) => done(new Uint8Array(bytes)), fail)
  }

  /** Takes what is at hand, as it is. Only while `atHand` is something. */
  take(): string | Bytes {
    const content = this.atHand!
    this.#consumed = true
    return content
  }

  /** A second content with the same bytes. Only while it is not unusable. */
  clone(): BodyContent {
    const content = this.atHand
    if (content !== undefined) return new BodyContent(content)
    const [mine, theirs] = teeCopying(this.stream)
    this.#stream = mine
    return new BodyContent(null, theirs)
  }

  /** Hands everything over to a new content; this one then counts as used. */
  handOver(): BodyContent {
    const next = new BodyContent(this.#source, null)
    if (this.#stream === null) {
      this.#consumed = true
      return next
    }
    return new BodyContent(null, proxyOf(this.#stream))
  }

  #makeStream(): ReadableStream {
    const source = this.#source!
    let stream: ReadableStream
    if (typeof source === "string") stream = streamOf(encodeUtf8(source))
    else stream = source instanceof Uint8Array ? streamOf(source) : outsideStream(source, this.#consumed)
    // It was read already: whoever asks for the stream afterwards sees that.
    if (this.#consumed) lockAndDrop(stream)
    return stream
  }
}

export interface ExtractedBody {
  readonly content: BodyContent
  readonly type: string | null
  readonly isStream: boolean
  /** What it was given as: a request can be sent again from it. Null: a stream. */
  readonly source: unknown
}

/** "Extract a body" of the fetch standard, with the conversion of BodyInit. */
export function extractBody(value: unknown, keepalive = false): ExtractedBody {
  if (typeof value === "string") return atHand(toUSVString(value), "text/plain;charset=UTF-8")
  if (isObject(value)) {
    if (isReadableStream(value)) {
      if (keepalive) throw new TypeError("A stream cannot be the body of a keepalive request")
      if (isDisturbed(value) || value.locked) throw new TypeError("The stream was read or is locked already")
      return {
        content: new BodyContent(null, value),
        type: null,
        isStream: true,
        source: null,
      }
    }
    if (isBlob(value)) return atHand(bytesOfBlob(value), value.type === "" ? null : value.type)
    if (isBufferSource(value)) return atHand(copyOf(value), null)
    if (isFormData(value)) {
      const boundary = makeBoundary()
      return atHand(encodeMultipart(value, boundary), `multipart/form-data; boundary=${boundary}`)
    }
    if (value instanceof URLSearchParams) {
      return atHand(String(value), "application/x-www-form-urlencoded;charset=UTF-8")
    }
    // As in Node, Bun and Deno: what a generator yields.
    if (isAsyncIterable(value)) return extractBody(ReadableStream.from(value), keepalive)
  }
  return atHand(toUSVString(value), "text/plain;charset=UTF-8")
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === "function"
}

function atHand(source: string | Bytes, type: string | null): ExtractedBody {
  return { content: new BodyContent(source), type, isStream: false, source }
}

function copyOf(value: ArrayBuffer | ArrayBufferView<ArrayBuffer>): Bytes {
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice()
  return new Uint8Array(value.slice(0))
}

/** Only has to differ from what stands in the form; not a secret. */
function makeBoundary(): string {
  const digits = () => Math.random().toString(36).slice(2, 12).padStart(10, "0")
  return `----formdata-${digits()}${digits()}`
}

function outsideStream(source: OutsideBody, consumed: boolean): ReadableStream {
  return consumed ? new ReadableStream({ type: "bytes" }) : source.stream()
}

/** The same chunks under another stream, so that the given one is disturbed and locked. */
function proxyOf(stream: ReadableStream): ReadableStream {
  const reader = stream.getReader()
  markDisturbed(stream)
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
