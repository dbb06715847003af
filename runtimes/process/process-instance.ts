/**
 * An instance that is a child process: the one implementation of Instance for node, bun, deno and command. Joins the
 * child, its connection (where there is a guest) and its upstream (where it is a server). Counterpart: the guest.
 */
import { type ClientErrorCode, PolyhostError } from "../../protocol/errors.ts"
import type { Exchange, Untaken } from "../../protocol/exchange.ts"
import type { HostConnection } from "../../protocol/host-connection.ts"
import type { InterfaceName } from "../app-spec.ts"
import type { ProcessInspector } from "../inspect/process-inspector.ts"
import type { Exit, InspectorLink, ResolvedRuntime, Retirement } from "../runtime.ts"
import type { Child } from "./child.ts"
import { deadline, GuestLink } from "./guest-link.ts"
import type { GuestInstance } from "./guest-start.ts"
import type { Upstream } from "./upstream/upstream.ts"

export interface ProcessInstanceParts {
  readonly id: string
  readonly runtime: ResolvedRuntime
  readonly interface: InterfaceName
  readonly child: Child
  readonly connection: HostConnection | null
  readonly upstream: Upstream | null
  /** Files to remove when it has ended. */
  readonly removeFiles: () => Promise<void>
  readonly inspector: ProcessInspector | null
}

/** How long after its channel closed a process may take to end by itself, in milliseconds. */
const END_FOLLOWS_MS = 250

export class ProcessInstance implements GuestInstance {
  readonly id: string
  readonly pid: number
  readonly runtime: ResolvedRuntime
  readonly interface: InterfaceName
  readonly exited: Promise<Exit>
  /** A process has nobody beside it for whose sake it would have to go. */
  readonly retiring: Promise<Retirement> = new Promise(() => undefined)
  readonly #parts: ProcessInstanceParts
  readonly #link: GuestLink
  #expected = false
  #gone = false
  #reason: string | undefined
  #code: ClientErrorCode = "APP_CRASHED"
  #stopping: Promise<Exit> | undefined
  #shutdownComplete: (() => void) | undefined

  constructor(parts: ProcessInstanceParts) {
    this.#parts = parts
    this.id = parts.id
    this.pid = parts.child.pid
    this.runtime = parts.runtime
    this.interface = parts.interface
    this.#link = new GuestLink({ ...parts, exited: () => this.exited })
    this.exited = this.#watchExit()
  }

  get usable(): boolean {
    return !this.#gone && this.#parts.child.alive && this.#link.open
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
    this.#gone = true
    this.#reason ??= reason
    this.#code = code
    this.#parts.child.signal("SIGKILL")
    this.#disconnect()
  }

  async openInspector(): Promise<InspectorLink> {
    const { inspector } = this.#parts
    if (inspector !== null) return inspector.open()
    throw new PolyhostError(
      "RUNTIME_NO_INSPECTOR",
      "a program of another kind has no inspector that the host knows",
    )
  }

  // Events of the connection, after the start

  connectionClosed(reason: string, violation: boolean): void {
    this.#gone = true
    if (!this.#parts.child.alive || this.#expected) return
    if (violation) {
      // A guest that broke the protocol is not to be trusted.
      this.kill(reason, "APP_PROTOCOL_ERROR")
      return
    }
    // A process that ends closes its channel first, and its own end says more; a guest that lives on without it is of no use.
    this.#disconnect()
    const timer = setTimeout(() => this.kill("the app closed its channel to the host"), END_FOLLOWS_MS)
    this.exited.then(() => clearTimeout(timer))
  }

  shutdownComplete(): void {
    this.#shutdownComplete?.()
  }

  async #stop({ graceMs, killMs }: { graceMs: number; killMs: number }): Promise<Exit> {
    const { child } = this.#parts
    this.#expected = true
    const complete = new Promise<void>((resolve) => {
      this.#shutdownComplete = resolve
    })
    if (this.#link.shutdown(graceMs)) {
      await Promise.race([complete, this.exited, deadline(graceMs + killMs)])
    }
    child.signal("SIGTERM")
    const ended = await Promise.race([this.exited, deadline(killMs)])
    if (ended === undefined) {
      this.#reason ??= `did not end within ${killMs} ms of SIGTERM, killed`
      child.signal("SIGKILL")
    }
    return this.exited
  }

  async #watchExit(): Promise<Exit> {
    const exit = await this.#parts.child.exited
    this.#reason ??= exit.reason
    this.#disconnect()
    await this.#parts.removeFiles()
    const { code, signal } = exit
    return {
      expected: this.#expected,
      reason: this.#reason,
      cause: this.#code,
      collateral: false,
      code,
      signal,
    }
  }

  #disconnect(): void {
    this.#link.close(this.#reason ?? "the instance ended", this.#code)
  }
}
