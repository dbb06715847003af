/** What an isolate may print: a bucket that fills as fast as a log can be read. Beyond it lines are dropped and counted. */
const BURST_BYTES = 1024 * 1024
const BYTES_A_SECOND = 512 * 1024

export class OutputBudget {
  #left = BURST_BYTES
  #at: number
  #dropped = 0

  constructor(now: number) {
    this.#at = now
  }

  /** The text to pass on, or undefined: it is dropped. */
  take(text: string, now: number): string | undefined {
    this.#left = Math.min(BURST_BYTES, this.#left + ((now - this.#at) / 1000) * BYTES_A_SECOND)
    this.#at = now
    if (text.length > this.#left) {
      this.#dropped++
      return undefined
    }
    this.#left -= text.length
    const note =
      this.#dropped === 0 ? "" : `(${this.#dropped} lines of output were dropped: too many a second)\n`
    this.#dropped = 0
    return note + text
  }
}
