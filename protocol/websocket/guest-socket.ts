/**
 * GuestSocket: one WebSocket connection as the guest sees it. At first it is a request that may be answered like any other
 * (`guest-stream.ts`); once accepted it carries whole messages. Owns the flow control of both directions and what waits to be
 * sent. Counterpart: `host-socket.ts`.
 */
import { readText } from "../control.ts"
import {
  FLAG_END,
  FLAG_TEXT,
  type FramePayload,
  FrameType,
  type FrameWriter,
  MAX_CHUNK_BYTES,
  MAX_CLOSE_REASON_BYTES,
  MESSAGE_COST_BYTES,
  readUint16,
  writeLatin1,
  writeUint16,
  writeUint32,
} from "../frames.ts"
import { type GuestRequestHead, GuestStream } from "../guest-stream.ts"
import { DisconnectCode, SOCKET_ACCEPT_FIXED_BYTES, SOCKET_CLOSE_FIXED_BYTES } from "../messages.ts"
import type { StreamSlots } from "../stream-slots.ts"
import { NO_CLOSE } from "./close-code.ts"
import { MessageQueue } from "./message-queue.ts"

export interface GuestSocketEvents {
  /** A whole message; the receiver owns `bytes`. When it has done its work with it, `consumed(cost)` lets more come. */
  message(isText: boolean, bytes: Uint8Array, cost: number): void
  /** Nothing waits to be sent any more. */
  drained(): void
  /** Once, last. `code`: 1005 where the client gave none, 1006 without its close frame. */
  closed(code: number, reason: string): void
}

export interface AcceptedSocket {
  /** One that the client offers, or "". */
  readonly subprotocol: string
  /** Header lines `name: value\r\n` in Latin-1, of the answer 101. */
  readonly lines: string
}

interface CloseWish {
  readonly code: number
  readonly reason: Uint8Array
}

export class GuestSocket extends GuestStream {
  readonly #writer: FrameWriter
  readonly #streams: StreamSlots<GuestStream>
  #socketEvents: GuestSocketEvents | null = null
  readonly #queue = new MessageQueue()
  /** What has come of a message. */
  #pieces: Uint8Array[] = []
  #close: CloseWish | null = null
  #closeSent = false
  /** Messages had to wait. */
  #stalled = false

  constructor(
    id: number,
    head: GuestRequestHead,
    writer: FrameWriter,
    streams: StreamSlots<GuestStream>,
    windowBytes: number,
  ) {
    super(id, head, writer, streams, windowBytes)
    this.#writer = writer
    this.#streams = streams
  }

  /** Bytes of messages that wait for the client to take them. */
  get bufferedBytes(): number {
    return this.#queue.bytes
  }

  /** The app asked for the end. */
  get closing(): boolean {
    return this.#close !== null
  }

  /** Instead of an answer. False when the client has left meanwhile. */
  accept({ subprotocol, lines }: AcceptedSocket, events: GuestSocketEvents): boolean {
    if (this.done) return false
    this.#socketEvents = events
    this.events = {
      requestBody: () => undefined,
      writable: () => this.#pump(),
      disconnected: () => this.#closed(NO_CLOSE, ""),
    }
    const length = SOCKET_ACCEPT_FIXED_BYTES + subprotocol.length + lines.length
    let at = this.#writer.open(FrameType.socketAccept, 0, this.id, length)
    const { slab } = this.#writer
    writeUint16(slab, at, subprotocol.length)
    writeUint32(slab, at + 2, lines.length)
    at = writeLatin1(slab, at + SOCKET_ACCEPT_FIXED_BYTES, subprotocol)
    writeLatin1(slab, at, lines)
    return true
  }

  /** Keeps `bytes`: do not change them. Nothing happens after `close`. */
  send(isText: boolean, bytes: Uint8Array): void {
    if (this.done || this.#close !== null) return
    this.#queue.add(bytes, isText, true)
    this.#pump()
  }

  /** Asks for the closing handshake, after what waits to be sent. `code` is one that `mayClose` allows, `reason` short enough. */
  close(code: number, reason: Uint8Array): void {
    if (this.done || this.#close !== null) return
    this.#close = { code, reason }
    this.#pump()
  }

  /** Ends the connection without one. */
  terminate(): void {
    if (this.done) return
    this.abort(DisconnectCode.appError, new Uint8Array(0))
    this.#closed(NO_CLOSE, "")
  }

  /** The app is done with messages of this cost. */
  consumed(cost: number): void {
    this.credit(cost)
  }

  // Frames of the host

  message(flags: number, { bytes, start, end }: FramePayload): void {
    const events = this.#socketEvents
    if (this.done || events === null) return
    const piece = bytes.subarray(start, end)
    const cost = MESSAGE_COST_BYTES + piece.length
    if ((flags & FLAG_END) === 0) {
      this.#pieces.push(piece)
      this.credit(cost)
      return
    }
    const isText = (flags & FLAG_TEXT) !== 0
    if (this.#pieces.length === 0) return events.message(isText, piece, cost)
    const pieces = [...this.#pieces, piece]
    this.#pieces = []
    events.message(isText, joined(pieces), cost)
  }

  closedByHost(payload: FramePayload): void {
    if (this.done) return
    this.done = true
    this.#streams.delete(this.id)
    this.#closed(
      readUint16(payload.bytes, payload.start),
      readText(payload, SOCKET_CLOSE_FIXED_BYTES, MAX_CLOSE_REASON_BYTES),
    )
  }

  #pump(): void {
    const queue = this.#queue
    while (!queue.empty && !this.done && this.writable >= queue.leastCost) {
      const { bytes, isText, end } = queue.take(Math.min(MAX_CHUNK_BYTES, this.writable - MESSAGE_COST_BYTES))
      this.writable -= MESSAGE_COST_BYTES + bytes.length
      // P25
      const flags = (end ? FLAG_END : 0) | (isText ? FLAG_TEXT : 0)
      this.#writer.frame(FrameType.socketMessage, flags, this.id, bytes)
    }
    if (this.done) return
    if (!queue.empty) {
      this.#stalled = true
    } else if (this.#close !== null) {
      this.#sendClose(this.#close)
    } else if (this.#stalled) {
      this.#stalled = false
      this.#socketEvents?.drained()
    }
  }

  #sendClose({ code, reason }: CloseWish): void {
    if (this.#closeSent) return
    this.#closeSent = true
    const at = this.#writer.open(FrameType.socketClose, 0, this.id, SOCKET_CLOSE_FIXED_BYTES + reason.length)
    writeUint16(this.#writer.slab, at, code)
    this.#writer.slab.set(reason, at + SOCKET_CLOSE_FIXED_BYTES)
  }

  #closed(code: number, reason: string): void {
    this.#queue.clear()
    this.#pieces = []
    const events = this.#socketEvents
    this.#socketEvents = null
    events?.closed(code, reason)
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
