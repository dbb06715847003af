/**
 * Looks after isolates while their turns run: one timer for the whole cell, which runs only then. Owns how often and what the
 * process's memory tells; what a limit means is the isolate's (`../isolate.ts`).
 */
import type { CpuClock } from "./cpu-clock.ts"

export interface Watched {
  readonly clock: CpuClock
  /** CPU time of the running turn. */
  checkCpu(): void
  /** Memory that it may cost the process, in bytes. */
  readonly residentLimitBytes: number
  /** It made the process grow beyond that. */
  grewTooBig(bytes: number): void
}

const EVERY_MS = 10

interface Account {
  /** Bytes that the process grew by while this one alone was running. */
  grown: number
}

export class Watch {
  readonly #running = new Set<Watched>()
  readonly #accounts = new WeakMap<Watched, Account>()
  #timer: NodeJS.Timeout | undefined
  #residentBytes = 0
  /** What all threads but the cell's own had spent at the last look; null: there was none. */
  #spentMs: number | null = null
  /** Who ran alone since the last look. */
  #alone: Watched | null = null

  started(it: Watched): void {
    this.#running.add(it)
    it.clock.begins()
    // Two at once: neither is to blame alone.
    this.#alone = this.#running.size === 1 ? this.#alone : null
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#look(), EVERY_MS)
    this.#spentMs = null
    this.#residentBytes = 0
  }

  stopped(it: Watched): void {
    this.#running.delete(it)
    if (this.#running.size > 0 || this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#alone = null
  }

  /** The process grows for a reason of its own: what it grows by until the next look is nobody's. */
  disturbed(): void {
    this.#residentBytes = 0
  }

  #look(): void {
    const bytes = process.memoryUsage.rss()
    const grown = this.#residentBytes === 0 ? 0 : bytes - this.#residentBytes
    this.#residentBytes = bytes
    const blamed = this.#alone ?? (grown > 0 ? this.#hungriest() : null)
    if (blamed !== null && this.#running.has(blamed)) this.#charge(blamed, grown)
    const [only] = this.#running
    this.#alone = this.#running.size === 1 ? (only ?? null) : null
    this.#compareClocks()
    for (const it of [...this.#running]) it.checkCpu()
  }

  /** Isolates that wait for a processor, or for nothing, use no CPU time. Those that run share evenly what was spent. */
  #compareClocks(): void {
    const before = this.#spentMs
    this.#spentMs = spentMs()
    let held = 0
    for (const { clock } of this.#running) held += clock.heldMs()
    const work = before === null || held <= 0 ? 1 : Math.min(1, (this.#spentMs - before) / held)
    for (const { clock } of this.#running) clock.compared(work)
  }

  #charge(it: Watched, grown: number): void {
    const account = this.#accounts.get(it) ?? { grown: 0 }
    account.grown = Math.max(0, account.grown + grown)
    this.#accounts.set(it, account)
    if (account.grown > it.residentLimitBytes) it.grewTooBig(account.grown)
  }

  /** Of several that run, the one that has run longest without a pause: the set keeps their order. */
  #hungriest(): Watched | null {
    for (const it of this.#running) return it
    return null
  }
}

function spentMs(): number {
  const all = process.cpuUsage()
  const own = process.threadCpuUsage()
  return (all.user + all.system - own.user - own.system) / 1000
}
