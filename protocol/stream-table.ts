/**
 * StreamTable: the streams of one HostConnection: issues their ids, finds them, and judges frames on streams that
 * are no more. Holds no exchange longer than its stream lives.
 */
import type { ClientErrorCode } from "./errors.ts"
import type { Exchange, Untaken } from "./exchange.ts"
import { FrameType, type FrameWriter, frameName, violation } from "./frames.ts"
import { HostStream, type StreamOwner } from "./host-stream.ts"
import { StreamSlots } from "./stream-slots.ts"

export class StreamTable implements StreamOwner {
  readonly #streams = new StreamSlots<HostStream>()
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

  exchangeOf(id: number): Exchange | null {
    return this.#streams.get(id)?.exchange ?? null
  }

  /** The stream of a frame, or undefined when the frame is late and to be dropped. */
  find(type: number, id: number, bytes: number): HostStream | undefined {
    const stream = this.#streams.get(id)
    if (stream === undefined) this.#late(type, id, bytes)
    return stream
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
