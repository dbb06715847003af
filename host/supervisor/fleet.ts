/**
 * Fleet: the instances of one app. Starts them, watches them, replaces those that end, stops them. All policy of
 * supervision is here and in `retry.ts`, the same for every kind of runtime. It knows no exchange.
 * Longer than 300 lines: which instances there are, shall be and may be is one state; parts of it would have to share it all.
 */
import { type ErrorCode, messageOf, PolyhostError } from "../../protocol/errors.ts"
import type { GoAwayCode } from "../../protocol/exchange.ts"
import type { AppSpec } from "../../runtimes/app-spec.ts"
import type { Capabilities, Exit, ResolvedRuntime, Retirement } from "../../runtimes/runtime.ts"
import type { AppState } from "./app-status.ts"
import { chooseSlot } from "./choose-slot.ts"
import { endReplaced, endSlot } from "./end-slot.ts"
import { exitFailure, isHopeless, isPermanent, type LastError, leastDelayMs } from "./failure.ts"
import { type LaunchServices, launchSlot } from "./launch-slot.ts"
import { Retry } from "./retry.ts"
import { RuntimeSearch } from "./runtime-search.ts"
import { instanceId, Slot } from "./slot.ts"
import { watchSlot } from "./watch-slot.ts"

export interface FleetServices extends LaunchServices {
  /** Counts the versions of the app's code and manifest that this host has run, from 1. */
  readonly generation: number
  /** Something in the app's state changed. */
  readonly changed: (name: string) => void
}

export interface FleetEvents {
  /** An instance can take a request. */
  capacity(): void
  /** Nothing will take the waiting requests soon. */
  unavailable(detail: string): void
}

