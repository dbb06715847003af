/** LogLimit: how many log messages of a guest are read in a second; the others are dropped unread, and one line says so. */

const WINDOW_MS = 1000
const MAX_MESSAGES = 10_000
const MAX_BYTES = 4 * 1024 * 1024

export class LogLimit {
  readonly #now: () => number
  #windowStart = Number.NEGATIVE_INFINITY
  #messages = 0
  #bytes = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Counts a message; `first-drop` once in each second that has too many. */
  count(bytes: number): "read" | "first-drop" | "drop" {
    const now = this.#now()
    if (now - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = now
      this.#messages = 0
      this.#bytes = 0
    }
    if (this.#messages > MAX_MESSAGES) return "drop"
    this.#messages++
    this.#bytes += bytes
    if (this.#messages <= MAX_MESSAGES && this.#bytes <= MAX_BYTES) return "read"
    this.#messages = MAX_MESSAGES + 1
    return "first-drop"
  }
}
