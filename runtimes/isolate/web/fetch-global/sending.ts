/** Bodies of requests on their way to the cell: as fast as it takes them, whether they are at hand or come from a stream. */
import type { ClientCall } from "../../../../protocol/calls/client-call.ts"
import { isUint8Array } from "../conversions.ts"
import { encodeUtf8 } from "../encoding/text-encoder.ts"
import { BodyContent, type OutsideBody } from "../fetch/body-content.ts"
import { ReadableStream, ReadableStreamDefaultReader } from "../streams/index.ts"
import { readChunk } from "../streams/internals.ts"

export interface OutgoingBody {
  /** In bytes; -1 when it is a stream's. */
  readonly length: number
  /** It can be sent again, for a redirect. */
  readonly isRepeatable: boolean
  /** Starts to send it. `broke` is called when the app's stream fails. */
  open(call: ClientCall, broke: (reason: unknown) => void): Sending
  /** It will not be sent, or no more of it. */
  drop(reason: unknown): void
}

export interface Sending {
  /** Sends what `call.writable` allows. */
  go(): void
}

/** Takes the content of a Request: it then counts as used. */
export function bodyOf(content: BodyContent | null): OutgoingBody | null {
  if (content === null) return null
  if (content.atHand === undefined) return new StreamBody(content.stream)
  const whole = content.take()
  return new WholeBody(typeof whole === "string" ? encodeUtf8(whole) : whole)
}

export function contentOf(source: Uint8Array<ArrayBuffer> | OutsideBody): BodyContent {
  return new BodyContent(source)
}

class WholeBody implements OutgoingBody {
  readonly isRepeatable = true
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get length(): number {
    return this.#bytes.length
  }

  open(call: ClientCall): Sending {
    const bytes = this.#bytes
    let at = 0
    return {
      go() {
        while (call.writable > 0 && at < bytes.length) {
          const end = Math.min(bytes.length, at + call.writable)
          const piece = bytes.subarray(at, end)
          at = end
          call.write(piece, end === bytes.length)
        }
      },
    }
  }

  drop(): void {
    // Nobody else waits for it.
  }
}

const { getReader } = ReadableStream.prototype
const cancelReader = ReadableStreamDefaultReader.prototype.cancel

class StreamBody implements OutgoingBody, Sending {
  readonly isRepeatable = false
  readonly length = -1
  readonly #stream: ReadableStream
  readonly #reader: ReadableStreamDefaultReader
  #call: ClientCall | null = null
  #broke: (reason: unknown) => void = () => undefined
  /** What the cell has not taken yet of the last chunk. */
  #held: Uint8Array | null = null
  #isReading = false
  #isGoing = false
  #isOver = false

  constructor(stream: ReadableStream) {
    this.#stream = stream
    this.#reader = getReader.call(stream) as ReadableStreamDefaultReader
  }

  open(call: ClientCall, broke: (reason: unknown) => void): Sending {
    this.#call = call
    this.#broke = broke
    return this
  }

  /** A loop and no recursion: thousands of chunks may be there already. */
  go(): void {
    const call = this.#call
    if (this.#isGoing || call === null) return
    this.#isGoing = true
    while (!this.#isOver && !this.#isReading && call.writable > 0) {
      if (this.#held === null) this.#read()
      else this.#sendHeld(call, this.#held)
    }
    this.#isGoing = false
  }

  drop(reason: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#held = null
    cancelReader.call(this.#reader, reason).catch(() => undefined)
  }

  #read(): void {
    this.#isReading = true
    readChunk(this.#stream, {
      chunk: (value) => {
        this.#isReading = false
        // A copy: until the turn ends it waits here, and the app may write into its buffer.
        if (isUint8Array(value)) this.#held = value.length === 0 ? null : value.slice()
        else this.#fail(new TypeError("The body's stream gave a chunk that is not a Uint8Array"))
        this.go()
      },
      close: () => {
        this.#isReading = false
        if (this.#isOver) return
        this.#isOver = true
        this.#call?.write(new Uint8Array(0), true)
      },
      error: (reason) => {
        this.#isReading = false
        this.#fail(reason)
      },
    })
  }

  #sendHeld(call: ClientCall, held: Uint8Array): void {
    const piece = held.subarray(0, call.writable)
    this.#held = piece.length === held.length ? null : held.subarray(piece.length)
    call.write(piece, false)
  }

  #fail(reason: unknown): void {
    if (this.#isOver) return
    this.drop(reason)
    this.#broke(reason)
  }
}
