/**
 * HostSocket: one WebSocket connection of a fetch app on its way through a HostConnection. Before the guest accepts it is a
 * request like any other (`host-stream.ts` has it, and the guest may answer it so); then it carries messages between the end
 * of the WebSocket protocol, which has the exchange from then on, and the guest. Counterpart: `guest-socket.ts`.
 */
import { encodeText, readText } from "../control.ts"
import { type ClientErrorCode, messageOf } from "../errors.ts"
import type { Exchange } from "../exchange.ts"
import {
  FLAG_END,
  FLAG_TEXT,
  type FramePayload,
  FrameType,
  type FrameWriter,
  MAX_CHUNK_BYTES,
  MAX_CLOSE_REASON_BYTES,
  MAX_HEADER_BLOCK_BYTES,
  MAX_PAYLOAD_BYTES,
  MESSAGE_COST_BYTES,
  readLatin1,
  readUint16,
  readUint32,
  violation,
  WINDOW_BYTES,
  writeUint16,
  writeUint32,
} from "../frames.ts"
import { HostStream, type Served, type StreamOwner } from "../host-stream.ts"
import { SOCKET_ACCEPT_FIXED_BYTES, SOCKET_CLOSE_FIXED_BYTES } from "../messages.ts"
import { codeOf, invalid } from "../stream-ends.ts"
import type { WebSocketAcceptor, WebSocketEnd, WebSocketEvents } from "../websocket.ts"
import { INTERNAL_ERROR, mayClose } from "./close-code.ts"
import { MessageQueue } from "./message-queue.ts"

export interface SocketConnect extends Served {
  readonly acceptor: WebSocketAcceptor
}

export class HostSocket implements WebSocketEvents {
  readonly id: number
  readonly exchange: Exchange
  readonly #http: HostStream
  readonly #acceptor: WebSocketAcceptor
  readonly #writer: FrameWriter
  readonly #owner: StreamOwner
  #end: WebSocketEnd | null = null
  #accepted = false
  /** The stream is over, or the client is gone. */
  #over = false
  /** The guest asked for the end. */
  #closing = false
  /** The first piece of a message of the guest is here, the last is not: whether it is text. */
  #unfinished: boolean | null = null
  /** What the guest still allows. */
  #sendWindow = WINDOW_BYTES
  /** What the guest may still send. */
  #receiveWindow = WINDOW_BYTES
  #consumed = 0
  /** The client takes nothing for now: what comes is held, and no credit is given. */
  #blocked = false
  #paused = false
  readonly #toClient = new MessageQueue()
  readonly #toGuest = new MessageQueue()

  constructor(id: number, connect: SocketConnect, writer: FrameWriter, owner: StreamOwner) {
    this.id = id
    this.exchange = connect.exchange
    this.#acceptor = connect.acceptor
    this.#writer = writer
    this.#owner = owner
    this.#http = new HostStream(id, connect, writer, owner)
  }

  open(): void {
    // P23
    this.#http.open(FrameType.socketConnect)
  }

  // Frames of the guest

