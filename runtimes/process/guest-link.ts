/**
 * How exchanges reach an instance: by its connection (fetch apps) or by its upstream (server apps), and what becomes of
 * them when it ends. Shared by every kind of instance; owns no process.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type { Exchange, Untaken } from "../../protocol/exchange.ts"
import type { HostConnection } from "../../protocol/host-connection.ts"
import type { Exit } from "../runtime.ts"
import type { Upstream } from "./upstream/upstream.ts"

export interface GuestLinkParts {
  readonly connection: HostConnection | null
  readonly upstream: Upstream | null
  /** When the instance has ended. */
  readonly exited: () => Promise<Exit>
}

interface TakenBack {
  readonly untaken: Untaken | undefined
  readonly delivered: Parameters<Untaken>[0]
}

/** How long after its server took no connection, in milliseconds: a process on a busy machine may take its time to end. */
const END_AFTER_REFUSAL_MS = 1000

export class GuestLink {
  readonly #parts: GuestLinkParts

  constructor(parts: GuestLinkParts) {
    this.#parts = parts
  }

  get open(): boolean {
    return this.#parts.connection?.closed !== true
  }

  /** Exchanges on their way. */
  get inFlight(): number {
    const { connection, upstream } = this.#parts
    return upstream?.inFlight ?? connection?.inFlight ?? 0
  }

  silentMs(): number {
    return this.#parts.connection?.silentMs() ?? 0
  }

  heartbeat(): void {
    this.#parts.connection?.ping()
  }

  serve(exchange: Exchange, untaken?: Untaken): void {
    const { upstream, connection } = this.#parts
    if (upstream !== null)
      upstream.serve(exchange, (detail, delivered) => this.#refused(exchange, detail, { untaken, delivered }))
    else connection?.serve(exchange, untaken)
  }

  /** Asks the guest to finish. @returns whether there is one that can say when it has. */
  shutdown(graceMs: number): boolean {
    const { connection, upstream } = this.#parts
    if (connection === null || upstream !== null) return false
    connection.shutdown("the host stops this instance", graceMs)
    return true
  }

  /** `collateral`: the instance ends through no fault of its own, and exchanges that may be given back are. */
  close(reason: string, code: ClientErrorCode, collateral = false): void {
    this.#parts.connection?.close(reason, code, { collateral })
    this.#parts.upstream?.close(reason, code, { collateral })
  }

  /** Its server took no connection. That is how the end of an instance is first seen; else the app closed its server. */
  async #refused(exchange: Exchange, detail: string, { untaken, delivered }: TakenBack): Promise<void> {
    const exit = await Promise.race([this.#parts.exited(), deadline(END_AFTER_REFUSAL_MS)])
    if (exchange.finished) return
    if (exit === undefined || untaken === undefined) exchange.fail("APP_CRASHED", detail)
    else untaken(delivered)
  }
}

/** Resolves with undefined after `ms`; never keeps the process alive. */
export function deadline(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref()
  })
}
