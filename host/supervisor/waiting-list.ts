/** Exchanges that wait for an instance, first come first served, at most `max` of them. Those that ended are skipped. */
import type { HostExchange } from "../exchange.ts"

export class WaitingList {
  readonly #max: number
  #items: HostExchange[] = []
  #head = 0
  #live = 0

  constructor(max: number) {
    this.#max = max
  }

  get length(): number {
    return this.#live
  }

  /** @returns false when the list is full. */
  add(exchange: HostExchange): boolean {
    if (this.#live >= this.#max) return false
    this.#items.push(exchange)
    this.#live++
    return true
  }

  /** The longest waiting one, or undefined. */
  take(): HostExchange | undefined {
    while (this.#head < this.#items.length) {
      const exchange = this.#items[this.#head++] as HostExchange
      if (this.#head > 64 && this.#head * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#head)
        this.#head = 0
      }
      if (exchange.finished) continue
      this.#live--
      return exchange
    }
    this.#items = []
    this.#head = 0
    return undefined
  }

  /** One of the waiting ended by itself: it no longer counts. */
  ended(): void {
    this.#live--
  }
}
