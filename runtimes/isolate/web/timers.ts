/**
 * setTimeout and setInterval: one heap of timers in the isolate, of which the cell knows the earliest moment only. One call of
 * `fire` runs one timer: microtasks run when a call into the isolate ends, and they must run between two timers.
 */
import { monotonicNow } from "./clock.ts"
import type { WebOps } from "./ops.ts"

export interface Timers {
  setTimeout(handler: unknown, ms: unknown, args: readonly unknown[]): number
  setInterval(handler: unknown, ms: unknown, args: readonly unknown[]): number
  clear(id: unknown): void
  /** A timer of the platform's own: no id, no lower bound. The function returned clears it. */
  after(ms: number, callback: () => void): () => void
  /** The cell calls this when a moment given to `wakeAfter` has come; true when another timer is due already. */
  fire(): boolean
}

export interface TimerSurroundings {
  readonly ops: () => Pick<WebOps, "wakeAfter">
  readonly report: (error: unknown) => void
  /** `this` of handlers. */
  readonly global: object
}

interface Timer {
  readonly id: number
  due: number
  /** Timers due at one moment run in the order they were set. */
  order: number
  readonly run: () => void
  /** Milliseconds between runs; null where it runs once. */
  readonly every: number | null
  nesting: number
  /** Still to run: neither cleared nor done. */
  live: boolean
  queued: boolean
}

/** HTML: from the sixth timer that a timer sets on, at least 4 ms. */
const DEEPEST_NESTING = 5
const NESTED_MS = 4
const LONGEST_MS = 2_147_483_647
/** The app's own that may wait at once. */
const MOST_TIMERS = 10_000

export function createTimers(surroundings: TimerSurroundings): Timers {
  const heap = new TimerHeap()
  const byId = new Map<number, Timer>()
  // No fraction, infinity or NaN may stand here: contexts of one snapshot share the boxes that V8 keeps such numbers in.
  const state = { lastId: 0, lastOrder: 0, nesting: 0, wakeAt: null as number | null }

  function add(run: () => void, timing: { ms: number; every: number | null; nesting: number }): Timer {
    const timer: Timer = {
      id: ++state.lastId,
      due: monotonicNow() + timing.ms,
      order: ++state.lastOrder,
      run,
      every: timing.every,
      nesting: timing.nesting,
      live: true,
      queued: true,
    }
    heap.add(timer)
    return timer
  }

  function set(handler: unknown, ms: unknown, more: { args: readonly unknown[]; repeats: boolean }): number {
    const call = toCall(handler, more.args, surroundings.global)
    if (byId.size >= MOST_TIMERS)
      throw new RangeError(`${MOST_TIMERS} timers wait already, and an isolate may have no more at once`)
    const nesting = state.nesting
    const asked = Math.max(0, toLong(ms))
    const wait = nesting > DEEPEST_NESTING ? Math.max(asked, NESTED_MS) : asked
    const timer = add(call, { ms: wait, every: more.repeats ? asked : null, nesting: nesting + 1 })
    byId.set(timer.id, timer)
    wake()
    return timer.id
  }

  function drop(timer: Timer): void {
    timer.live = false
    byId.delete(timer.id)
    if (!timer.queued) return
    heap.forget()
    wake()
  }

  /** Asks the cell anew only where the earliest moment has changed: each asking crosses a border. */
  function wake(): void {
    const due = heap.first()?.due ?? Number.POSITIVE_INFINITY
    if (due === state.wakeAt) return
    state.wakeAt = due
    surroundings.ops().wakeAfter(due === Number.POSITIVE_INFINITY ? due : Math.max(0, due - monotonicNow()))
  }

  function run(timer: Timer): void {
    timer.queued = false
    if (timer.every === null) {
      timer.live = false
      byId.delete(timer.id)
    }
    state.nesting = timer.nesting
    try {
      timer.run()
    } catch (error) {
      surroundings.report(error)
    }
    state.nesting = 0
    if (timer.every === null || !timer.live) return
    const wait = timer.nesting > DEEPEST_NESTING ? Math.max(timer.every, NESTED_MS) : timer.every
    timer.due = monotonicNow() + wait
    timer.order = ++state.lastOrder
    timer.nesting = Math.min(timer.nesting + 1, DEEPEST_NESTING + 1)
    timer.queued = true
    heap.add(timer)
  }

  return {
    setTimeout: (handler, ms, args) => set(handler, ms, { args, repeats: false }),
    setInterval: (handler, ms, args) => set(handler, ms, { args, repeats: true }),
    clear(id) {
      const timer = byId.get(toLong(id))
      if (timer !== undefined) drop(timer)
    },
    after(ms, callback) {
      const timer = add(callback, { ms: Math.min(ms, LONGEST_MS), every: null, nesting: 0 })
      wake()
      return () => {
        if (timer.live) drop(timer)
      }
    },
    fire() {
      const now = monotonicNow()
      const first = heap.first()
      if (first !== null && first.due <= now) run(heap.take()!)
      // The moment that was asked for has passed: the cell knows of none now.
      state.wakeAt = Number.POSITIVE_INFINITY
      wake()
      return (heap.first()?.due ?? Number.POSITIVE_INFINITY) <= monotonicNow()
    },
  }
}

/** A binary heap by moment, then order. Cleared timers stay until they come first or are half of all. */
class TimerHeap {
  #timers: Timer[] = []
  #dead = 0

  add(timer: Timer): void {
    this.#timers.push(timer)
    this.#up(this.#timers.length - 1)
  }

  first(): Timer | null {
    while (this.#timers.length > 0 && !this.#timers[0]!.live) {
      this.#pop()
      this.#dead--
    }
    return this.#timers[0] ?? null
  }

  take(): Timer | null {
    const timer = this.first()
    if (timer !== null) this.#pop()
    return timer
  }

  /** Says that one of its timers has been cleared. */
  forget(): void {
    this.#dead++
    if (this.#dead < 64 || this.#dead * 2 < this.#timers.length) return
    this.#timers = this.#timers.filter(({ live }) => live).sort((a, b) => (before(a, b) ? -1 : 1))
    this.#dead = 0
  }

  #pop(): void {
    const last = this.#timers.pop()!
    if (this.#timers.length === 0) return
    this.#timers[0] = last
    this.#down(0)
  }

  #up(start: number): void {
    const timers = this.#timers
    let at = start
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(timers[at]!, timers[parent]!)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #down(start: number): void {
    const timers = this.#timers
    let at = start
    for (;;) {
      const left = at * 2 + 1
      let least = at
      if (left < timers.length && before(timers[left]!, timers[least]!)) least = left
      if (left + 1 < timers.length && before(timers[left + 1]!, timers[least]!)) least = left + 1
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #swap(a: number, b: number): void {
    const timers = this.#timers
    const kept = timers[a]!
    timers[a] = timers[b]!
    timers[b] = kept
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}

function toCall(handler: unknown, args: readonly unknown[], global: object): () => void {
  if (typeof handler === "function") {
    return () => {
      Reflect.apply(handler, global, args)
    }
  }
  const source = `${handler as string}`
  // HTML: text is run as a script; an indirect eval sees the global scope only.
  // biome-ignore lint/security/noGlobalEval: the standard says so, and the code is the app's own
  const run = globalThis.eval
  return () => {
    run(source)
  }
}

/** WebIDL's long. */
function toLong(value: unknown): number {
  return +(value as number) | 0
}
