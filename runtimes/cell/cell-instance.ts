/**
 * An instance that lives in a cell: the one implementation of Instance for threads and isolates. Joins its stay in the cell with
 * its own connection to its guest, and its upstream where it is a server. Counterparts: the guest, and `inside/run-cell.ts`.
 */
import { type ClientErrorCode, PolyhostError } from "../../protocol/errors.ts"
import type { Exchange, Untaken } from "../../protocol/exchange.ts"
import type { InterfaceName } from "../app-spec.ts"
import { openCellLink } from "../inspect/cell-link.ts"
import { deadline, type GuestLink } from "../process/guest-link.ts"
import type { GuestInstance } from "../process/guest-start.ts"
import type { Verdict } from "../process/upstream/verdict.ts"
import type { Exit, InspectorLink, ResolvedRuntime, Retirement } from "../runtime.ts"
import type { Cell } from "./cell.ts"
import type { Tenancy } from "./tenancy.ts"

export interface CellInstanceParts {
  readonly id: string
  readonly runtime: ResolvedRuntime
  readonly interface: InterfaceName
  readonly cell: Cell
  readonly tenancy: Tenancy
  readonly removeFiles: () => Promise<void>
  /** It ends when its channel does, and runs what its app wants to be run then (`process.on("exit")`). */
  readonly leavesByItself: boolean
  /** For its inspector's sessions: the folder of the host's sockets, and the path in it of the next; null: it was not launched for it. */
  readonly inspector: { readonly runDir: string; readonly nextName: () => string } | null
}

/** How long it may take to leave by itself, in milliseconds. */
const LEAVES_MS = 1000
/** How long after a connection to its server broke the end of its channel shows, when it is the instance that ends, in milliseconds. */
const END_SHOWS_MS = 250
/**
 * How long after its channel ended an instance may take to end by itself, in milliseconds. The end of a cell is seen later,
 * and a thread that is out of memory takes its time to go.
 */
const END_FOLLOWS_MS = 2500

export class CellInstance implements GuestInstance {
  readonly id: string
  readonly pid: number
  readonly runtime: ResolvedRuntime
  readonly interface: InterfaceName
  readonly exited: Promise<Exit>
  readonly retiring: Promise<Retirement>
  readonly #parts: CellInstanceParts
  readonly #link: GuestLink
  #expected = false
  #gone = false
  #reason: string | undefined
  #code: ClientErrorCode = "APP_CRASHED"
  #stopping: Promise<Exit> | undefined
  #shutdownComplete: (() => void) | undefined
  /** Lets the connection know that its channel has ended. */
  #finishes: (() => void)[] = []
  /** Its channel has ended. */
  readonly #leaving: Promise<void>
  #left!: () => void

  /** `makeLink` makes what exchanges go through, which may ask why the instance ends. */
  constructor(parts: CellInstanceParts, makeLink: (instance: CellInstance) => GuestLink) {
    this.#parts = parts
    this.#leaving = new Promise((resolve) => {
      this.#left = resolve
    })
    this.id = parts.id
    this.pid = parts.cell.pid
    this.runtime = parts.runtime
    this.interface = parts.interface
    this.retiring = parts.tenancy.retiring
    this.exited = this.#watchEnd()
    this.#link = makeLink(this)
    parts.tenancy.inFlight = () => this.#link.inFlight
    parts.tenancy.isReady = true
  }

  get usable(): boolean {
    return !this.#gone && !this.#parts.tenancy.over && this.#link.open
  }

  silentMs(): number {
    return this.#link.silentMs()
  }

  heartbeat(): void {
    this.#link.heartbeat()
  }

  serve(exchange: Exchange, untaken?: Untaken): void {
    this.#link.serve(exchange, untaken)
  }

  stop(options: { graceMs: number; killMs: number }): Promise<Exit> {
    this.#stopping ??= this.#stop(options)
    return this.#stopping
  }

  kill(reason: string, code: ClientErrorCode = "APP_CRASHED"): void {
    const { cell, tenancy } = this.#parts
    const computes = code === "APP_WEDGED" && tenancy.isBusy
    const cause = computes ? "APP_CPU_LIMIT" : code
    const why = computes ? `${reason}: it computes, and no end is near (limits.cpu)` : reason
    this.#gone = true
    this.#reason ??= why
    this.#code = cause
    this.#disconnect(false)
    cell.evict(tenancy, why, cause)
  }

  async openInspector(): Promise<InspectorLink> {
    const { inspector, cell, tenancy } = this.#parts
    if (inspector === null) {
      throw new PolyhostError("RUNTIME_INSPECTOR_AT_START", "its inspector has to be made with it")
    }
    return openCellLink({
      runDir: inspector.runDir,
      name: inspector.nextName(),
      order: (order) => cell.inspect(tenancy, order),
      gone: tenancy.ended,
    })
  }

  /** Why its connections break, once that is known; undefined: not because the instance ends. */
  async verdict(): Promise<Verdict | undefined> {
    await Promise.race([this.#leaving, this.exited, deadline(END_SHOWS_MS)])
    if (!this.#gone && !this.#parts.tenancy.over) return undefined
    const { reason, cause, collateral } = await this.exited
    return { reason, code: cause, collateral }
  }

  // Events of the connection

  channelEnded(_reason: string, finish: () => void): void {
    this.#gone = true
    this.#left()
    this.#finishes.push(finish)
    if (this.#parts.tenancy.over || this.#reason !== undefined) return this.#finish()
    const timer = setTimeout(() => this.kill("the app closed its channel to the host"), END_FOLLOWS_MS)
    this.exited.then(() => clearTimeout(timer))
  }

  connectionClosed(reason: string, violation: boolean): void {
    this.#gone = true
    if (this.#parts.tenancy.over) return
    // A guest that broke the protocol is not to be trusted, and one that lives on without its channel is of no use.
    if (violation) this.kill(reason, "APP_PROTOCOL_ERROR")
  }

  shutdownComplete(): void {
    this.#shutdownComplete?.()
  }

  async #stop({ graceMs, killMs }: { graceMs: number; killMs: number }): Promise<Exit> {
    this.#expected = true
    const complete = new Promise<void>((resolve) => {
      this.#shutdownComplete = resolve
    })
    if (this.#link.shutdown(graceMs)) await Promise.race([complete, this.exited, deadline(graceMs + killMs)])
    if (this.#parts.leavesByItself) {
      this.#gone = true
      this.#reason ??= "the host stopped it"
      this.#disconnect(false)
      await Promise.race([this.exited, deadline(Math.min(killMs, LEAVES_MS))])
    }
    this.kill("the host stopped it")
    return this.exited
  }

  async #watchEnd(): Promise<Exit> {
    const end = await this.#parts.tenancy.ended
    const reason = this.#reason ?? end.reason
    if (this.#reason === undefined) this.#code = end.code
    this.#reason = reason
    this.#disconnect(end.collateral && !this.#expected)
    await this.#parts.removeFiles()
    return {
      expected: this.#expected,
      reason,
      cause: this.#code,
      collateral: end.collateral,
      code: end.exitCode,
      signal: end.signal,
    }
  }

  #disconnect(collateral: boolean): void {
    this.#link.close(this.#reason ?? "the instance ended", this.#code, collateral)
    this.#finish()
  }

  #finish(): void {
    for (const finish of this.#finishes.splice(0)) finish()
  }
}
