/**
 * StreamTable: the streams of one HostConnection: issues their ids, finds them, and judges frames on streams that
 * are no more. Holds no exchange longer than its stream lives.
 */
import { readText } from "./control.ts"
import type { ClientErrorCode } from "./errors.ts"
import type { Exchange, Untaken } from "./exchange.ts"
import {
  type FramePayload,
  FrameType,
  type FrameWriter,
  frameName,
  MAX_ABORT_MESSAGE_BYTES,
  violation,
} from "./frames.ts"
import { HostStream, type StreamOwner } from "./host-stream.ts"
import { StreamSlots } from "./stream-slots.ts"
import { HostSocket, type SocketConnect } from "./websocket/host-socket.ts"

type Stream = HostStream | HostSocket

export class StreamTable implements StreamOwner {
  readonly #streams = new StreamSlots<Stream>()
  readonly #small: HostStream[] = []
  #lastId = 0
  /** What may still come on streams that the host gave up: the guest had not heard of it when it sent them. */
  #lateBytes = 0

  get size(): number {
    return this.#streams.size
  }

  open(exchange: Exchange, writer: FrameWriter, untaken: Untaken | null): void {
    // P5
    const id = ++this.#lastId
    const stream = new HostStream(id, { exchange, untaken }, writer, this)
    this.#streams.add(stream)
    stream.open()
  }

  openSocket(connect: SocketConnect, writer: FrameWriter): void {
    // P5
    const id = ++this.#lastId
    const socket = new HostSocket(id, connect, writer, this)
    this.#streams.add(socket)
    socket.open()
  }

  exchangeOf(id: number): Exchange | null {
    return this.#streams.get(id)?.exchange ?? null
  }

  /** A frame of the guest on one of the streams. It is dropped when it is late. */
  frame(type: number, flags: number, id: number, payload: FramePayload): void {
    // P5
    if (type === FrameType.request || type === FrameType.socketConnect)
      throw violation(`P5: ${frameName(type)} from the guest`)
    // P6
    const stream = this.#streams.get(id)
    if (stream === undefined) return this.#late(type, id, payload.end - payload.start)
    if (type === FrameType.body) return stream.responseBody(flags, payload)
    if (type === FrameType.response) return stream.response(flags, payload)
    if (type === FrameType.credit) return stream.credit(payload)
    if (type > FrameType.disconnect) return socketFrame(type, flags, stream, payload)
    // P10
    if (payload.end === payload.start) throw violation("P10: http.disconnect without a reason")
    stream.aborted(payload.bytes[payload.start]!, readText(payload, 1, MAX_ABORT_MESSAGE_BYTES))
  }

  /** Hands on what streams collected from the chunk that was just read. */
  deliverSmall(): void {
    for (const stream of this.#small) stream.deliverSmall()
    this.#small.length = 0
  }

  /** With `collateral` those that another instance can answer are given back instead. */
  failAll(code: ClientErrorCode, detail: string, collateral: boolean): void {
    const streams = this.#streams.takeAll()
    this.#small.length = 0
    for (const stream of streams) stream.fail(code, detail, collateral)
  }

  // Calls of the streams

  release(id: number): boolean {
    return this.#streams.delete(id)
  }

  abandon(id: number, lateBytes: number): boolean {
    const found = this.#streams.delete(id)
    if (found) this.#lateBytes += lateBytes
    return found
  }

  deliverLater(stream: HostStream): void {
    this.#small.push(stream)
  }

  #late(type: number, id: number, bytes: number): void {
    // P6
    if (id === 0 || id > this.#lastId) throw violation(`P6: ${frameName(type)} on stream ${id}, never opened`)
    this.#lateBytes -= type === FrameType.credit || bytes === 0 ? 1 : bytes
    if (this.#lateBytes < 0) throw violation(`P6: ${frameName(type)} on stream ${id}, which has ended`)
  }
}

function socketFrame(type: number, flags: number, stream: Stream, payload: FramePayload): void {
  // P23
  if (!(stream instanceof HostSocket)) throw violation(`P23: ${frameName(type)} on the stream of a request`)
  if (type === FrameType.socketMessage) return stream.guestMessage(flags, payload)
  if (type === FrameType.socketAccept) return stream.accept(payload)
  stream.guestClose(payload)
}
