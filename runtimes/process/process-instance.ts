/**
 * An instance that is a child process: the one implementation of Instance for node, bun, deno and command. Joins the
 * child, its connection (where there is a guest) and its upstream (where it is a server). Counterpart: the guest.
 */
import { rm } from "node:fs/promises"
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type { Exchange } from "../../protocol/exchange.ts"
import type { HostConnection } from "../../protocol/host-connection.ts"
import type { InterfaceName } from "../app-spec.ts"
import type { Exit, Instance, ResolvedRuntime } from "../runtime.ts"
import type { Child } from "./child.ts"
import type { Upstream } from "./upstream/upstream.ts"

export interface ProcessInstanceParts {
  readonly id: string
  readonly runtime: ResolvedRuntime
  readonly interface: InterfaceName
  readonly child: Child
  readonly connection: HostConnection | null
  readonly upstream: Upstream | null
  /** Files to remove when it has ended. */
  readonly files: () => Promise<readonly string[]>
}

/** How long after its channel closed a process may take to end by itself, in milliseconds. */
const END_FOLLOWS_MS = 250
/** How long after its server took no connection, in milliseconds: a process on a busy machine may take its time to end. */
const END_AFTER_REFUSAL_MS = 1000

export class ProcessInstance implements Instance {
  readonly id: string
  readonly pid: number
  readonly runtime: ResolvedRuntime
  readonly interface: InterfaceName
  readonly exited: Promise<Exit>
  readonly #parts: ProcessInstanceParts
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
    this.exited = this.#watchExit()
  }

  get usable(): boolean {
    const { child, connection } = this.#parts
    return !this.#gone && child.alive && connection?.closed !== true
  }

  silentMs(): number {
    return this.#parts.connection?.silentMs() ?? 0
  }

  heartbeat(): void {
    this.#parts.connection?.ping()
  }

  serve(exchange: Exchange, untaken?: () => void): void {
    const { upstream, connection } = this.#parts
    if (upstream !== null) upstream.serve(exchange, (detail) => this.#refused(exchange, detail, untaken))
    else connection?.serve(exchange)
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

  /** Its server took no connection. That is how the end of a process is first seen; else the app closed its server. */
  async #refused(exchange: Exchange, detail: string, untaken: (() => void) | undefined): Promise<void> {
    const exit = await Promise.race([this.exited, deadline(END_AFTER_REFUSAL_MS)])
    if (exchange.finished) return
    if (exit === undefined || untaken === undefined) exchange.fail("APP_CRASHED", detail)
    else untaken()
  }

  async #stop({ graceMs, killMs }: { graceMs: number; killMs: number }): Promise<Exit> {
    const { child, connection } = this.#parts
    this.#expected = true
    if (connection !== null && this.#parts.upstream === null) {
      const complete = new Promise<void>((resolve) => {
        this.#shutdownComplete = resolve
      })
      connection.shutdown("the host stops this instance", graceMs)
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
    const { child, files } = this.#parts
    const exit = await child.exited
    this.#reason ??= exit.reason
    this.#disconnect()
    for (const file of await files()) await rm(file, { force: true })
    return { expected: this.#expected, reason: this.#reason, code: exit.code, signal: exit.signal }
  }

  #disconnect(): void {
    const reason = this.#reason ?? "the instance ended"
    this.#parts.connection?.close(reason, this.#code)
    this.#parts.upstream?.close(reason, this.#code)
  }
}

/** Resolves with undefined after `ms`; never keeps the process alive. */
function deadline(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref()
  })
}
