/**
 * HostStream: one exchange on its way through a HostConnection. Owns the flow control of both directions and the
 * order of frames within the stream. The exchange it carries is the listener's; the counterpart is GuestStream.
 */
import { type ClientErrorCode, messageOf } from "./errors.ts"
import type { DisconnectReason, Exchange, ExchangeHandler, ResponseHead, Untaken } from "./exchange.ts"
import {
  FLAG_END,
  type FramePayload,
  FrameType,
  type FrameWriter,
  MAX_HEADER_BLOCK_BYTES,
  MAX_PAYLOAD_BYTES,
  readLatin1,
  readUint16,
  readUint32,
  violation,
  WINDOW_BYTES,
  writeLatin1,
  writeUint16,
  writeUint32,
} from "./frames.ts"
import { HeldBody, SMALL_PIECE_BYTES } from "./held-body.ts"
import {
  DisconnectCode,
  MARK_EXPECTS_CONTINUE,
  MARK_HTTPS,
  REQUEST_FIXED_BYTES,
  RESPONSE_FIXED_BYTES,
} from "./messages.ts"
import { codeOf, codeOfReason, invalid, isIdempotent } from "./stream-ends.ts"

/** Who keeps the streams of a connection: `stream-table.ts`. */
export interface StreamOwner {
  /** The exchange is over, or the guest ended it. False when the stream was gone already. */
  release(id: number): boolean
  /** The host ended it: frames worth `lateBytes` may still be on their way. False when the stream was gone already. */
  abandon(id: number, lateBytes: number): boolean
  /** Asks for one call of `deliverSmall` when the chunk being read has been read. */
  deliverLater(stream: HostStream): void
}

export interface Served {
  readonly exchange: Exchange
  readonly untaken: Untaken | null
}

export class HostStream implements ExchangeHandler {
  readonly id: number
  readonly exchange: Exchange
  readonly #untaken: Untaken | null
  readonly #writer: FrameWriter
  readonly #owner: StreamOwner
  /** Request body bytes that the guest still allows. */
  #sendWindow = WINDOW_BYTES
  /** Response body bytes that the guest may still send. */
  #receiveWindow = WINDOW_BYTES
  /** Response body bytes since the last credit. */
  #consumed = 0
  /** The client takes nothing for now: what comes is held, and no credit is given. */
  #blocked = false
  #held: HeldBody | null = null
  /** The head of the answer is here. */
  started = false
  /** The writer's count of flushes when the request was written: while it stands, the guest has nothing of it. */
  #openedAt = 0
  /** The guest's last frame is here, though the client may not have all of it yet. */
  #ended = false
  #endDelivered = false
  /** A client that waits for 100 was told to send its body. */
  #continued = false

  constructor(id: number, served: Served, writer: FrameWriter, owner: StreamOwner) {
    this.id = id
    this.exchange = served.exchange
    this.#untaken = served.untaken
    this.#writer = writer
    this.#owner = owner
  }

  /** `websocket.connect` has the same payload, and no body either way. */
  open(type: typeof FrameType.request | typeof FrameType.socketConnect = FrameType.request): void {
    const { head } = this.exchange
    const { method, target, host, clientAddress, headerBytes, bodyBytes } = head
    const textBytes = method.length + target.length + host.length + clientAddress.length
    const payloadBytes = REQUEST_FIXED_BYTES + textBytes + headerBytes
    // P6
    if (
      method.length > 0xff ||
      target.length > 0xffff ||
      host.length > 0xffff ||
      headerBytes > MAX_HEADER_BLOCK_BYTES ||
      payloadBytes > MAX_PAYLOAD_BYTES
    ) {
      this.#owner.release(this.id)
      this.exchange.fail("HEADERS_TOO_LARGE", `a request head of ${payloadBytes} bytes`)
      return
    }
    const writer = this.#writer
    this.#openedAt = writer.flushes
    const ends = bodyBytes === 0 && type === FrameType.request
    let at = writer.open(type, ends ? FLAG_END : 0, this.id, payloadBytes)
    const slab = writer.slab
    slab[at] = method.length
    slab[at + 1] =
      (head.scheme === "https" ? MARK_HTTPS : 0) | (head.expectsContinue ? MARK_EXPECTS_CONTINUE : 0)
    writeUint16(slab, at + 2, target.length)
    writeUint16(slab, at + 4, host.length)
    writeUint16(slab, at + 6, clientAddress.length)
    writeUint32(slab, at + 8, headerBytes)
    at = writeLatin1(slab, at + REQUEST_FIXED_BYTES, method)
    at = writeLatin1(slab, at, target)
    at = writeLatin1(slab, at, host)
    at = writeLatin1(slab, at, clientAddress)
    head.writeHeaders(slab, at)
    this.exchange.attach(this)
    if (bodyBytes === 0) return
    // P8
    if (head.expectsContinue) this.#sendWindow = 0
    else this.exchange.pull(WINDOW_BYTES)
  }

