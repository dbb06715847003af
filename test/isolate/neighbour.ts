/** An app that is asked all the time while something else happens. */
import { setTimeout as delay } from "node:timers/promises"
import type { TestHost } from "../support/harness.ts"

/** 50 a second. */
const EVERY_MS = 20

export class Neighbour {
  readonly #host: TestHost
  readonly #path: string
  readonly #asking: Promise<void>
  readonly #failed: string[] = []
  #answered = 0
  #stopped = false
  #waiters: { at: number; resolve: () => void }[] = []

  constructor(host: TestHost, path: string) {
    this.#host = host
    this.#path = path
    this.#asking = this.#run()
  }

  once(): Promise<void> {
    return this.asks(1)
  }

  /** Resolves when it was asked so many more times. */
  asks(times: number): Promise<void> {
    return new Promise((resolve) => this.#waiters.push({ at: this.#answered + times, resolve }))
  }

  async stop(): Promise<{ answered: number; failed: readonly string[] }> {
    this.#stopped = true
    await this.#asking
    return { answered: this.#answered, failed: this.#failed }
  }

  async #run(): Promise<void> {
    const open = new Set<Promise<void>>()
    while (!this.#stopped) {
      const one: Promise<void> = this.#ask().finally(() => open.delete(one))
      open.add(one)
      // A steady rate of requests is the point.
      await delay(EVERY_MS)
    }
    await Promise.all(open)
  }

  async #ask(): Promise<void> {
    try {
      const { status, text } = await this.#host.ask(this.#path)
      if (status !== 200 || text !== "good") this.#failed.push(`${status} ${text.slice(0, 300)}`)
    } catch (error) {
      this.#failed.push(String(error))
    }
    this.#answered++
    for (const waiter of this.#waiters) if (waiter.at <= this.#answered) waiter.resolve()
  }
}
