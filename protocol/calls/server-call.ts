/** ServerCall: one call as the trusted side sees it. Owns the flow control of both directions. Counterpart: ClientCall. */
import { encodeText } from "../control.ts"
import type { ResponseHead } from "../exchange.ts"
import {
  CALL_WINDOW_BYTES,
  FLAG_END,
  type FramePayload,
  FrameType,
  type FrameWriter,
  MAX_ABORT_MESSAGE_BYTES,
  violation,
  writeLatin1,
  writeUint16,
  writeUint32,
} from "../frames.ts"
import { CALL_RESPONSE_FIXED_BYTES, CallEnd, type CallFailure } from "./call-frames.ts"
import type { CallHead } from "./read-call.ts"

export interface ServerCallEvents {
  /** A piece of the request's body: a view that stays valid. Give `credit` when it is consumed: 64 KiB come without. */
  requestBody(chunk: Uint8Array, end: boolean): void
  /** The caller takes more of the answer: go on after a `respond` or `write` that returned false. */
  drained(): void
  /** Nobody waits for the answer any more. Nothing follows. */
  left(): void
}

export interface ServerCallOwner {
  /** It is over. `lateBytes` are what the caller may have sent before it hears of that. */
  ended(lateBytes: number): void
  wrote(): void
}

export class ServerCall {
  readonly id: number
  readonly head: CallHead
  events: ServerCallEvents | null = null
  /** Answered to its end, failed, or left. */
  done = false
  responded = false
  readonly #writer: FrameWriter
  readonly #owner: ServerCallOwner
  /** Bytes of the answer that the caller still allows. */
  #sendWindow = CALL_WINDOW_BYTES
  /** Bytes of the request's body that the caller may still send. */
  #receiveWindow = CALL_WINDOW_BYTES
  #consumed = 0
  #requestEnded: boolean
  /** Pieces of the answer that the window has no room for. */
  #held: Uint8Array[] = []
  #endHeld = false

  constructor(id: number, head: CallHead, writer: FrameWriter, owner: ServerCallOwner) {
    this.id = id
    this.head = head
    this.#writer = writer
    this.#owner = owner
    this.#requestEnded = !head.hasBody
  }

  /**
   * The head of the answer, which is valid during the call only, and its first bytes, which the call owns from now on.
   * @returns false when the caller takes no more for now: wait for `events.drained()`.
   */
  respond({ status, reason, lines }: ResponseHead, body: Uint8Array | null, end: boolean): boolean {
    if (this.done || this.responded) return true
    this.responded = true
    const whole = body === null || body.length <= INLINE_BYTES
    const bodyBytes = body !== null && whole ? body.length : 0
    const length = CALL_RESPONSE_FIXED_BYTES + reason.length + lines.length + bodyBytes
    let at = this.#writer.open(FrameType.callResponse, whole && end ? FLAG_END : 0, this.id, length)
    const { slab } = this.#writer
    writeUint16(slab, at, status)
    writeUint16(slab, at + 2, reason.length)
    writeUint32(slab, at + 4, lines.length)
    at = writeLatin1(slab, at + CALL_RESPONSE_FIXED_BYTES, reason)
    slab.set(lines, at)
    if (bodyBytes > 0 && body !== null) slab.set(body, at + lines.length)
    this.#sendWindow -= bodyBytes
    if (body !== null && !whole) return this.write(body, end)
    if (end) this.#finish()
    this.#owner.wrote()
    return true
  }

  /** More of the answer; the call owns `chunk` from now on. Return value as in `respond`. */
  write(chunk: Uint8Array, end: boolean): boolean {
    if (this.done) return true
    if (chunk.length > 0) this.#held.push(chunk)
    this.#endHeld ||= end
    this.#send()
    this.#owner.wrote()
    return this.#held.length === 0
  }

  /** Ends it without an answer, or cuts the answer. */
  fail(failure: CallFailure, message: string): void {
    if (this.done) return
    const text = encodeText(message).subarray(0, MAX_ABORT_MESSAGE_BYTES)
    const at = this.#writer.open(FrameType.callDisconnect, 0, this.id, 1 + text.length)
    this.#writer.slab[at] = CallEnd[failure]
    this.#writer.slab.set(text, at + 1)
    this.#finish()
    this.#owner.wrote()
  }

  /** Bytes of the request's body were consumed: as many more may come. Small amounts are told together. */
  credit(bytes: number): void {
    this.#consumed += bytes
    if (this.done || this.#requestEnded || this.#consumed < CALL_WINDOW_BYTES / 2) return
    const at = this.#writer.open(FrameType.callCredit, 0, this.id, 4)
    writeUint32(this.#writer.slab, at, this.#consumed)
    this.#receiveWindow += this.#consumed
    this.#consumed = 0
  }

  // Frames of the caller

  requestBody(flags: number, { bytes, start, end }: FramePayload): void {
    const last = (flags & FLAG_END) !== 0
    // P19
    if (this.#requestEnded) throw violation("P19: call.body after END")
    if (end === start && !last) throw violation("P19: an empty call.body that is not the last")
    // P20
    this.#receiveWindow -= end - start
    if (this.#receiveWindow < 0) throw violation("P20: more body bytes than there was credit for")
    this.#requestEnded = last
    this.events?.requestBody(bytes.subarray(start, end), last)
  }

  credited(bytes: number): void {
    // P20
    this.#sendWindow += bytes
    if (bytes === 0 || this.#sendWindow > CALL_WINDOW_BYTES)
      throw violation(`P20: credit for ${bytes} bytes that were not sent`)
    if (this.#held.length === 0) return
    this.#send()
    if (!this.done && this.#held.length === 0) this.events?.drained()
  }

  left(): void {
    if (this.done) return
    this.done = true
    this.#held = []
    this.#owner.ended(0)
    this.events?.left()
  }

  #send(): void {
    const held = this.#held
    let next = 0
    for (; next < held.length && this.#sendWindow > 0; next++) {
      const piece = held[next]!
      const take = Math.min(piece.length, this.#sendWindow)
      this.#sendWindow -= take
      const last = this.#endHeld && next === held.length - 1 && take === piece.length
      this.#writer.body(
        this.id,
        take === piece.length ? piece : piece.subarray(0, take),
        last,
        FrameType.callBody,
      )
      if (last) return this.#finish()
      if (take < piece.length) {
        held[next] = piece.subarray(take)
        break
      }
    }
    this.#held = next === 0 ? held : held.slice(next)
    if (this.#endHeld && this.#held.length === 0) {
      this.#writer.body(this.id, NO_BYTES, true, FrameType.callBody)
      this.#finish()
    }
  }

  #finish(): void {
    this.done = true
    this.#held = []
    // What an honest caller may send before it hears of the end: body, credit in small pieces, and its last word.
    this.#owner.ended(this.#requestEnded ? LATE_BYTES : LATE_BYTES + this.#receiveWindow)
  }
}

const NO_BYTES = new Uint8Array(0)
/** Bodies up to this size travel in the frame of their head. */
const INLINE_BYTES = 8 * 1024
const LATE_BYTES = CALL_WINDOW_BYTES + 1
