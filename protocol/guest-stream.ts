/**
 * GuestStream: one request as the guest sees it: where its parts lie in the frame's bytes, its body as events, and
 * the answer. Owns the flow control of both directions. Counterpart: `host-stream.ts`.
 */
import {
  FLAG_END,
  type FramePayload,
  FrameType,
  type FrameWriter,
  MAX_ABORT_MESSAGE_BYTES,
  MAX_HEADER_BLOCK_BYTES,
  writeLatin1,
  writeUint16,
  writeUint32,
} from "./frames.ts"
import { DisconnectCode, RESPONSE_FIXED_BYTES } from "./messages.ts"
import type { StreamSlots } from "./stream-slots.ts"

/** The request head in place: each part ends where the next begins. Nothing is a string before somebody asks. */
export interface GuestRequestHead {
  readonly bytes: Uint8Array
  readonly methodAt: number
  readonly targetAt: number
  readonly hostAt: number
  readonly addressAt: number
  readonly headersAt: number
  readonly headersEnd: number
  readonly https: boolean
  readonly hasBody: boolean
  /** The client waits: nothing of the body comes before `openBody`. */
  readonly expectsContinue: boolean
}

export interface GuestResponseHead {
  readonly status: number
  /** Reason phrase, Latin-1; "": the usual one. */
  readonly reason: string
  /** Header lines `name: value\r\n` in Latin-1. */
  readonly lines: string
}

export interface GuestStreamEvents {
  /** A piece of the request body: a view that stays valid. Give `credit` when it is consumed. */
  requestBody(chunk: Uint8Array, end: boolean): void
  /** More of the response body may be sent: `writable` has grown. */
  writable(): void
  /** The client left, the host gave up, or the host is gone. */
  disconnected(): void
}

export class GuestStream {
  readonly id: number
  readonly head: GuestRequestHead
  events: GuestStreamEvents | null = null
  /** Response body bytes that may be sent now. */
  writable: number
  /** The answer ended, was aborted, or nobody waits for it any more. */
  done = false
  readonly #writer: FrameWriter
  readonly #streams: StreamSlots<GuestStream>
  readonly #windowBytes: number
  #bodyOpened = false
  /** Request body bytes since the last credit. */
  #consumed = 0

  constructor(
    id: number,
    head: GuestRequestHead,
    writer: FrameWriter,
    streams: StreamSlots<GuestStream>,
    windowBytes: number,
  ) {
    this.id = id
    this.head = head
    this.#writer = writer
    this.#streams = streams
    this.writable = windowBytes
    this.#windowBytes = windowBytes
  }

  /** The answer's head and, in the same frame, the first or only piece of its body (at most 64 KiB). */
  respond({ status, reason, lines }: GuestResponseHead, body: Uint8Array | null, end: boolean): void {
    if (this.done) return
    if (lines.length > MAX_HEADER_BLOCK_BYTES) {
      // P14: such a frame would cost the whole connection; this costs the one answer
      const seen = `the response header block has ${lines.length} bytes; the longest is ${MAX_HEADER_BLOCK_BYTES}`
      const message = new Uint8Array(seen.length)
      writeLatin1(message, 0, seen)
      this.abort(DisconnectCode.invalidResponse, message)
      return
    }
    const bodyBytes = body === null ? 0 : body.length
    const writer = this.#writer
    let at = writer.open(
      FrameType.response,
      end ? FLAG_END : 0,
      this.id,
      RESPONSE_FIXED_BYTES + reason.length + lines.length + bodyBytes,
    )
    const slab = writer.slab
    writeUint16(slab, at, status)
    writeUint16(slab, at + 2, reason.length)
    writeUint32(slab, at + 4, lines.length)
    at = writeLatin1(slab, at + RESPONSE_FIXED_BYTES, reason)
    at = writeLatin1(slab, at, lines)
    if (body !== null) slab.set(body, at)
    this.writable -= bodyBytes
    if (end) this.#finish()
  }

  /** More of the body: at most `writable` bytes. They are passed on by reference: do not change them. */
  write(chunk: Uint8Array, end: boolean): void {
    if (this.done) return
    this.writable -= chunk.length
    this.#writer.body(this.id, chunk, end)
    if (end) this.#finish()
  }

  /** Gives the answer up: the client sees an error, or a cut when the head is out (P10). `code` as in DisconnectCode. */
  abort(code: number, message: Uint8Array): void {
    if (this.done) return
    const bytes = message.subarray(0, MAX_ABORT_MESSAGE_BYTES)
    const at = this.#writer.open(FrameType.disconnect, 0, this.id, 1 + bytes.length)
    this.#writer.slab[at] = code
    this.#writer.slab.set(bytes, at + 1)
    this.#finish()
  }

  /** The app begins to read the body: a client that waits for that is told to send it. */
  openBody(): void {
    // P8
    if (this.head.expectsContinue && !this.#bodyOpened) this.#giveCredit(this.#windowBytes)
    this.#bodyOpened = true
  }

  /** The app consumed request body bytes: as many more may come. Small amounts are told together. */
  credit(bytes: number): void {
    this.#consumed += bytes
    if (this.#consumed >= this.#windowBytes / 2) this.#giveCredit(this.#consumed)
  }

  // Frames of the host

  requestBody(flags: number, payload: FramePayload): void {
    this.events?.requestBody(payload.bytes.subarray(payload.start, payload.end), (flags & FLAG_END) !== 0)
  }

  credited(bytes: number): void {
    this.writable += bytes
    this.events?.writable()
  }

  disconnected(): void {
    if (this.done) return
    this.#finish()
    this.events?.disconnected()
  }

  #giveCredit(bytes: number): void {
    if (this.done) return
    this.#consumed = 0
    const at = this.#writer.open(FrameType.credit, 0, this.id, 4)
    writeUint32(this.#writer.slab, at, bytes)
  }

  #finish(): void {
    this.done = true
    this.#streams.delete(this.id)
  }
}
