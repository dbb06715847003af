/** The next try of an app that failed: when it comes, and how often it has failed. Owns the timer. */
import { type Backoff, createBackoff, DEFAULT_BACKOFF } from "./backoff.ts"

export class Retry {
  readonly #again: () => void
  readonly #backoff: Backoff = createBackoff(DEFAULT_BACKOFF)
  #timer: NodeJS.Timeout | null = null
  #atMs = 0
  #delayMs = 0

  /** `again` is called when the time has come. */
  constructor(again: () => void) {
    this.#again = again
  }

  get pending(): boolean {
    return this.#timer !== null
  }

  /** Failures in a row. */
  get failures(): number {
    return this.#backoff.failures
  }

  /** From the last failure to the next try, in milliseconds. */
  get delayMs(): number {
    return this.#delayMs
  }

  /** Until the next try, at least 1; for Retry-After. */
  get seconds(): number {
    return this.pending ? Math.max(1, Math.ceil((this.#atMs - performance.now()) / 1000)) : 1
  }

  /** Counts a failure after `servedMs` of service and plans the next try, `leastMs` from now or later. Several at once are one. */
  failed(servedMs: number, leastMs = 0): void {
    if (this.pending) return
    this.#delayMs = leastMs + this.#backoff.failed(servedMs)
    this.#atMs = performance.now() + this.#delayMs
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#again()
    }, this.#delayMs)
  }

  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  reset(): void {
    this.cancel()
    this.#backoff.reset()
  }
}