  // Events of the exchange

  requestBody(chunk: Uint8Array, end: boolean): void {
    this.#sendWindow -= chunk.length
    this.#writer.body(this.id, chunk, end)
  }

  drained(): void {
    this.#blocked = false
    this.#deliverHeld()
    this.#giveCredit()
  }

  left(reason: DisconnectReason): void {
    this.#dropHeld()
    if (this.#owner.abandon(this.id, this.#lateBytes())) this.sendDisconnect(reason)
  }

  // Frames of the guest

  response(flags: number, payload: FramePayload): void {
    // P7
    if (this.started) throw violation("P7: a second http.response.start on a stream")
    const { bytes, start, end } = payload
    if (end - start < RESPONSE_FIXED_BYTES) throw violation("P7: a malformed http.response.start")
    const status = readUint16(bytes, start)
    const reasonStart = start + RESPONSE_FIXED_BYTES
    const linesStart = reasonStart + readUint16(bytes, start + 2)
    const bodyStart = linesStart + readUint32(bytes, start + 4)
    if (bodyStart > end) throw violation("P7: a header block longer than its frame")
    this.started = true
    this.#takeFromWindow(end - bodyStart)
    if ((flags & FLAG_END) !== 0) this.#end()
    this.#endDelivered = this.#ended
    const body = end > bodyStart ? bytes.subarray(bodyStart, end) : null
    try {
      if (status < 200 || status > 599) throw invalid(`status ${status}`)
      if (bodyStart - linesStart > MAX_HEADER_BLOCK_BYTES)
        throw invalid(`a header block over ${MAX_HEADER_BLOCK_BYTES} bytes`)
      const reason = linesStart === reasonStart ? "" : readLatin1(bytes, reasonStart, linesStart)
      const head: ResponseHead = { status, reason, lines: bytes.subarray(linesStart, bodyStart) }
      this.#blocked = !this.exchange.respond(head, body, this.#ended)
    } catch (error) {
      // P14: the head is the app's fault, not the guest's: it costs this exchange alone
      if (this.#owner.abandon(this.id, this.#lateBytes())) this.sendDisconnect("host-stopping")
      this.exchange.fail(codeOf(error), messageOf(error))
      return
    }
    this.#giveCredit()
  }

  responseBody(flags: number, payload: FramePayload): void {
    // P7
    if (!this.started) throw violation("P7: http.body before http.response.start")
    const { bytes, start, end } = payload
    const last = (flags & FLAG_END) !== 0
    // P9
    if (end === start && !last) throw violation("P9: an empty http.body that is not the last")
    this.#takeFromWindow(end - start)
    if (last) this.#end()
    const holds = this.#held !== null && !this.#held.empty
    if (this.#blocked || holds || (end - start < SMALL_PIECE_BYTES && !last)) {
      this.#hold(bytes.subarray(start, end), holds)
      if (last && !this.#blocked) this.#deliverHeld()
      return
    }
    this.#endDelivered = last
    this.#blocked = !this.exchange.write(bytes.subarray(start, end), last)
    this.#giveCredit()
  }

  /** The chunk that was being read is at its end: what came in small pieces goes on. */
  deliverSmall(): void {
    if (this.#blocked) return
    this.#deliverHeld()
    this.#giveCredit()
  }

  credit(payload: FramePayload): void {
    // P8
    if (payload.end - payload.start !== 4) throw violation("P8: http.credit without its four bytes")
    const bytes = readUint32(payload.bytes, payload.start)
    // The app reads now: a client that waits for that is told.
    if (this.#sendWindow === 0 && this.exchange.head.expectsContinue && !this.#continued) {
      this.#continued = true
      this.exchange.inform(100, NO_BYTES)
    }
    this.#sendWindow += bytes
    if (bytes === 0 || this.#sendWindow > WINDOW_BYTES)
      throw violation(`P8: credit for ${bytes} bytes that were not sent`)
    this.exchange.pull(bytes)
  }

  /** The app gave up on this answer (P10). */
  aborted(reason: number, message: string): void {
    this.#owner.release(this.id)
    if (!this.#blocked) this.#deliverHeld()
    this.#dropHeld()
    const code = reason === DisconnectCode.invalidResponse ? "APP_RESPONSE_INVALID" : "APP_ERROR"
    this.exchange.fail(code, message || "the app aborted its response")
  }

  /** The channel is gone (P13). `collateral`: through no fault of its app, so that another instance may answer. */
  fail(code: ClientErrorCode, detail: string, collateral: boolean): void {
    this.#dropHeld()
    const untaken = collateral && this.#canBeAnsweredElsewhere() ? this.#untaken : null
    if (untaken === null) this.exchange.fail(code, detail)
    else if (this.#writer.flushes === this.#openedAt) untaken()
    else untaken({ code, detail })
  }

  /** Nothing of the answer is out; there is no body that would be missing; and the guest has nothing of it, or it may be repeated. */
  #canBeAnsweredElsewhere(): boolean {
    const { responded, finished, head } = this.exchange
    if (responded || finished || head.bodyBytes !== 0) return false
    return this.#writer.flushes === this.#openedAt || isIdempotent(head.method)
  }

  #end(): void {
    this.#ended = true
    this.#owner.release(this.id)
  }

  #hold(piece: Uint8Array, holds: boolean): void {
    if (this.#held === null) this.#held = new HeldBody()
    if (piece.length > 0) this.#held.add(piece)
    if (!holds && !this.#blocked && !this.#ended) this.#owner.deliverLater(this)
  }

  #dropHeld(): void {
    this.#held?.clear()
  }

  /** Hands on what is held until the client takes no more; with it the end, when that has come. */
  #deliverHeld(): void {
    const held = this.#held
    if (held === null) return
    while (!this.#blocked && !this.#endDelivered && !this.exchange.finished) {
      const piece = held.take()
      this.#endDelivered = this.#ended && held.empty
      if (piece === null && !this.#endDelivered) return
      this.#blocked = !this.exchange.write(piece ?? NO_BYTES, this.#endDelivered)
    }
  }

  #takeFromWindow(bytes: number): void {
    // P8
    this.#receiveWindow -= bytes
    if (this.#receiveWindow < 0) throw violation("P8: more body bytes than there was credit for")
    this.#consumed += bytes
  }

  #giveCredit(): void {
    if (this.#blocked || this.#ended || this.#consumed < WINDOW_BYTES / 4 || this.exchange.finished) return
    const at = this.#writer.open(FrameType.credit, 0, this.id, 4)
    writeUint32(this.#writer.slab, at, this.#consumed)
    this.#receiveWindow += this.#consumed
    this.#consumed = 0
  }

  /** What an honest guest may send before it hears of a disconnect: body, credit, and one head or last word. */
  #lateBytes(): number {
    return this.#receiveWindow + (WINDOW_BYTES - this.#sendWindow) + MAX_PAYLOAD_BYTES
  }

  sendDisconnect(reason: DisconnectReason): void {
    const at = this.#writer.open(FrameType.disconnect, 0, this.id, 1)
    this.#writer.slab[at] = codeOfReason(reason)
  }
}

const NO_BYTES = new Uint8Array(0)
