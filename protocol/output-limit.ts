/** OutputLimit: how much output of a guest is passed on in a second; a flood is cut, and one line says how much was dropped. */

const WINDOW_MS = 1000
const MAX_FRAMES = 50_000
const MAX_BYTES = 4 * 1024 * 1024

export class OutputLimit {
  readonly #now: () => number
  #windowStart = Number.NEGATIVE_INFINITY
  #frames = 0
  #bytes = 0
  #dropped = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Counts a frame's bytes; false: drop them. Ask `takeDropped` before. */
  admits(bytes: number): boolean {
    this.#turn()
    this.#frames++
    if (this.#dropped === 0 && this.#frames <= MAX_FRAMES && this.#bytes + bytes <= MAX_BYTES) {
      this.#bytes += bytes
      return true
    }
    this.#dropped += bytes
    return false
  }

  /** Bytes dropped in a flood that is over, once; 0 when there is nothing to say, or not yet unless `atEnd`. */
  takeDropped(atEnd = false): number {
    if (this.#dropped === 0 || (!atEnd && this.#now() - this.#windowStart < WINDOW_MS)) return 0
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }

  #turn(): void {
    const now = this.#now()
    if (now - this.#windowStart < WINDOW_MS) return
    this.#windowStart = now
    this.#frames = 0
    this.#bytes = 0
  }
}
