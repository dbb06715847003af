/** FrameReader: bytes of a channel to frames. Judges the header alone (P1). Counterpart: FrameWriter in `frames.ts`. */
import { readUint32, readUint48 } from "./bytes.ts"
import {
  type FrameHandler,
  type FramePayload,
  FrameType,
  frameName,
  HEADER_BYTES,
  isFrameType,
  MAX_PAYLOAD_BYTES,
  mayHaveFlags,
  violation,
} from "./frames.ts"

/**
 * Cuts chunks of any size into frames. Holds at most one incomplete frame.
 * With `bodiesInPieces` an http.body or call.body frame is not collected: what has come of it is handed on at once as a frame of its
 * own, END with the last, so that a stream of large bodies costs no copy.
 * `push` throws PROTOCOL_VIOLATION on an impossible header; the reader is then of no more use.
 */
export class FrameReader {
  readonly #handler: FrameHandler
  readonly #payload: FramePayload = { bytes: new Uint8Array(0), start: 0, end: 0 }
  readonly #header = new Uint8Array(HEADER_BYTES)
  #headerBytes = 0
  #frame: Uint8Array | null = null
  #frameBytes = 0
  /** Bytes of a body frame that are still to come and are handed on in pieces. */
  #bodyLeft = 0
  readonly #bodiesInPieces: boolean
  #stopped = false

  constructor(handler: FrameHandler, options: { bodiesInPieces?: boolean } = {}) {
    this.#handler = handler
    this.#bodiesInPieces = options.bodiesInPieces ?? false
  }

  /** Delivers nothing more, also of the chunk being read. */
  stop(): void {
    this.#stopped = true
    this.#frame = null
  }

  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length && !this.#stopped) {
      if (this.#frame !== null) at = this.#fillFrame(chunk, at)
      else if (this.#bodyLeft > 0) at = this.#passBody(chunk, at)
      else if (this.#headerBytes > 0) at = this.#fillHeader(chunk, at)
      else at = this.#readInPlace(chunk, at)
    }
  }

  #readInPlace(chunk: Uint8Array, at: number): number {
    if (chunk.length - at < HEADER_BYTES) return this.#fillHeader(chunk, at)
    const length = readUint32(chunk, at)
    checkHeader(chunk, at, length)
    const start = at + HEADER_BYTES
    if (chunk.length - start < length) return this.#fillHeader(chunk, at)
    this.#deliver(chunk, at, start, start + length)
    return start + length
  }

  #fillHeader(chunk: Uint8Array, at: number): number {
    const take = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length - at)
    this.#header.set(chunk.subarray(at, at + take), this.#headerBytes)
    this.#headerBytes += take
    if (this.#headerBytes < HEADER_BYTES) return at + take
    const length = readUint32(this.#header, 0)
    checkHeader(this.#header, 0, length)
    if (length === 0) {
      this.#headerBytes = 0
      this.#deliver(this.#header, 0, HEADER_BYTES, HEADER_BYTES)
      return at + take
    }
    if (this.#bodiesInPieces && isBody(this.#header[4]!)) this.#bodyLeft = length
    else {
      this.#frame = new Uint8Array(length)
      this.#frameBytes = 0
    }
    return at + take
  }

  #passBody(chunk: Uint8Array, at: number): number {
    const take = Math.min(this.#bodyLeft, chunk.length - at)
    this.#bodyLeft -= take
    const last = this.#bodyLeft === 0
    if (last) this.#headerBytes = 0
    const payload = this.#payload
    payload.bytes = chunk
    payload.start = at
    payload.end = at + take
    const flags = last ? this.#header[5]! : 0
    this.#handler.frame(this.#header[4]!, flags, readUint48(this.#header, 6), payload)
    return at + take
  }

  #fillFrame(chunk: Uint8Array, at: number): number {
    const frame = this.#frame as Uint8Array
    const take = Math.min(frame.length - this.#frameBytes, chunk.length - at)
    frame.set(chunk.subarray(at, at + take), this.#frameBytes)
    this.#frameBytes += take
    if (this.#frameBytes === frame.length) {
      this.#frame = null
      this.#headerBytes = 0
      const payload = this.#payload
      payload.bytes = frame
      payload.start = 0
      payload.end = frame.length
      this.#handler.frame(this.#header[4]!, this.#header[5]!, readUint48(this.#header, 6), payload)
    }
    return at + take
  }

  #deliver(bytes: Uint8Array, header: number, start: number, end: number): void {
    const payload = this.#payload
    payload.bytes = bytes
    payload.start = start
    payload.end = end
    this.#handler.frame(bytes[header + 4]!, bytes[header + 5]!, readUint48(bytes, header + 6), payload)
  }
}

function isBody(type: number): boolean {
  return type === FrameType.body || type === FrameType.callBody
}

function checkHeader(bytes: Uint8Array, at: number, length: number): void {
  // P1
  if (length > MAX_PAYLOAD_BYTES) {
    throw violation(`P1: a frame of ${length} bytes; the longest is ${MAX_PAYLOAD_BYTES}`)
  }
  const type = bytes[at + 4]!
  if (!isFrameType(type)) throw violation(`P1: a frame of unknown type ${type}`)
  const flags = bytes[at + 5]!
  if (!mayHaveFlags(type, flags)) throw violation(`P1: ${frameName(type)} with flags ${flags}`)
}
