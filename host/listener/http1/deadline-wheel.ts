/**
 * DeadlineWheel: the deadlines of all connections of a listener on one coarse timer. A connection moves its deadline by setting a
 * number; it is looked at only when its slot comes up, or when the deadline moved closer. Late by at most two ticks, never early;
 * while the process stands still, so does the wheel: bytes that nobody could read are not held against a client.
 */

const TICK_MS = 250
/** Deadlines further away than this many ticks are looked at on the way. */
const SLOTS = 256

export interface Timed {
  /** In ticks of the wheel; Infinity: none. Set by `DeadlineWheel.set`. */
  deadline: number
  /** The tick at which the wheel looks at it next; the wheel's own. */
  due: number
  /** The deadline has passed; there is none now. */
  expired(): void
}

export class DeadlineWheel {
  readonly #slots: readonly Set<Timed>[] = Array.from({ length: SLOTS }, () => new Set<Timed>())
  #timer: NodeJS.Timeout | null = null
  #count = 0
  #tick = 0

  /** Looks after `item` from now on, until `remove`. */
  add(item: Timed): void {
    this.#count++
    this.#timer ??= setInterval(() => this.#turn(), TICK_MS).unref()
    this.#place(item)
  }

  remove(item: Timed): void {
    if (!this.#slotOf(item).delete(item)) return
    this.#count--
    if (this.#count > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  /** Gives an `item` of the wheel `ms` from now; Infinity: for ever. */
  set(item: Timed, ms: number): void {
    item.deadline = this.#tick + Math.ceil(ms / TICK_MS) + 1
    if (item.deadline >= item.due || !this.#slotOf(item).delete(item)) return
    this.#place(item)
  }

  #place(item: Timed): void {
    item.due = Math.max(this.#tick + 1, Math.min(item.deadline, this.#tick + SLOTS - 1))
    this.#slotOf(item).add(item)
  }

  #slotOf(item: Timed): Set<Timed> {
    return this.#slots[item.due % SLOTS]!
  }

  #turn(): void {
    const slot = this.#slots[++this.#tick % SLOTS]!
    // Those that are looked at again go to other slots.
    for (const item of slot) {
      slot.delete(item)
      const isOver = item.deadline <= this.#tick
      if (isOver) item.deadline = Number.POSITIVE_INFINITY
      this.#place(item)
      if (isOver) item.expired()
    }
  }
}
