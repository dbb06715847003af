/**
 * A clock that a test turns. What waits for ten seconds or less happens at once and turns it by as much; what waits for longer
 * happens when the test has turned it so far.
 */
import type { Clock } from "../../host/acme/clock.ts"

const SHORT_MS = 10_000

interface Alarm {
  readonly atMs: number
  readonly run: () => void
}

export class TestClock implements Clock {
  #nowMs = Date.now()
  readonly #alarms = new Set<Alarm>()

  now(): number {
    return this.#nowMs
  }

  after(ms: number, run: () => void): () => void {
    const alarm = { atMs: this.#nowMs + ms, run }
    this.#alarms.add(alarm)
    const timer = ms > SHORT_MS ? null : setTimeout(() => this.#turnTo(alarm.atMs), 2)
    return () => {
      this.#alarms.delete(alarm)
      if (timer !== null) clearTimeout(timer)
    }
  }

  advance(ms: number): void {
    this.#turnTo(this.#nowMs + ms)
  }

  /** Milliseconds to each alarm that is set, nearest first. */
  get alarms(): readonly number[] {
    return [...this.#alarms].map((it) => it.atMs - this.#nowMs).sort((a, b) => a - b)
  }

  #turnTo(toMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, toMs)
    const due = [...this.#alarms].filter((it) => it.atMs <= this.#nowMs).sort((a, b) => a.atMs - b.atMs)
    for (const alarm of due) {
      // One may have ended another.
      if (this.#alarms.delete(alarm)) alarm.run()
    }
  }
}
