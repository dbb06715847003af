/**
 * Frames: how messages lie on a channel's bytes. Owns the header, the type numbers, the reader and the writer.
 * Knows nothing of what is allowed when: that is the connections' and the lint's.
 *
 *   0        4      5       6              12
 *   | length | type | flags | stream       | payload … (length bytes)     all numbers big-endian
 */
import { writeUint32 } from "./bytes.ts"
import type { Channel } from "./channel.ts"
import { PolyhostError } from "./errors.ts"

export {
  readLatin1,
  readUint16,
  readUint32,
  readUint48,
  writeLatin1,
  writeUint16,
  writeUint32,
  writeUint48,
} from "./bytes.ts"

export const PROTOCOL_VERSION = "1.2"

export const HEADER_BYTES = 12
/** Longest payload of any frame, in bytes. */
export const MAX_PAYLOAD_BYTES = 256 * 1024
/** Longest piece of a body that a sender of ours puts in one frame, in bytes. */
export const MAX_CHUNK_BYTES = 64 * 1024
/** Longest control (JSON) payload, in bytes. */
export const MAX_CONTROL_BYTES = 64 * 1024
/** Longest header block of a request or response, in bytes: 64 KiB of a client's own lines and those that the host adds. */
export const MAX_HEADER_BLOCK_BYTES = 72 * 1024
/** Longest message in an http.disconnect of the guest, in bytes. */
export const MAX_ABORT_MESSAGE_BYTES = 8 * 1024
/** What a side may leave unread beyond the windows of its open streams before it counts as hostile, in bytes. */
export const MAX_UNREAD_BYTES = 16 * 1024 * 1024
/** Body bytes in flight in each direction of a stream before credit is needed. */
export const WINDOW_BYTES = 256 * 1024
/** What a websocket.message takes from its window beyond its bytes: it bounds how many short and empty messages are on the way. */
export const MESSAGE_COST_BYTES = 64
/** Longest reason in a websocket.close, in bytes (RFC 6455 5.5: what a close frame has room for). */
export const MAX_CLOSE_REASON_BYTES = 123
/** Calls and store requests of a guest that are open at once on a connection. */
export const MAX_OPEN_CALLS = 256
/** As WINDOW_BYTES, of a call: smaller, because the guest opens as many as it likes. */
export const CALL_WINDOW_BYTES = 64 * 1024

/**
 * Type numbers. Below 16: control, JSON payload or none (output: bytes), stream 0. From 16: one request, stream ≥ 1, binary.
 * From 32: one call or store request of the guest, binary, with ids of their own.
 */
export const FrameType = {
  hello: 1,
  welcome: 2,
  startupComplete: 3,
  startupFailed: 4,
  ping: 5,
  pong: 6,
  shutdown: 7,
  shutdownComplete: 8,
  log: 9,
  output: 10,
  request: 16,
  response: 17,
  body: 18,
  credit: 19,
  disconnect: 20,
  socketConnect: 21,
  socketAccept: 22,
  socketMessage: 23,
  socketClose: 24,
  callRequest: 32,
  callResponse: 33,
  callBody: 34,
  callCredit: 35,
  callDisconnect: 36,
  storeRequest: 37,
  storeResponse: 38,
} as const

export type FrameTypeNumber = (typeof FrameType)[keyof typeof FrameType]
type BodyType = typeof FrameType.body | typeof FrameType.callBody

const NAME_OF_TYPE: ReadonlyMap<number, string> = new Map([
  [FrameType.hello, "hello"],
  [FrameType.welcome, "welcome"],
  [FrameType.startupComplete, "lifespan.startup.complete"],
  [FrameType.startupFailed, "lifespan.startup.failed"],
  [FrameType.ping, "ping"],
  [FrameType.pong, "pong"],
  [FrameType.shutdown, "lifespan.shutdown"],
  [FrameType.shutdownComplete, "lifespan.shutdown.complete"],
  [FrameType.log, "log"],
  [FrameType.output, "output"],
  [FrameType.request, "http.request"],
  [FrameType.response, "http.response.start"],
  [FrameType.body, "http.body"],
  [FrameType.credit, "http.credit"],
  [FrameType.disconnect, "http.disconnect"],
  [FrameType.socketConnect, "websocket.connect"],
  [FrameType.socketAccept, "websocket.accept"],
  [FrameType.socketMessage, "websocket.message"],
  [FrameType.socketClose, "websocket.close"],
  [FrameType.callRequest, "call.request"],
  [FrameType.callResponse, "call.response"],
  [FrameType.callBody, "call.body"],
  [FrameType.callCredit, "call.credit"],
  [FrameType.callDisconnect, "call.disconnect"],
  [FrameType.storeRequest, "store.request"],
  [FrameType.storeResponse, "store.response"],
])

/** The vocabulary's word for a type number: `http.request`. */
export function frameName(type: number): string {
  return NAME_OF_TYPE.get(type) ?? `type ${type}`
}

export function isFrameType(type: number): boolean {
  return NAME_OF_TYPE.has(type)
}

/** Flag: the sender's half of the stream ends with this frame; of a websocket.message, the message does. */
export const FLAG_END = 1
/** Flag of websocket.message: the message is text, else it is binary. */
export const FLAG_TEXT = 2

