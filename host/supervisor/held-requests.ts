/** Requests that wait for a certain instance: it must be that one (`sticky.ts`), and those behind them may go past. */
import type { HostExchange } from "../exchange.ts"
import type { Slot } from "./slot.ts"

export class HeldRequests {
  readonly #held = new Map<HostExchange, Slot>()

  get size(): number {
    return this.#held.size
  }

  add(exchange: HostExchange, slot: Slot): void {
    this.#held.set(exchange, slot)
  }

  /** @returns whether it was one of them. */
  delete(exchange: HostExchange): boolean {
    return this.#held.delete(exchange)
  }

  /** Takes out, in order, those that can be placed now: their instance has room, or will take no more. */
  takeReady(concurrency: number): HostExchange[] {
    const places = new Map<Slot, number>()
    const ready: HostExchange[] = []
    for (const [exchange, slot] of this.#held) {
      const room = places.get(slot) ?? concurrency - slot.inFlight
      if (slot.takesRequests && room <= 0) continue
      places.set(slot, room - 1)
      ready.push(exchange)
    }
    for (const exchange of ready) this.#held.delete(exchange)
    return ready
  }

  /** All of them. */
  takeAll(): HostExchange[] {
    const all = [...this.#held.keys()]
    this.#held.clear()
    return all
  }
}
