/**
 * Input: the bytes of a connection that came and were not read yet. They are read where they came; `keep` copies what is left
 * when they are about to change.
 */
import type { BodyReader } from "./body-reader.ts"

/** Pieces of bodies are at most so long: the allocator gives larger ones fresh pages, which cost more than the copy. */
const PIECE_BYTES = 64 * 1024

export class Input {
  /** What waits is `bytes[at, end)`. */
  bytes: Buffer = NO_BYTES
  at = 0
  end = 0
  #isOwn = false
  #head: Buffer = NO_BYTES

  get waiting(): number {
    return this.end - this.at
  }

  /** @returns by how much what waited has moved: add it to positions in `bytes`. */
  add(chunk: Buffer): number {
    const { at, end, waiting } = this
    if (waiting === 0) {
      this.bytes = chunk
      this.at = 0
      this.end = chunk.length
      this.#isOwn = false
      return -at
    }
    const fits = this.#isOwn && end + chunk.length <= this.bytes.length
    if (!fits) this.#copy(2 * (waiting + chunk.length))
    chunk.copy(this.bytes, this.end)
    this.end += chunk.length
    return fits ? 0 : -at
  }

  /** What waits is kept in bytes of its own. @returns as `add`. */
  keep(): number {
    const { at } = this
    if (this.#isOwn || this.waiting === 0) return 0
    this.#copy(this.waiting)
    return -at
  }

  /**
   * The first `length` bytes of what waits, which wait no more: a whole head. It lies in the same place for all requests of
   * the connection, good until the next.
   */
  takeHead(length: number): Buffer {
    let head = this.#head
    if (length > head.length) head = Buffer.allocUnsafeSlow(length > LONGEST_KEPT_HEAD ? length : 2 * length)
    // A connection may stay idle for long after one large head.
    if (length <= LONGEST_KEPT_HEAD) this.#head = head
    this.bytes.copy(head, 0, this.at, this.at + length)
    this.at += length
    return head
  }

  /** A copy of at most `mostBytes` of what waits, which wait no more. */
  take(mostBytes: number): Buffer {
    const length = Math.min(this.waiting, mostBytes, PIECE_BYTES)
    const piece = Buffer.allocUnsafe(length)
    this.bytes.copy(piece, 0, this.at, this.at + length)
    this.at += length
    if (this.waiting === 0) this.clear()
    return piece
  }

  /** No head will be taken for long, or never more. */
  dropHead(): void {
    this.#head = NO_BYTES
  }

  /** Reads on in a body: a copy of what it has among the bytes that wait, at most `mostBytes`, however many chunks that were. */
  takeBody(body: BodyReader, mostBytes: number): Buffer {
    const most = Math.min(this.waiting, mostBytes, PIECE_BYTES)
    const piece = Buffer.allocUnsafe(most)
    let length = 0
    while (this.waiting > 0 && length < most && !body.ended && body.error === "") {
      this.at = body.read(this.bytes, this.at, this.end, most - length)
      length += this.bytes.copy(piece, length, body.pieceStart, body.pieceEnd)
    }
    return piece.subarray(0, length)
  }

  /** Reads on in a body that nobody wants. */
  dropBody(body: BodyReader): void {
    while (this.waiting > 0 && !body.ended && body.error === "")
      this.at = body.read(this.bytes, this.at, this.end, Number.POSITIVE_INFINITY)
  }

  #copy(bytes: number): void {
    const { at, end, waiting } = this
    const own = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, bytes))
    this.bytes.copy(own, 0, at, end)
    this.bytes = own
    this.at = 0
    this.end = waiting
    this.#isOwn = true
  }

  clear(): void {
    this.bytes = NO_BYTES
    this.at = 0
    this.end = 0
    this.#isOwn = false
  }
}

const NO_BYTES = Buffer.alloc(0)
const LEAST_BYTES = 1024
const LONGEST_KEPT_HEAD = 8192