export class Fleet {
  readonly generation: number
  readonly #spec: AppSpec
  readonly #services: FleetServices
  readonly #events: FleetEvents
  readonly #slots = new Set<Slot>()
  readonly #retry = new Retry(() => {
    this.#fill()
    this.#changed()
  })
  #wanted = false
  #failed = false
  #target = 0
  #count = 0
  #failedStarts = 0
  #resolved: ResolvedRuntime | null = null
  readonly #search = new RuntimeSearch()
  #interface: string | null = null
  #stopping: Promise<void> | null = null
  #settled: (() => void)[] = []
  #complete: (() => void)[] = []
  lastError: LastError | null = null

  constructor(spec: AppSpec, services: FleetServices, events: FleetEvents) {
    this.#spec = spec
    this.#services = services
    this.generation = services.generation
    this.#events = events
  }

  get slots(): Iterable<Slot> {
    return this.#slots
  }

  get capabilities(): Capabilities {
    return this.#services.runtime.capabilities
  }

  /** Exact version once known, else what was asked for. */
  get runtime(): { name: string; version: string } {
    return {
      name: this.#spec.runtime.name,
      version: this.#resolved?.version ?? this.#spec.runtime.version,
    }
  }

  get interface(): string {
    return this.#interface ?? this.#spec.interface
  }

  get state(): AppState {
    if (this.#failed) return "failed"
    if (!this.#wanted) return "stopped"
    const ready = this.#countOf("ready")
    if (ready > 0) return ready < Math.min(this.#target, this.#spec.instances.min) ? "degraded" : "running"
    if (this.#retry.pending) return "backoff"
    return this.#countOf("starting") > 0 || this.#search.going ? "starting" : "idle"
  }

  /** Starts the app's instances; those above `instances.min` start on demand. */
  start(): void {
    if (this.#wanted && !this.#failed) return
    this.#wanted = true
    this.#failed = false
    this.#stopping = null
    this.#retry.reset()
    this.#target = this.#spec.instances.min
    if (this.#target === 0) this.#findRuntime()
    this.#fill()
    this.#changed()
  }

  /** Resolves when the app's first state is known: serving, idle, or failed at least once. */
  settled(): Promise<void> {
    if (this.state !== "starting") return Promise.resolve()
    return new Promise((resolve) => this.#settled.push(resolve))
  }

  /** Resolves when the app has all the instances that it must have, is idle, or one of them has failed. */
  complete(): Promise<void> {
    if (!this.#isFilling) return Promise.resolve()
    return new Promise((resolve) => this.#complete.push(resolve))
  }

  get #isFilling(): boolean {
    return this.state === "starting" || (this.state === "degraded" && this.lastError === null)
  }

  /** Why a request that would have to wait is refused, or null. */
  refusal(): string | null {
    if (this.#failed) return `the app failed: ${this.lastError?.code ?? "unknown"}`
    if (!this.#wanted) return "the app is stopped"
    if (
      this.#retry.pending &&
      isHopeless(this.#failedStarts, this.#retry.delayMs) &&
      this.#countOf("ready") === 0
    ) {
      return `the app failed ${this.#retry.failures} times in a row, next try in ${this.retryAfterSeconds()} s`
    }
    return null
  }

  retryAfterSeconds(): number {
    return this.#retry.seconds
  }

  /** The instance for the next request, or null when none has room. */
  pick(): Slot | null {
    return chooseSlot(this.#slots, this.#spec.concurrency)
  }

  /** Requests wait: have as many instances as they can use, within `instances.max`. */
  demand(waiting: number): void {
    if (!this.#wanted || this.#failed) return
    const { max } = this.#spec.instances
    const wanted = Math.min(max, this.#slots.size + Math.ceil(waiting / this.#spec.concurrency))
    // One more at a time: what is starting will take the waiting ones.
    if (this.#countOf("starting") === 0 && wanted > this.#target)
      this.#target = Math.min(wanted, this.#slots.size + 1)
    this.#target = Math.max(this.#target, Math.min(1, max))
    this.#fill()
  }

  tick(nowMs: number): void {
    const { wedgeMs, idleMs } = this.#spec.timeouts
    for (const slot of this.#slots) {
      const { instance } = slot
      if (instance === null || slot.state !== "ready") continue
      if (watchSlot(slot, wedgeMs, nowMs) === "wedged") {
        const reason = `its event loop has not answered for ${wedgeMs} ms`
        this.#fail("APP_WEDGED", `App "${this.#spec.name}": instance ${slot.id} is wedged: ${reason}`)
        instance.kill(reason, "APP_WEDGED")
        continue
      }
      const idle =
        !slot.inspected && slot.isIdle && nowMs - Math.max(slot.lastUsedMs, slot.readySinceMs) > idleMs
      if (idle && this.#countOf("ready") > this.#spec.instances.min) this.#retire(slot)
    }
  }

  /** Drains and ends every instance; `code` is what their sockets are told. Callers share one promise. */
  stop(code: GoAwayCode = 1001): Promise<void> {
    this.#wanted = false
    this.#failed = false
    this.#retry.cancel()
    this.#stopping ??= this.#stopAll(code)
    this.#changed()
    return this.#stopping
  }

  /** Ends every instance now, also those that drain. */
  kill(reason: string): void {
    for (const slot of this.#slots) {
      slot.abort.abort(new Error(reason))
      slot.sockets.cut(reason)
      slot.instance?.kill(reason, "APP_UNAVAILABLE")
    }
  }

  async #stopAll(code: GoAwayCode): Promise<void> {
    this.#search.stop()
    for (const slot of this.#slots)
      if (slot.state === "starting") slot.abort.abort(new Error("the app was stopped"))
    await Promise.all([...this.#slots].map((slot) => endSlot(slot, this.#spec.timeouts, code)))
  }

  /** Another instance takes the place of this one, which serves until that is ready, or as long as it can. */
  #replace(slot: Slot, { reason, cause }: Retirement): void {
    if (slot.state !== "ready" || !this.#wanted || slot.replaced) return
    slot.replaced = true
    const message = `App "${this.#spec.name}": instance ${slot.id} is replaced: ${reason}`
    if (cause === null) this.#services.log.warn(this.#spec.name, slot.id, message)
    else this.#fail(cause, message)
    this.#fill()
  }

  /** Takes a surplus instance out. */
  #retire(slot: Slot): void {
    this.#target = Math.max(this.#spec.instances.min, this.#target - 1)
    endSlot(slot, this.#spec.timeouts).catch(() => undefined)
    this.#changed()
  }

  #fill(): void {
    if (!this.#wanted || this.#failed || this.#retry.pending) return
    let active = 0
    for (const slot of this.#slots) if (slot.state !== "draining" && !slot.replaced) active++
    for (; active < this.#target; active++) this.startOne()
  }

  /** One more instance. `inspect`: in the place of another, with its inspector ready; its failure is no failure of the app. */
  startOne(inspect = false): Slot {
    const slot = new Slot(instanceId(this.#spec.name, this.generation, ++this.#count), inspect)
    this.#slots.add(slot)
    slot.gone = this.#run(slot).finally(() => {
      this.#slots.delete(slot)
      this.#changed()
    })
    this.#changed()
    return slot
  }

  /** One instance's life, from start to end. Never rejects. */
  async #run(slot: Slot): Promise<void> {
    try {
      await this.#launch(slot)
    } catch (error) {
      this.#slots.delete(slot)
      slot.settleStart(error)
      if (!slot.abort.signal.aborted && !slot.inspect) this.#startFailed(error)
      return
    }
    const instance = slot.instance
    if (instance === null) return
    endReplaced(this.#slots, this.#spec.timeouts)
    this.#events.capacity()
    instance.retiring.then((retirement) => this.#replace(slot, retirement))
    const exit = await instance.exited
    this.#slots.delete(slot)
    if (!exit.expected && slot.state !== "draining" && this.#wanted) this.#ended(slot, exit)
  }

  #ended(slot: Slot, exit: Exit): void {
    const failure = exitFailure(this.#spec.name, slot, exit, this.lastError)
    if (exit.collateral)
      this.#services.log.warn(this.#spec.name, slot.id, `it ends with its cell: ${exit.reason}`)
    else if (failure !== null) this.#fail(failure.code, failure.message)
    // Its cell took it along, or another takes its place already: no failure that a wait would mend.
    if (exit.collateral || slot.replaced) this.#fill()
    else this.#tryLater(performance.now() - slot.readySinceMs)
  }

  async #launch(slot: Slot): Promise<void> {
    await launchSlot(this.#services, {
      spec: this.#spec,
      slot,
      generation: this.generation,
      servesAlready: this.#countOf("ready") > 0,
      onResolved: (resolved) => {
        this.#resolved = resolved
      },
    })
    this.#interface = slot.instance?.interface ?? null
    slot.state = "ready"
    this.#failedStarts = 0
    slot.readySinceMs = performance.now()
    slot.settleStart()
    const runtime = `${this.runtime.name} ${this.runtime.version}`.trim()
    this.#services.log.info(this.#spec.name, slot.id, `ready (${runtime}, pid ${slot.pid})`)
    this.#changed()
  }

  #findRuntime(): void {
    void this.#search.start((signal) => this.#services.runtime.resolve(this.#spec, { signal }), {
      found: (resolved) => {
        this.#resolved = resolved
      },
      failed: (error) => this.#startFailed(error),
      ended: () => this.#changed(),
    })
  }

  #startFailed(error: unknown): void {
    const code = error instanceof PolyhostError ? error.code : "RUNTIME_LOAD_FAILED"
    this.#fail(code, messageOf(error))
    if (isPermanent(code)) {
      this.#failed = true
      this.#events.unavailable(`the app failed: ${code}`)
      this.#changed()
    } else {
      this.#failedStarts++
      this.#tryLater(0, leastDelayMs(code))
    }
  }

  #tryLater(servedMs: number, leastMs = 0): void {
    if (!this.#wanted) return
    this.#retry.failed(servedMs, leastMs)
    const refusal = this.refusal()
    if (refusal !== null) this.#events.unavailable(refusal)
    this.#changed()
  }

  #fail(code: ErrorCode, message: string): void {
    this.lastError = { code, message, at: new Date() }
    // The lines of stderr that a message quotes stand in the log already.
    this.#services.log.error(this.#spec.name, null, `${code}: ${message.split("\n", 1)[0]}`)
  }

  #countOf(state: Slot["state"]): number {
    let count = 0
    for (const slot of this.#slots) if (slot.state === state) count++
    return count
  }

  #changed(): void {
    if (this.#settled.length > 0 && this.state !== "starting")
      for (const resolve of this.#settled.splice(0)) resolve()
    if (this.#complete.length > 0 && !this.#isFilling)
      for (const resolve of this.#complete.splice(0)) resolve()
    this.#services.changed(this.#spec.name)
  }
}
