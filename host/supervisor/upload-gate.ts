/**
 * UploadGate: keeps clients that send their bodies slowly from taking every place of an app. A request may have its place while
 * its body still comes, as a stream must; but such requests together take half of the places at most. The others wait here, at
 * no cost to the app, until enough of their bodies has come, a place is free, or the listener gives up on them (408).
 */
import type { HostExchange } from "../exchange.ts"

/** A body of which so much is here is taken to be coming, in bytes; one that is whole is here anyway. */
const COMING_BYTES = 64 * 1024
/** Requests that wait: their bodies lie in the host's memory. */
const MOST_OUTSIDE = 1000

export class UploadGate {
  readonly #places: number
  readonly #enter: (exchange: HostExchange) => void
  #inside = 0
  readonly #outside = new Set<HostExchange>()

  /** `places`: requests that the app can have in flight. `enter` is called for each that has waited. */
  constructor(places: number, enter: (exchange: HostExchange) => void) {
    this.#places = Math.max(1, Math.floor(places / 2))
    this.#enter = enter
  }

  /** Lets a request whose body is still coming in, or has it wait, or refuses it. @returns whether it is in. */
  admit(exchange: HostExchange): boolean {
    if (this.#inside < this.#places) {
      this.#inside++
      exchange.ticket.uploads = true
      return true
    }
    if (this.#outside.size === MOST_OUTSIDE) {
      exchange.fail("QUEUE_FULL", `${MOST_OUTSIDE} requests wait for their bodies already`)
      return false
    }
    this.#outside.add(exchange)
    exchange.readAhead(COMING_BYTES)
    return false
  }

  /** The body of an exchange is whole, or as much of it is here as was to be read ahead. */
  bodyArrived(exchange: HostExchange): void {
    if (this.#outside.delete(exchange)) this.#enter(exchange)
    else this.#leave(exchange)
  }

  ended(exchange: HostExchange): void {
    if (!this.#outside.delete(exchange)) this.#leave(exchange)
  }

  #leave(exchange: HostExchange): void {
    if (!exchange.ticket.uploads) return
    exchange.ticket.uploads = false
    this.#inside--
    const [next] = this.#outside
    if (next === undefined) return
    this.#outside.delete(next)
    this.#inside++
    next.ticket.uploads = true
    this.#enter(next)
  }
}
