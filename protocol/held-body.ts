/**
 * HeldBody: response bytes that a stream does not hand on yet: the client takes none for now, or they came in
 * pieces so small that they go out together. The stream's window bounds the bytes; small pieces are copied
 * together here, so that a guest that sends single bytes costs the host those bytes and not an object for each.
 * Owned by `host-stream.ts`.
 */

/** Pieces below this many bytes are copied together. */
export const SMALL_PIECE_BYTES = 1024
const BLOCK_BYTES = 4 * SMALL_PIECE_BYTES

export class HeldBody {
  #pieces: Uint8Array[] = []
  #next = 0
  /** Small pieces after the last of `#pieces`. */
  #block: Uint8Array | null = null
  #blockUsed = 0
  /** The last of `#pieces` is one small piece, not copied yet: most come alone. */
  #lastIsSmall = false

  get empty(): boolean {
    return this.#next === this.#pieces.length && this.#block === null
  }

  /** Keeps `piece`: by reference when it is large. */
  add(piece: Uint8Array): void {
    if (piece.length >= SMALL_PIECE_BYTES) {
      this.#seal()
      this.#pieces.push(piece)
      return
    }
    if (this.#block === null || this.#blockUsed + piece.length > BLOCK_BYTES) {
      const first = this.#lastIsSmall ? this.#pieces.pop() : undefined
      this.#seal()
      if (first === undefined) {
        this.#pieces.push(piece)
        this.#lastIsSmall = true
        return
      }
      this.#block = new Uint8Array(BLOCK_BYTES)
      this.#block.set(first)
      this.#blockUsed = first.length
    }
    this.#block.set(piece, this.#blockUsed)
    this.#blockUsed += piece.length
  }

  /** The oldest piece, or null when there is none. */
  take(): Uint8Array | null {
    this.#seal()
    if (this.#next === this.#pieces.length) return null
    const piece = this.#pieces[this.#next++]!
    if (this.#next === this.#pieces.length) this.clear()
    return piece
  }

  clear(): void {
    this.#pieces = []
    this.#next = 0
    this.#block = null
    this.#lastIsSmall = false
  }

  #seal(): void {
    this.#lastIsSmall = false
    if (this.#block === null) return
    this.#pieces.push(this.#block.subarray(0, this.#blockUsed))
    this.#block = null
  }
}