  response(flags: number, payload: FramePayload): void {
    // P23
    if (this.#accepted) throw violation("P23: http.response.start after websocket.accept")
    this.#http.response(flags, payload)
  }

  responseBody(flags: number, payload: FramePayload): void {
    // P23
    if (this.#accepted) throw violation("P23: http.body after websocket.accept")
    this.#http.responseBody(flags, payload)
  }

  accept({ bytes, start, end }: FramePayload): void {
    // P23
    if (this.#accepted || this.#http.started) throw violation("P23: websocket.accept after an answer")
    // P24
    if (end - start < SOCKET_ACCEPT_FIXED_BYTES) throw violation("P24: a truncated websocket.accept")
    const linesAt = start + SOCKET_ACCEPT_FIXED_BYTES + readUint16(bytes, start)
    if (linesAt + readUint32(bytes, start + 2) !== end)
      throw violation("P24: a websocket.accept whose lengths do not add up")
    const subprotocol = readLatin1(bytes, start + SOCKET_ACCEPT_FIXED_BYTES, linesAt)
    this.#accepted = true
    try {
      if (end - linesAt > MAX_HEADER_BLOCK_BYTES)
        throw invalid(`a header block over ${MAX_HEADER_BLOCK_BYTES} bytes`)
      const socket = this.#acceptor.accept(
        this.exchange,
        { subprotocol, lines: bytes.subarray(linesAt, end) },
        this,
      )
      this.#end = socket
      if (!this.#over && !this.#toGuest.empty) this.#pause()
    } catch (error) {
      // P14: the answer is the app's fault, not the guest's: it costs this exchange alone
      if (this.#over) return
      this.#finish()
      if (this.#owner.abandon(this.id, this.#lateBytes())) this.#http.sendDisconnect("host-stopping")
      this.exchange.fail(codeOf(error), messageOf(error))
    }
  }

  guestMessage(flags: number, { bytes, start, end }: FramePayload): void {
    // P25
    if (!this.#accepted || this.#closing) throw violation("P25: a websocket.message out of turn")
    const isText = (flags & FLAG_TEXT) !== 0
    const last = (flags & FLAG_END) !== 0
    if (this.#unfinished !== null && this.#unfinished !== isText)
      throw violation("P25: a message that is text in parts")
    if (end === start && !last) throw violation("P25: an empty piece of a message that is not the last")
    this.#unfinished = last ? null : isText
    // P26
    const cost = MESSAGE_COST_BYTES + end - start
    this.#receiveWindow -= cost
    if (this.#receiveWindow < 0) throw violation("P26: more of messages than there was credit for")
    if (this.#over) return
    this.#consumed += cost
    if (this.#blocked) {
      this.#toClient.addView(bytes, start, end, { isText, end: last })
      return
    }
    this.#blocked = this.#end?.send(bytes.subarray(start, end), isText, last) === false
    this.#giveCredit()
  }

  guestClose(payload: FramePayload): void {
    // P27
    const bytes = payload.end - payload.start
    if (!this.#accepted || this.#closing || this.#unfinished !== null)
      throw violation("P27: a websocket.close out of turn")
    if (bytes < SOCKET_CLOSE_FIXED_BYTES || bytes > SOCKET_CLOSE_FIXED_BYTES + MAX_CLOSE_REASON_BYTES)
      throw violation(`P27: a websocket.close of ${bytes} bytes`)
    const code = readUint16(payload.bytes, payload.start)
    if (!mayClose(code)) throw violation(`P27: a websocket.close with code ${code}`)
    this.#closing = true
    if (this.#over) return
    // What is held is at most a window: it goes out with the close frame, whose answer the end waits for no longer than it likes.
    this.#blocked = false
    this.#deliver(true)
    this.#end?.close(code, readText(payload, SOCKET_CLOSE_FIXED_BYTES, MAX_CLOSE_REASON_BYTES))
  }

  credit(payload: FramePayload): void {
    if (!this.#accepted) return this.#http.credit(payload)
    // P26
    if (payload.end - payload.start !== 4) throw violation("P26: http.credit without its four bytes")
    const bytes = readUint32(payload.bytes, payload.start)
    this.#sendWindow += bytes
    if (bytes === 0 || this.#sendWindow > WINDOW_BYTES)
      throw violation(`P26: credit for ${bytes} bytes that were not sent`)
    this.#pump()
  }

  /** P10: the guest gives it up. */
  aborted(reason: number, message: string): void {
    if (!this.#accepted) return this.#http.aborted(reason, message)
    this.#owner.release(this.id)
    this.#finish()
    this.#end?.destroy()
  }

  deliverSmall(): void {
    this.#http.deliverSmall()
  }

  /** P13: the channel is gone. */
  fail(code: ClientErrorCode, detail: string, collateral: boolean): void {
    if (!this.#accepted) return this.#http.fail(code, detail, collateral)
    this.#finish()
    this.#end?.close(INTERNAL_ERROR, "")
  }

  // Events of the client's end

  message(isText: boolean, bytes: Uint8Array): void {
    if (this.#over) return
    this.#toGuest.add(bytes, isText, true)
    this.#pump()
  }

  drained(): void {
    this.#blocked = false
    this.#deliver(false)
    this.#giveCredit()
  }

  closed(code: number, reason: string): void {
    if (this.#over) return
    this.#finish()
    if (!this.#owner.abandon(this.id, this.#lateBytes())) return
    // P27
    const text = encodeText(reason).subarray(0, MAX_CLOSE_REASON_BYTES)
    const at = this.#writer.open(FrameType.socketClose, 0, this.id, SOCKET_CLOSE_FIXED_BYTES + text.length)
    writeUint16(this.#writer.slab, at, code)
    this.#writer.slab.set(text, at + SOCKET_CLOSE_FIXED_BYTES)
  }

  /** Hands on what is held, until the client takes no more or `all` of it. */
  #deliver(all: boolean): void {
    while ((all || !this.#blocked) && !this.#over && !this.#toClient.empty) {
      const piece = this.#toClient.take(Number.POSITIVE_INFINITY)
      this.#blocked = this.#end?.send(piece.bytes, piece.isText, piece.end) === false
    }
  }

  #giveCredit(): void {
    if (this.#blocked || this.#over || this.#closing || this.#consumed < WINDOW_BYTES / 4) return
    const at = this.#writer.open(FrameType.credit, 0, this.id, 4)
    writeUint32(this.#writer.slab, at, this.#consumed)
    this.#receiveWindow += this.#consumed
    this.#consumed = 0
  }

  /** Sends the guest what it takes of the client's messages; while it takes none, the client's bytes stay where they are. */
  #pump(): void {
    const queue = this.#toGuest
    while (!queue.empty && this.#sendWindow >= queue.leastCost) {
      const most = Math.min(MAX_CHUNK_BYTES, this.#sendWindow - MESSAGE_COST_BYTES)
      const { bytes, isText, end } = queue.take(most)
      this.#sendWindow -= MESSAGE_COST_BYTES + bytes.length
      // P25
      const flags = (end ? FLAG_END : 0) | (isText ? FLAG_TEXT : 0)
      this.#writer.frame(FrameType.socketMessage, flags, this.id, bytes)
    }
    if (queue.empty) this.#resume()
    else this.#pause()
  }

  #pause(): void {
    if (this.#paused || this.#end === null) return
    this.#paused = true
    this.#end.pause()
  }

  #resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#end?.resume()
  }

  #finish(): void {
    this.#over = true
    this.#toClient.clear()
    this.#toGuest.clear()
  }

  /** P6: what an honest guest may send before it hears of the end: messages, credit, and one last word. */
  #lateBytes(): number {
    return this.#receiveWindow + (WINDOW_BYTES - this.#sendWindow) + MAX_PAYLOAD_BYTES
  }
}
