/**
 * Deadlines of many exchanges with one timer: all entries of a list have the same duration, so the list is in order
 * and adding and removing cost nothing. The timer runs for the first entry only.
 */
import type { DeadlineEntry, HostExchange } from "../exchange.ts"

export function createDeadlineEntry(): DeadlineEntry {
  return { atMs: 0, previous: null, next: null, exchange: null }
}

export class Deadlines {
  readonly #durationMs: number
  readonly #expired: (exchange: HostExchange) => void
  #first: DeadlineEntry | null = null
  #last: DeadlineEntry | null = null
  #timer: NodeJS.Timeout | null = null
  #count = 0

  /** `durationMs` Infinity: nothing ever expires. */
  constructor(durationMs: number, expired: (exchange: HostExchange) => void) {
    this.#durationMs = durationMs
    this.#expired = expired
  }

  get count(): number {
    return this.#count
  }

  add(entry: DeadlineEntry, exchange: HostExchange, nowMs: number): void {
    if (this.#durationMs === Number.POSITIVE_INFINITY) return
    entry.exchange = exchange
    entry.atMs = nowMs + this.#durationMs
    entry.previous = this.#last
    entry.next = null
    if (this.#last === null) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
    this.#count++
    if (this.#timer === null) this.#arm(this.#durationMs)
  }

  /** Nothing happens when the entry is not in the list. */
  remove(entry: DeadlineEntry): void {
    if (entry.exchange === null) return
    entry.exchange = null
    if (entry.previous === null) this.#first = entry.next
    else entry.previous.next = entry.next
    if (entry.next === null) this.#last = entry.previous
    else entry.next.previous = entry.previous
    entry.previous = null
    entry.next = null
    this.#count--
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #arm(delayMs: number): void {
    // Longest delay of a timer, in milliseconds: 2^31 - 1.
    this.#timer = setTimeout(this.#onTimer, Math.min(Math.ceil(delayMs), 0x7fffffff))
    this.#timer.unref()
  }

  readonly #onTimer = (): void => {
    this.#timer = null
    const nowMs = performance.now()
    while (this.#first !== null && this.#first.atMs <= nowMs) {
      const exchange = this.#first.exchange as HostExchange
      this.remove(this.#first)
      this.#expired(exchange)
    }
    if (this.#first !== null && this.#timer === null) this.#arm(this.#first.atMs - nowMs)
  }
}
