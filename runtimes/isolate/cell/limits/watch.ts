/**
 * Looks after isolates while their turns run: one timer for the whole cell, which runs only then. Owns how often and what the
 * process's memory tells; what a limit means is the isolate's (`../isolate.ts`).
 */
export interface Watched {
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
  /** Who ran alone since the last look. */
  #alone: Watched | null = null

  started(it: Watched): void {
    this.#running.add(it)
    // Two at once: neither is to blame alone.
    this.#alone = this.#running.size === 1 ? this.#alone : null
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#look(), EVERY_MS)
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
    for (const it of [...this.#running]) it.checkCpu()
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
