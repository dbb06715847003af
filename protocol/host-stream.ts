/**
 * HostStream: one exchange on its way through a HostConnection. Owns the flow control of both directions and the
 * order of frames within the stream. The exchange it carries is the listener's; the counterpart is GuestStream.
 */
import { type ClientErrorCode, messageOf, PolyhostError } from "./errors.ts"
import type { DisconnectReason, Exchange, ExchangeHandler } from "./exchange.ts"
import {
  FLAG_END,
  type FramePayload,
  FrameType,
  type FrameWriter,
  MAX_CHUNK_BYTES,
  readUint16,
  readUint32,
  violation,
  WINDOW_BYTES,
  writeLatin1,
  writeUint16,
  writeUint32,
} from "./frames.ts"
import { DisconnectCode, REQUEST_FIXED_BYTES, RESPONSE_FIXED_BYTES } from "./messages.ts"

export class HostStream implements ExchangeHandler {
  readonly id: number
  readonly #exchange: Exchange
  readonly #writer: FrameWriter
  readonly #streams: Map<number, HostStream>
  /** Request body bytes that the guest still allows. */
  #sendWindow = WINDOW_BYTES
  /** Response body bytes that the guest may still send. */
  #receiveWindow = WINDOW_BYTES
  /** Response body bytes taken by the client since the last credit. */
  #consumed = 0
  /** Response body bytes that wait in the client's connection, for which no credit is given yet. */
  #blocked = false
  #started = false

  constructor(id: number, exchange: Exchange, writer: FrameWriter, streams: Map<number, HostStream>) {
    this.id = id
    this.#exchange = exchange
    this.#writer = writer
    this.#streams = streams
  }

  open(): void {
    const { method, target, scheme, host, clientAddress, headers, bodyBytes } = this.#exchange.head
    const textBytes = method.length + target.length + host.length + clientAddress.length
    const writer = this.#writer
    let at = writer.open(
      FrameType.request,
      bodyBytes === 0 ? FLAG_END : 0,
      this.id,
      REQUEST_FIXED_BYTES + textBytes + headers.length,
    )
    const slab = writer.slab
    slab[at] = method.length
    slab[at + 1] = scheme === "https" ? 1 : 0
    writeUint16(slab, at + 2, target.length)
    writeUint16(slab, at + 4, host.length)
    writeUint16(slab, at + 6, clientAddress.length)
    writeUint32(slab, at + 8, headers.length)
    at = writeLatin1(slab, at + REQUEST_FIXED_BYTES, method)
    at = writeLatin1(slab, at, target)
    at = writeLatin1(slab, at, host)
    at = writeLatin1(slab, at, clientAddress)
    slab.set(headers, at)
    this.#exchange.attach(this)
    if (bodyBytes !== 0) this.#exchange.pull(WINDOW_BYTES)
  }

  // Events of the exchange

  requestBody(chunk: Uint8Array, end: boolean): void {
    this.#sendWindow -= chunk.length
    let at = 0
    while (chunk.length - at > MAX_CHUNK_BYTES) {
      this.#writer.frame(FrameType.body, 0, this.id, chunk.subarray(at, at + MAX_CHUNK_BYTES))
      at += MAX_CHUNK_BYTES
    }
    if (at < chunk.length || end) {
      this.#writer.frame(FrameType.body, end ? FLAG_END : 0, this.id, at === 0 ? chunk : chunk.subarray(at))
    }
  }

  drained(): void {
    this.#blocked = false
    this.#giveCredit()
  }

  left(reason: DisconnectReason): void {
    if (this.#streams.delete(this.id)) this.#sendDisconnect(reason)
  }

  // Frames of the guest

  response(flags: number, payload: FramePayload): void {
    // P7
    if (this.#started) throw violation("P7: a second http.response.start on a stream")
    const { bytes, start, end } = payload
    if (end - start < RESPONSE_FIXED_BYTES) throw violation("P7: a truncated http.response.start")
    const status = readUint16(bytes, start)
    const linesStart = start + RESPONSE_FIXED_BYTES
    const bodyStart = linesStart + readUint32(bytes, start + 4)
    if (bodyStart > end) throw violation("P7: a header block longer than its frame")
    this.#started = true
    this.#takeFromWindow(end - bodyStart)
    const ended = (flags & FLAG_END) !== 0
    if (ended) this.#streams.delete(this.id)
    const body = end > bodyStart ? bytes.subarray(bodyStart, end) : null
    try {
      this.#sent(this.#exchange.respond(status, bytes.subarray(linesStart, bodyStart), body, ended), ended)
    } catch (error) {
      // P14: the head is the app's fault, not the guest's: it costs this exchange alone
      if (this.#streams.delete(this.id)) this.#sendDisconnect("host-stopping")
      this.#exchange.fail(codeOf(error), messageOf(error))
    }
  }

  responseBody(flags: number, payload: FramePayload): void {
    if (!this.#started) throw violation("P7: http.body before http.response.start")
    this.#takeFromWindow(payload.end - payload.start)
    const ended = (flags & FLAG_END) !== 0
    if (ended) this.#streams.delete(this.id)
    this.#sent(this.#exchange.write(payload.bytes.subarray(payload.start, payload.end), ended), ended)
  }

  credit(payload: FramePayload): void {
    // P8
    if (payload.end - payload.start !== 4) throw violation("P8: http.credit without its four bytes")
    const bytes = readUint32(payload.bytes, payload.start)
    this.#sendWindow += bytes
    if (bytes === 0 || this.#sendWindow > WINDOW_BYTES)
      throw violation(`P8: credit for ${bytes} bytes that were not sent`)
    this.#exchange.pull(bytes)
  }

  /** The app gave up on this answer (P10). */
  aborted(message: string): void {
    this.#streams.delete(this.id)
    this.#exchange.fail("APP_ERROR", message || "the app aborted its response")
  }

  /** The channel is gone (P13). */
  fail(code: ClientErrorCode, detail: string): void {
    this.#exchange.fail(code, detail)
  }

  #takeFromWindow(bytes: number): void {
    // P8
    this.#receiveWindow -= bytes
    if (this.#receiveWindow < 0) throw violation("P8: more body bytes than there was credit for")
    this.#consumed += bytes
  }

  #sent(takesMore: boolean, ended: boolean): void {
    if (ended) return
    if (takesMore) this.#giveCredit()
    else this.#blocked = true
  }

  #giveCredit(): void {
    if (this.#blocked || this.#consumed < WINDOW_BYTES / 4 || !this.#streams.has(this.id)) return
    const at = this.#writer.open(FrameType.credit, 0, this.id, 4)
    writeUint32(this.#writer.slab, at, this.#consumed)
    this.#receiveWindow += this.#consumed
    this.#consumed = 0
  }

  #sendDisconnect(reason: DisconnectReason): void {
    const at = this.#writer.open(FrameType.disconnect, 0, this.id, 1)
    this.#writer.slab[at] = CODE_OF_REASON[reason]
  }
}

const CODE_OF_REASON: Readonly<Record<DisconnectReason, number>> = {
  "client-left": DisconnectCode.clientLeft,
  timeout: DisconnectCode.timeout,
  "host-stopping": DisconnectCode.hostStopping,
}

function codeOf(error: unknown): ClientErrorCode {
  return error instanceof PolyhostError && error.code === "APP_RESPONSE_INVALID" ? error.code : "APP_ERROR"
}