/** END belongs to heads, bodies and messages, TEXT to messages. */
export function mayHaveFlags(type: number, flags: number): boolean {
  if (flags === 0) return true
  if (type === FrameType.socketMessage) return flags <= (FLAG_END | FLAG_TEXT)
  return (
    flags === FLAG_END &&
    ((type >= FrameType.request && type <= FrameType.body) ||
      (type >= FrameType.callRequest && type <= FrameType.callBody))
  )
}

/** Receives frames. `bytes[start, end)` is the payload: a view that is valid as long as the receiver keeps it. */
export interface FrameHandler {
  frame(type: number, flags: number, stream: number, payload: FramePayload): void
}

/** A payload in place, without a copy. One object is reused for every frame: read it during the call only. */
export interface FramePayload {
  bytes: Uint8Array
  start: number
  end: number
}

/** Bytes copied into the shared block rather than sent as a chunk of their own. */
const COPY_BELOW_BYTES = 8 * 1024
const SLAB_BYTES = 64 * 1024
/** The first block of a writer. A thousand idle instances have two or three writers each; busy ones soon have large blocks. */
const FIRST_SLAB_BYTES = 4 * 1024

/**
 * Collects the frames of one turn of the event loop and hands them to the channel in one write.
 * Small frames lie in one block; a large payload is passed on without a copy.
 */
export class FrameWriter {
  readonly #channel: Channel
  readonly #schedule: (flush: () => void) => void
  readonly #flush = (): void => this.flush()
  /** The block that `open` points into: valid until the next call. */
  slab: Uint8Array = new Uint8Array(FIRST_SLAB_BYTES)
  /** How often frames were handed to the channel: tells whether one that was written is still here. */
  flushes = 0
  #sent = 0
  #used = 0
  #chunks: Uint8Array[] = []
  #scheduled = false

  /** `schedule` runs a function once at the end of this turn of the event loop (`setImmediate`). */
  constructor(channel: Channel, schedule: (flush: () => void) => void) {
    this.#channel = channel
    this.#schedule = schedule
  }

  /**
   * Starts a frame whose payload has exactly `length` bytes; returns where in `slab` the payload begins.
   * The caller fills it before it does anything else.
   */
  open(type: FrameTypeNumber, flags: number, stream: number, length: number): number {
    const total = HEADER_BYTES + length
    if (this.slab.length - this.#used < total) this.#newSlab(total)
    writeHeader(this.slab, this.#used, type, flags, stream, length)
    const at = this.#used + HEADER_BYTES
    this.#used += total
    this.#scheduleFlush()
    return at
  }

  /** A whole frame with a payload that exists already. Payloads over 8 KiB are not copied: do not change them. */
  frame(type: FrameTypeNumber, flags: number, stream: number, payload: Uint8Array): void {
    if (payload.length < COPY_BELOW_BYTES) {
      const at = this.open(type, flags, stream, payload.length)
      this.slab.set(payload, at)
      return
    }
    if (this.slab.length - this.#used < HEADER_BYTES) this.#newSlab(HEADER_BYTES)
    writeHeader(this.slab, this.#used, type, flags, stream, payload.length)
    this.#used += HEADER_BYTES
    this.#cut()
    this.#chunks.push(payload)
    this.#scheduleFlush()
  }

  /** A piece of a body of any length, cut into frames of at most 64 KiB. Nothing is sent for no bytes and no end. */
  body(stream: number, chunk: Uint8Array, end: boolean, type: BodyType = FrameType.body): void {
    let at = 0
    while (chunk.length - at > MAX_CHUNK_BYTES) {
      this.frame(type, 0, stream, chunk.subarray(at, at + MAX_CHUNK_BYTES))
      at += MAX_CHUNK_BYTES
    }
    if (at < chunk.length || end) {
      this.frame(type, end ? FLAG_END : 0, stream, at === 0 ? chunk : chunk.subarray(at))
    }
  }

  flush(): void {
    this.#scheduled = false
    this.#cut()
    if (this.#chunks.length === 0) return
    const chunks = this.#chunks
    this.#chunks = []
    this.flushes++
    this.#channel.write(chunks)
  }

  #cut(): void {
    if (this.#used > this.#sent) this.#chunks.push(this.slab.subarray(this.#sent, this.#used))
    this.#sent = this.#used
  }

  #newSlab(atLeast: number): void {
    this.#cut()
    this.slab = new Uint8Array(Math.max(Math.min(this.slab.length * 2, SLAB_BYTES), atLeast))
    this.#sent = 0
    this.#used = 0
  }

  #scheduleFlush(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#schedule(this.#flush)
  }
}

function writeHeader(
  bytes: Uint8Array,
  at: number,
  type: number,
  flags: number,
  stream: number,
  length: number,
): void {
  writeUint32(bytes, at, length)
  bytes[at + 4] = type
  bytes[at + 5] = flags
  const high = Math.floor(stream / 0x1_0000_0000)
  bytes[at + 6] = high >>> 8
  bytes[at + 7] = high
  writeUint32(bytes, at + 8, stream >>> 0)
}

export function violation(message: string): PolyhostError {
  return new PolyhostError("PROTOCOL_VIOLATION", `protocol violation: ${message}`)
}
