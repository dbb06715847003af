/** ClientCall: one call as its caller sees it. Owns the flow control of both directions. Counterpart: ServerCall. */
import { readText } from "../control.ts"
import {
  CALL_WINDOW_BYTES,
  FLAG_END,
  type FramePayload,
  FrameType,
  type FrameWriter,
  MAX_ABORT_MESSAGE_BYTES,
  readLatin1,
  readUint16,
  readUint32,
  writeUint32,
} from "../frames.ts"
import { CALL_RESPONSE_FIXED_BYTES, CallEnd, type CallFailure, callFailure } from "./call-frames.ts"

export interface ClientCallEvents {
  /** The answer's head; `lines` is a view that stays valid. Its first bytes and its end follow by `body`. */
  response(head: { status: number; reason: string; lines: Uint8Array }): void
  /** A piece of the answer: a view that stays valid. Give `credit` when it is consumed. */
  body(chunk: Uint8Array, end: boolean): void
  /** More of the request's body may be sent: `writable` has grown. */
  writable(): void
  /** There will be no answer, or no more of it. */
  failed(failure: CallFailure, message: string): void
}

export class ClientCall {
  /** 0 while it waits for its turn. */
  id = 0
  /** Request body bytes that may be sent now. */
  writable = 0
  /** Nothing more will come, and nothing can be sent. */
  done = false
  readonly #events: ClientCallEvents
  readonly #ended: () => void
  #writer: FrameWriter | null = null
  /** Bytes of the answer since the last credit. */
  #consumed = 0

  constructor(events: ClientCallEvents, ended: () => void) {
    this.#events = events
    this.#ended = ended
  }

  opened(id: number, writer: FrameWriter): void {
    this.id = id
    this.#writer = writer
    this.credited(CALL_WINDOW_BYTES)
  }

  /** More of the request's body: at most `writable` bytes, passed on by reference. */
  write(chunk: Uint8Array, end: boolean): void {
    if (this.done) return
    this.writable -= chunk.length
    this.#writer?.body(this.id, chunk, end, FrameType.callBody)
  }

  /** The app consumed bytes of the answer: as many more may come. */
  credit(bytes: number): void {
    this.#consumed += bytes
    if (this.done || this.#writer === null || this.#consumed < CALL_WINDOW_BYTES / 2) return
    const at = this.#writer.open(FrameType.callCredit, 0, this.id, 4)
    writeUint32(this.#writer.slab, at, this.#consumed)
    this.#consumed = 0
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    if (this.done) return
    if (this.#writer !== null) {
      const at = this.#writer.open(FrameType.callDisconnect, 0, this.id, 1)
      this.#writer.slab[at] = CallEnd.gone
    }
    this.#finish()
  }

  // Frames of the trusted side

  response(flags: number, { bytes, start, end }: FramePayload): void {
    const reasonAt = start + CALL_RESPONSE_FIXED_BYTES
    const linesAt = reasonAt + readUint16(bytes, start + 2)
    const bodyAt = linesAt + readUint32(bytes, start + 4)
    const last = (flags & FLAG_END) !== 0
    if (last) this.#finish()
    this.#events.response({
      status: readUint16(bytes, start),
      reason: readLatin1(bytes, reasonAt, linesAt),
      lines: bytes.subarray(linesAt, bodyAt),
    })
    if (last || bodyAt < end) this.#events.body(bytes.subarray(bodyAt, end), last)
  }

  body(flags: number, { bytes, start, end }: FramePayload): void {
    const last = (flags & FLAG_END) !== 0
    if (last) this.#finish()
    this.#events.body(bytes.subarray(start, end), last)
  }

  credited(bytes: number): void {
    this.writable += bytes
    this.#events.writable()
  }

  disconnected(payload: FramePayload): void {
    const code = payload.bytes[payload.start] ?? 0
    this.failed(callFailure(code), readText(payload, 1, MAX_ABORT_MESSAGE_BYTES))
  }

  failed(failure: CallFailure, message: string): void {
    if (this.done) return
    this.#finish()
    this.#events.failed(failure, message)
  }

  #finish(): void {
    this.done = true
    this.#ended()
  }
}
