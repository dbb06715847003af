/**
 * Cell: one child process that holds instances, as the host sees it. Starts it, gives it orders, watches its loop, and says who is to
 * blame when it has to go. Which instance goes where is `cell-pool.ts`. Counterpart: `inside/run-cell.ts`.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type { InspectOrder } from "../inspect/cell-link.ts"
import { type Child, type ChildExit, startChild } from "../process/child.ts"
import type { Launchpad } from "../process/launchpad.ts"
import type { OutputSink } from "../runtime.ts"
import type { CellControl, CellEndpoint } from "./cell-endpoint.ts"
import {
  CELL_VARIABLE,
  type CellConfig,
  type CellToHost,
  type HostToCell,
  KILL_MS,
  type StartOrder,
} from "./cell-messages.ts"
import { reportFlags, takeReport } from "./fatal-report.ts"
import type { Tenancy } from "./tenancy.ts"
import { blame, suspectsAmong } from "./verdict.ts"

export interface CellParts {
  readonly launchpad: Launchpad
  readonly endpoint: CellEndpoint
  /** Program to run, its own arguments and the cell's program: `node`, `--flag`, `thread.mjs`. */
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly events: CellEvents
}

export interface CellEvents {
  /** An instance of the app brought its cell down, or had to be given up with it. */
  struck(app: string): void
  /** These shall be alone at their next start: they may bring another cell down. */
  suspected(apps: readonly string[]): void
  ended(): void
}

/** How much longer than the cell itself the host waits for an end that it ordered, in milliseconds. */
const KILL_MARGIN_MS = 500
const TAIL_LINES = 40
/** A cell that nobody lives in. */
const DEFAULT_WEDGE_MS = 5000

export class Cell {
  readonly tenants = new Map<string, Tenancy>()
  readonly #parts: CellParts
  readonly #child: Child
  readonly #reportName: string
  readonly #tail: string[] = []
  #control: CellControl | null = null
  /** Orders for a cell that has not connected yet. */
  #orders: HostToCell[] = []
  /** NaN while no ping is unanswered. */
  #pingSentAt = Number.NaN
  #poison: { readonly reason: string; readonly code: ClientErrorCode } | null = null
  #deadline: NodeJS.Timeout | null = null
  /** Why the host killed it. */
  #killed: string | null = null
  readonly exited: Promise<void>

