/**
 * Silence: answers and tunnels in progress that may move no byte for too long (`timeouts.stream`). An answer is then cut; a tunnel is
 * asked to end first.
 */
import type { HostExchange } from "../exchange.ts"

/** A tunnel that was silent for too long is given so long to end politely, in milliseconds. */
const LEAVES_MS = 10_000

export class Silence {
  readonly #longestMs: number
  readonly #watched = new Set<HostExchange>()
  /** Tunnels that were asked to end: until when they must have. */
  readonly #leaving = new Map<HostExchange, number>()

  /** Infinity: silence is nobody's fault. */
  constructor(longestMs: number) {
    this.#longestMs = longestMs
  }

  add(exchange: HostExchange): void {
    if (this.#longestMs !== Number.POSITIVE_INFINITY) this.#watched.add(exchange)
  }

  delete(exchange: HostExchange): void {
    this.#watched.delete(exchange)
    this.#leaving.delete(exchange)
  }

  tick(nowMs: number): void {
    for (const exchange of this.#watched) {
      if (exchange.ticket.slot?.inspected || nowMs - exchange.lastActivityMs <= this.#longestMs) continue
      if (exchange.upgraded) {
        this.#watched.delete(exchange)
        this.#leaving.set(exchange, nowMs + LEAVES_MS)
        exchange.goAway(1001)
      } else exchange.giveUp("REQUEST_TIMEOUT", `the answer was silent for ${this.#longestMs} ms`, "timeout")
    }
    for (const [exchange, untilMs] of this.#leaving)
      if (nowMs > untilMs) exchange.giveUp("REQUEST_TIMEOUT", "a silent connection does not end", "timeout")
  }
}
