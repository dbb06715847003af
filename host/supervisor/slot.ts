/** A place for one instance in its app: what the supervisor knows of it beside the instance itself. */
import type { Instance } from "../../runtimes/runtime.ts"
import { Sockets } from "./sockets.ts"

export type SlotState = "starting" | "ready" | "draining"

export class Slot {
  readonly id: string
  /** It is launched with its inspector ready: in the place of another, while somebody debugs. */
  readonly inspect: boolean
  state: SlotState = "starting"
  instance: Instance | null = null
  pid: number | null = null
  /** Requests; what was upgraded is in `sockets` instead. */
  inFlight = 0
  readonly sockets = new Sockets()
  /** Calls of apps that led to the request that it was given last, while it has any. */
  recentDepth = 0
  requests = 0
  startedAt = Date.now()
  readySinceMs = 0
  lastUsedMs = 0
  /** When it was last asked for a sign of life. */
  beatMs = 0
  /** Another is to take its place; it serves until that one is ready. */
  replaced = false
  /** A debugger is attached: standing still is no fault now. See `inspection.ts`. */
  inspected = false
  /** The end of a session that is under way. */
  inspectionEnding: Promise<void> | null = null
  inspectionEndedMs = Number.NEGATIVE_INFINITY
  /** Resolves when it is ready, rejects when it does not start. */
  readonly started: Promise<void>
  settleStart!: (error?: unknown) => void
  /** Ends the start, or hurries the stop. */
  readonly abort = new AbortController()
  /** Settles when the instance has ended and is forgotten. */
  gone: Promise<void> = Promise.resolve()
  #idle: (() => void) | null = null

  constructor(id: string, inspect = false) {
    this.id = id
    this.inspect = inspect
    this.started = new Promise((resolve, reject) => {
      this.settleStart = (error) => (error === undefined ? resolve() : reject(error))
    })
    this.started.catch(() => undefined)
  }

  get isIdle(): boolean {
    return this.inFlight === 0 && this.sockets.size === 0
  }

  /** It is there for requests, whether it has room or not. */
  get takesRequests(): boolean {
    return this.state === "ready" && this.instance?.usable === true
  }

  /** Resolves when nothing is in flight and no socket is open. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle = resolve
    })
  }

  /** How long it has stood still without an excuse. */
  silentMs(nowMs: number): number {
    if (this.instance === null || this.inspected) return 0
    return Math.min(this.instance.silentMs(), nowMs - this.inspectionEndedMs)
  }

  exchangeEnded(nowMs: number): void {
    this.inFlight--
    this.lastUsedMs = nowMs
    if (this.inFlight > 0) return
    this.recentDepth = 0
    if (this.isIdle) this.#idle?.()
  }

  socketEnded(nowMs: number): void {
    this.lastUsedMs = nowMs
    if (this.isIdle) this.#idle?.()
  }
}

/** Resolves when the signal has fired. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })
}

/** `shop-3`; from the second generation on `shop-2.3`. */
export function instanceId(app: string, generation: number, count: number): string {
  return generation === 1 ? `${app}-${count}` : `${app}-${generation}.${count}`
}
