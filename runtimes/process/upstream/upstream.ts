/**
 * Answers exchanges by HTTP/1.1 to a server app: over kept-alive connections to its private unix socket (or a loopback
 * port). The app's real server parses the request, so it sees what it would see behind any proxy.
 * Owns those connections and who uses which; what happens on one is `connection.ts` and `upstream-exchange.ts`.
 */
import type { ClientErrorCode } from "../../../protocol/errors.ts"
import type { Exchange } from "../../../protocol/exchange.ts"
import type { UpstreamAddress } from "./address.ts"
import { Connection, type ConnectionOwner, type ConnectionUser } from "./connection.ts"
import { RequestWriter } from "./request-writer.ts"
import { type Refused, UpstreamExchange, type UpstreamExchangeOwner } from "./upstream-exchange.ts"
import type { Verdict } from "./verdict.ts"

const MOST_IDLE = 256
/** An answer of 64 KiB with its head is one read. */
const READ_BYTES = 128 * 1024

export interface Upstream {
  readonly inFlight: number
  /** `refused` is called instead of a failure when the server took no connection and nothing of the exchange. */
  serve(exchange: Exchange, refused?: Refused): void
  /** Ends every connection; exchanges in flight fail with `code`. `collateral`: those that may be given back are refused instead. */
  close(reason: string, code: ClientErrorCode, options?: { collateral?: boolean }): void
}

export function createUpstream(address: UpstreamAddress, options: UpstreamOptions = {}): Upstream {
  return new ConnectionPool(address, options)
}

export interface UpstreamOptions {
  /** Why the server's connections break, where that is not known at once: what broke waits for it. Undefined: the server did it. */
  readonly verdict?: () => Promise<Verdict | undefined>
}

class ConnectionPool implements Upstream, ConnectionOwner, UpstreamExchangeOwner {
  readonly address: UpstreamAddress
  readonly writer = new RequestWriter()
  readonly verdict: (() => Promise<Verdict | undefined>) | undefined
  inFlight = 0
  #readBlock: Uint8Array | null = null
  /** The last that became idle is the first to be used again: the others may go. */
  readonly #idle: Connection[] = []
  #reading = false
  /** Exchanges that came while answers were handed on: they start right after. */
  readonly #next: UpstreamExchange[] = []
  readonly #all = new Set<Connection>()
  #closed: { reason: string; code: ClientErrorCode } | undefined

  constructor(address: UpstreamAddress, { verdict }: UpstreamOptions) {
    this.address = address
    this.verdict = verdict
  }

  get readBlock(): Uint8Array {
    this.#readBlock ??= Buffer.allocUnsafeSlow(READ_BYTES)
    return this.#readBlock
  }

  serve(exchange: Exchange, refused?: Refused): void {
    if (this.#closed !== undefined) {
      exchange.fail(this.#closed.code, this.#closed.reason)
      return
    }
    this.inFlight++
    const served = new UpstreamExchange(exchange, this, refused)
    // The end of one exchange is where a queue hands over the next: it gets the connection that becomes free just now.
    if (this.#reading) this.#next.push(served)
    else served.start()
  }

  close(reason: string, code: ClientErrorCode, { collateral = false } = {}): void {
    this.#closed ??= { reason, code }
    for (const exchange of this.#next.splice(0)) exchange.end({ code, reason, collateral })
    for (const connection of [...this.#all]) connection.end({ code, reason, collateral })
  }

  // For exchanges

  connection(user: ConnectionUser, fresh: boolean): Connection {
    while (!fresh) {
      const idle = this.#idle.pop()
      if (idle === undefined) break
      if (idle.usable) {
        idle.use(user)
        return idle
      }
      idle.destroy()
    }
    const connection = new Connection(this, user)
    this.#all.add(connection)
    return connection
  }

  finished(): void {
    this.inFlight--
  }

  // For connections

  reading(now: boolean): void {
    this.#reading = now
    if (!now && this.#next.length > 0) for (const exchange of this.#next.splice(0)) exchange.start()
  }

  released(connection: Connection): void {
    if (this.#idle.length < MOST_IDLE) this.#idle.push(connection)
    else connection.destroy()
  }

  closed(connection: Connection): void {
    this.#all.delete(connection)
    const at = this.#idle.lastIndexOf(connection)
    if (at !== -1) this.#idle.splice(at, 1)
  }
}
