/**
 * Sockets: the upgraded exchanges of one instance (tunnels, WebSocket connections). They are no requests: they take no place of
 * `concurrency`, but the instance is not idle while it has one. How each ends politely is its handler's (`ExchangeHandler.goAway`).
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type { DisconnectReason, GoAwayCode } from "../../protocol/exchange.ts"

/** Of a HostExchange. */
export interface Upgraded {
  readonly finished: boolean
  goAway(code: GoAwayCode): void
  giveUp(code: ClientErrorCode, detail: string, reason: DisconnectReason): void
}

export class Sockets {
  readonly #open = new Set<Upgraded>()
  /** Set from the beginning of the instance's end: what is upgraded later is told at once. */
  #code: GoAwayCode | null = null

  get size(): number {
    return this.#open.size
  }

  add(exchange: Upgraded): void {
    this.#open.add(exchange)
    // Not from within the app's own answer: who serves the exchange must have seen that it is upgraded.
    if (this.#code !== null) queueMicrotask(() => this.#tell(exchange))
  }

  /** @returns whether it was one of them. */
  delete(exchange: Upgraded): boolean {
    return this.#open.delete(exchange)
  }

  /** The instance is to end: every socket is told so, once. */
  goAway(code: GoAwayCode): void {
    if (this.#code !== null) return
    this.#code = code
    for (const exchange of [...this.#open]) this.#tell(exchange)
  }

  /** Ends now what is still open. */
  cut(detail: string): void {
    for (const exchange of [...this.#open]) exchange.giveUp("APP_UNAVAILABLE", detail, "host-stopping")
  }

  #tell(exchange: Upgraded): void {
    if (!exchange.finished && this.#code !== null) exchange.goAway(this.#code)
  }
}
