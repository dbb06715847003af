/**
 * LineBlock: which parts of a request's bytes make the header block that the app gets: the lines that pass, as they came, with
 * one space after the colon and none at the end. Owns positions only; nothing is copied before `write`.
 */
import { SP } from "../../../protocol/http1/syntax.ts"

export class LineBlock {
  /** Pairs start, end; a start of -1 stands for one space. */
  #parts = new Int32Array(64)
  #used = 0
  /** Start of the run of passing lines that is not in `#parts` yet, or -1. */
  #runAt = -1
  byteLength = 0

  clear(): void {
    if (this.#parts.length > MOST_KEPT_PARTS) this.#parts = new Int32Array(64)
    this.#used = 0
    this.#runAt = -1
    this.byteLength = 0
  }

  /** The line that starts at `at` passes as it is. */
  pass(at: number): void {
    if (this.#runAt === -1) this.#runAt = at
  }

  /** The line that starts at `at` does not pass. */
  drop(at: number): void {
    if (this.#runAt !== -1) this.#add(this.#runAt, at)
    this.#runAt = -1
  }

  /** The line `bytes[at, next)` passes without the spaces around its value. */
  trim(line: { at: number; nameEnd: number; valueStart: number; valueEnd: number; next: number }): void {
    this.drop(line.at)
    this.#add(line.at, line.nameEnd + 1)
    this.#add(-1, 0)
    this.#add(line.valueStart, line.valueEnd)
    this.#add(line.next - 2, line.next)
  }

  /** The last line ended at `at`. */
  finish(at: number): void {
    this.drop(at)
  }

  /** The positions refer to bytes that were moved by `by`. */
  shift(by: number): void {
    for (let i = 0; i < this.#used; i += 2) {
      if (this.#parts[i] === -1) continue
      this.#parts[i]! += by
      this.#parts[i + 1]! += by
    }
    if (this.#runAt !== -1) this.#runAt += by
  }

  /** Copies the block from `bytes` into `into` at `at`, and returns the position after it. */
  write(bytes: Buffer, into: Uint8Array, at: number): number {
    let to = at
    for (let i = 0; i < this.#used; i += 2) {
      const start = this.#parts[i]!
      if (start === -1) into[to++] = SP
      else to += copy(bytes, into, { to, start, end: this.#parts[i + 1]! })
    }
    return to
  }

  #add(start: number, end: number): void {
    if (start === end) return
    if (this.#used === this.#parts.length) {
      const grown = new Int32Array(2 * this.#parts.length)
      grown.set(this.#parts)
      this.#parts = grown
    }
    this.#parts[this.#used++] = start
    this.#parts[this.#used++] = end
    this.byteLength += start === -1 ? 1 : end - start
  }
}

/** Beyond these they are for one request only. */
const MOST_KEPT_PARTS = 512

/** Copies of a few bytes are quicker without a call. */
const COPY_IN_PLACE_BELOW = 24

function copy(
  bytes: Buffer,
  into: Uint8Array,
  { to, start, end }: { to: number; start: number; end: number },
): number {
  const length = end - start
  if (length < COPY_IN_PLACE_BELOW) for (let i = 0; i < length; i++) into[to + i] = bytes[start + i]!
  else bytes.copy(into, to, start, end)
  return length
}
