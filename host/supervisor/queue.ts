/** Queue: the requests of an app that wait, for any of its instances or for a certain one, with their deadlines. */
import type { AppSpec } from "../../runtimes/app-spec.ts"
import type { HostExchange } from "../exchange.ts"
import { createDeadlineEntry, Deadlines } from "./deadlines.ts"
import { HeldRequests } from "./held-requests.ts"
import type { Slot } from "./slot.ts"
import { WaitingList } from "./waiting-list.ts"

export class Queue {
  readonly #max: number
  readonly #any: WaitingList
  readonly #held = new HeldRequests()
  readonly #deadlines: Deadlines
  #emptied: (() => void) | null = null

  constructor({ queue, timeouts }: AppSpec) {
    this.#max = queue.max
    this.#any = new WaitingList(queue.max)
    this.#deadlines = new Deadlines(timeouts.queueMs, (exchange) =>
      exchange.giveUp("QUEUE_TIMEOUT", `no free instance within ${timeouts.queueMs} ms`, "timeout"),
    )
  }

  get length(): number {
    return this.#any.length + this.#held.size
  }

  /** Some wait for whichever instance has room first. */
  get hasAny(): boolean {
    return this.#any.length > 0
  }

  /** `own`: no other instance will do. @returns false when the queue is full. */
  add(exchange: HostExchange, own: Slot | null): boolean {
    if (this.length >= this.#max) return false
    if (own === null) this.#any.add(exchange)
    else this.#held.add(exchange, own)
    exchange.ticket.queue = createDeadlineEntry()
    this.#deadlines.add(exchange.ticket.queue, exchange, performance.now())
    return true
  }

  /** The longest waiting one of those that any instance may have. */
  take(): HostExchange | undefined {
    const exchange = this.#any.take()
    if (exchange !== undefined) this.#leave(exchange)
    return exchange
  }

  /** Those that wait for a certain instance which has room now, or will take no more. */
  takeHeld(concurrency: number): readonly HostExchange[] {
    if (this.#held.size === 0) return NONE
    const ready = this.#held.takeReady(concurrency)
    for (const exchange of ready) this.#leave(exchange)
    return ready
  }

  takeAll(): HostExchange[] {
    const all = this.#held.takeAll()
    for (const exchange of all) this.#leave(exchange)
    for (let it = this.take(); it !== undefined; it = this.take()) all.push(it)
    return all
  }

  /** An exchange has ended, which may have been waiting. */
  ended(exchange: HostExchange): void {
    if (exchange.ticket.queue !== null) {
      this.#leave(exchange)
      if (!this.#held.delete(exchange)) this.#any.ended()
    }
    if (this.length === 0) this.#emptied?.()
  }

  /** Resolves when every one of them was taken and has ended, or has left. */
  emptied(): Promise<void> {
    return new Promise((resolve) => {
      this.#emptied = resolve
    })
  }

  close(): void {
    this.#deadlines.close()
  }

  #leave(exchange: HostExchange): void {
    if (exchange.ticket.queue !== null) this.#deadlines.remove(exchange.ticket.queue)
    exchange.ticket.queue = null
  }
}

const NONE: readonly HostExchange[] = []
