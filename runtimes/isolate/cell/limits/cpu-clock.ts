/**
 * CPU time of one isolate. isolated-vm counts how long an isolate has a thread, whether or not that thread has a processor; what the process
 * as a whole has spent meanwhile tells how much of it was work (`watch.ts` compares them).
 */
export class CpuClock {
  readonly #nanoseconds: () => bigint
  /** As isolated-vm counts, in milliseconds: now, and when it was last compared. */
  #held = 0
  #compared = 0
  #waited = 0

  constructor(nanoseconds: () => bigint) {
    this.#nanoseconds = nanoseconds
  }

  /** Milliseconds of work. */
  ms(): number {
    try {
      this.#held = Number(this.#nanoseconds()) / 1e6
    } catch {
      // V8 ends an isolate for its memory from a thread of its own: between two looks it may be gone. The last that was seen is the
      // most that it used.
    }
    return this.#held - this.#waited
  }

  /** A turn begins, just after its time was asked for. */
  begins(): void {
    this.#compared = this.#held
  }

  /** How long it has had a thread since then, or since it was last compared. */
  heldMs(): number {
    this.ms()
    return this.#held - this.#compared
  }

  /** So much of that was work, from 0 to 1. */
  compared(work: number): void {
    this.#waited += (this.#held - this.#compared) * (1 - work)
    this.#compared = this.#held
  }
}