  private constructor(parts: CellParts, child: Child, reportName: string) {
    this.#parts = parts
    this.#reportName = reportName
    this.#child = child
    this.exited = child.exited.then((exit) => this.#ended(exit))
  }

  /** @throws PolyhostError RUNTIME_SPAWN_FAILED */
  static async start(parts: CellParts): Promise<Cell> {
    let cell: Cell | undefined
    const expectation = parts.endpoint.expect((control) => {
      if (cell === undefined) control.close()
      else cell.connected(control)
      return {
        message: (message) => cell?.hear(message),
        broken: (why) => cell?.kill(`the cell broke its protocol: ${why}`),
      }
    })
    const config: CellConfig = {
      control: parts.endpoint.path,
      token: expectation.token,
      guestFile: parts.launchpad.guestFile,
    }
    const reportName = `${parts.launchpad.nextPrefix()}report.json`
    try {
      const child = await startChild({
        file: parts.file,
        args: [...reportFlags(parts.launchpad.runDir, reportName), ...parts.args],
        cwd: parts.cwd,
        env: { ...parts.env, [CELL_VARIABLE]: JSON.stringify(config) },
        output: {
          line: (...line) => cell?.sink.line(...line) ?? true,
          onDrain: (resume) => cell?.sink.onDrain(resume),
        },
        watchdog: parts.launchpad.watchdog,
      })
      cell = new Cell(parts, child, reportName)
      child.exited.then(() => expectation.cancel())
      return cell
    } catch (error) {
      expectation.cancel()
      throw error
    }
  }

  get pid(): number {
    return this.#child.pid
  }

  /** It takes new instances. */
  get usable(): boolean {
    return this.#child.alive && this.#poison === null && this.#killed === null
  }

  /** What its process itself prints: for each app in it. */
  get sink(): OutputSink {
    return {
      line: (stream, text) => {
        this.#tail.push(text)
        if (this.#tail.length > TAIL_LINES) this.#tail.shift()
        let open = true
        for (const tenant of this.#oneAnApp()) open = tenant.output.line(stream, text) && open
        return open
      },
      onDrain: (resume) => {
        const [first] = this.tenants.values()
        if (first === undefined) resume()
        else first.output.onDrain(resume)
      },
    }
  }

  admit(order: StartOrder, tenant: Tenancy): void {
    this.tenants.set(tenant.id, tenant)
    tenant.ended.then(() => this.#left(tenant))
    if (!this.#child.alive) tenant.end({ ...GONE, reason: "the cell ended", collateral: true, signal: null })
    else this.#send(order)
  }

  /** Asks it for a session with an instance's inspector. */
  inspect(tenant: Tenancy, order: InspectOrder): void {
    this.#send({ type: "inspect", id: tenant.id, ...order })
  }

  /** Ends one instance, or the whole cell when that cannot be done. */
  evict(tenant: Tenancy, reason: string, code: ClientErrorCode): void {
    if (tenant.over) return
    this.#send({ type: "kill", id: tenant.id, reason })
    const timer = setTimeout(
      () => this.#poisoned(tenant, `${reason}; its cell did not end it`, code),
      KILL_MS + KILL_MARGIN_MS,
    )
    timer.unref()
    tenant.ended.then(() => clearTimeout(timer))
  }

  /** Ends the process now. */
  kill(reason: string): void {
    this.#killed ??= reason
    this.#child.signal("SIGKILL")
  }

  /** Sends a heartbeat, or kills it when the last was not answered in time. */
  watch(nowMs: number): void {
    if (this.#control === null || !this.#child.alive) return
    if (Number.isNaN(this.#pingSentAt)) {
      this.#pingSentAt = nowMs
      this.#control.send({ type: "ping" })
      return
    }
    let wedgeMs = this.tenants.size === 0 ? DEFAULT_WEDGE_MS : 0
    for (const tenant of this.tenants.values()) wedgeMs = Math.max(wedgeMs, tenant.wedgeMs)
    if (nowMs - this.#pingSentAt > wedgeMs)
      this.kill(`the loop of its cell has not answered for ${wedgeMs} ms`)
  }

  connected(control: CellControl): void {
    this.#control = control
    for (const order of this.#orders) control.send(order)
    this.#orders = []
  }

  #send(message: HostToCell): void {
    if (this.#control === null) this.#orders.push(message)
    else this.#control.send(message)
  }

  /** What the cell said. */
  hear(message: CellToHost): void {
    if (message.type === "pong") {
      this.#pingSentAt = Number.NaN
      return
    }
    if (message.type === "hello") return
    const tenant = message.id === null ? undefined : this.tenants.get(message.id)
    if (message.type === "poisoned") return this.#poisoned(tenant ?? null, message.reason, message.code)
    if (tenant === undefined) return
    if (message.type === "thread") tenant.threadId = message.threadId
    else if (message.type === "output") tenant.print(message.stream, message.text)
    else if (message.type === "busy") tenant.isBusy = message.isBusy
    else if (message.type === "retire") tenant.retire(message.reason, message.code)
    else {
      const { reason, code, exitCode } = message
      tenant.end({ reason, code, exitCode, collateral: false, signal: null })
    }
  }

  /** The culprit is given up at once; its neighbours are replaced while they still serve; then the process is killed. */
  #poisoned(culprit: Tenancy | null, reason: string, code: ClientErrorCode): void {
    // One of many: kept apart they show which, or at least harm nobody.
    if (culprit === null && this.#poison === null && this.#apps().size > 1)
      this.#parts.events.suspected(suspectsAmong([...this.tenants.values()]).map((it) => it.app))
    this.#poison ??= { reason, code }
    if (culprit !== null && !culprit.over) {
      this.#strike(culprit)
      culprit.end({ reason, code, exitCode: null, collateral: false, signal: null })
    }
    let longestMs = 0
    for (const tenant of this.tenants.values()) {
      if (tenant.over) continue
      longestMs = Math.max(longestMs, tenant.replacedWithinMs)
      const alone = culprit === null && this.#apps().size === 1
      tenant.retire(`its cell is replaced: ${reason}`, alone ? code : null)
    }
    if (this.#deadline !== null) return
    this.#deadline = setTimeout(() => this.kill(reason), Math.min(longestMs, 0x7fffffff))
  }

  #strike({ app, isReady }: Tenancy): void {
    this.#parts.events.struck(app)
    // It is tried again without anybody asking for it, and would take the next cell along.
    if (!isReady) this.#parts.events.suspected([app])
  }

  #left(tenant: Tenancy): void {
    this.tenants.delete(tenant.id)
    if (this.tenants.size === 0 && this.#poison !== null) this.kill(this.#poison.reason)
  }

  #ended(exit: ChildExit): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline)
    this.#control?.close()
    const tenants = [...this.tenants.values()].filter((it) => !it.over)
    const report = takeReport(this.#parts.launchpad.runDir, this.#reportName)
    const reason = this.#killed ?? `its cell ended: ${exit.reason}`
    const { culprit, suspects, code } = blame(tenants, {
      exit,
      lastLines: this.#tail,
      report,
      // The one that it was poisoned by is gone, if it was known.
      guess: this.#poison === null,
    })
    if (culprit !== null) this.#strike(culprit)
    else if (suspects.length > 0) this.#parts.events.suspected(suspects.map((it) => it.app))
    for (const tenant of tenants) {
      const collateral = culprit === null || tenant.app !== culprit.app
      const why = collateral ? `${reason} (another instance in it may be the cause)` : reason
      tenant.end({
        reason: why,
        code: collateral ? "APP_CRASHED" : code,
        exitCode: exit.code,
        collateral,
        signal: exit.signal,
      })
    }
    this.#parts.events.ended()
  }

  #apps(): Set<string> {
    return new Set([...this.tenants.values()].map((it) => it.app))
  }

  #oneAnApp(): Iterable<Tenancy> {
    return new Map([...this.tenants.values()].map((it) => [it.app, it])).values()
  }
}

const GONE = { code: "APP_CRASHED", exitCode: null } as const
