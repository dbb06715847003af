/** Messages that wait to be sent, and pieces of them as credit allows. Used by both ends of a socket's stream. */
import { MESSAGE_COST_BYTES } from "../frames.ts"

export interface MessagePiece {
  readonly bytes: Uint8Array
  readonly isText: boolean
  /** The message, or what was added of it, ends with this piece. */
  readonly end: boolean
}

/** Shorter pieces are copied, so that what they were read with need not be kept. */
const COPY_BELOW_BYTES = 4096

export class MessageQueue {
  #pieces: MessagePiece[] = []
  #next = 0
  /** Of the first piece. */
  #taken = 0
  /** Bytes that wait. */
  bytes = 0

  get empty(): boolean {
    return this.#next === this.#pieces.length
  }

  /** Credit without which not even a part of the first piece can go. */
  get leastCost(): number {
    const first = this.#pieces[this.#next]
    return MESSAGE_COST_BYTES + (first === undefined || first.bytes.length === 0 ? 0 : 1)
  }

  /** Keeps `bytes`. */
  add(bytes: Uint8Array, isText: boolean, end: boolean): void {
    this.#pieces.push({ bytes, isText, end })
    this.bytes += bytes.length
  }

  /** Keeps `bytes[start, end)`, which lie among others. */
  addView(bytes: Uint8Array, start: number, end: number, flags: Omit<MessagePiece, "bytes">): void {
    const isShort = end - start < COPY_BELOW_BYTES
    this.add(isShort ? bytes.slice(start, end) : bytes.subarray(start, end), flags.isText, flags.end)
  }

  /** The first piece, or `most` bytes of it. Not of an empty queue. */
  take(most: number): MessagePiece {
    const first = this.#pieces[this.#next] as MessagePiece
    const left = first.bytes.length - this.#taken
    if (left > most) {
      const bytes = first.bytes.subarray(this.#taken, this.#taken + most)
      this.#taken += most
      this.bytes -= most
      return { bytes, isText: first.isText, end: false }
    }
    const bytes = this.#taken === 0 ? first.bytes : first.bytes.subarray(this.#taken)
    this.bytes -= left
    this.#taken = 0
    this.#next++
    if (this.empty) this.clear()
    // A long queue is not to keep what it has sent.
    else if (this.#next >= 1024) {
      this.#pieces = this.#pieces.slice(this.#next)
      this.#next = 0
    }
    return { bytes, isText: first.isText, end: first.end }
  }

  clear(): void {
    this.#pieces = []
    this.#next = 0
    this.#taken = 0
    this.bytes = 0
  }
}
