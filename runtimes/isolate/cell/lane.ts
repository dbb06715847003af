/**
 * What waits to go into one context of an isolate, and when its timers are due. One lane a context; the isolate takes their turns one
 * by one (`isolate.ts`).
 */
import type { Settled } from "../border.ts"
import type { EgressLine } from "./egress-line.ts"
import type { GuestContext, TurnInput } from "./guest-context.ts"

const LONGEST_TIMER_MS = 2 ** 31 - 1
/**
 * Timers that are due are run one a turn. After so many at once there is a pause of a millisecond, whatever is due: a flood of them
 * shall take neither a whole processor nor the cell's loop.
 */
const BURST = 8

export class Lane {
  /** Set before the lane is used. */
  guest!: GuestContext
  readonly egress: EgressLine
  /** The lane has something for a turn. */
  readonly #wanted: () => void
  #chunks: Uint8Array[] = []
  #length = 0
  #fetched: Uint8Array[] = []
  #settled: Settled[] = []
  #due = false
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  /** Turns for timers since the last pause. */
  #burst = 0
  closed = false
  isLoaded = false
  /** Its app has hooks for WebSocket connections. */
  takesSockets = false
  /** Settles when the app's modules were evaluated, or could not be. */
  readonly loaded: Promise<void>
  #resolveLoaded!: () => void
  #rejectLoaded!: (error: unknown) => void

  constructor(egress: EgressLine, wanted: () => void) {
    this.egress = egress
    this.#wanted = wanted
    this.loaded = new Promise((resolve, reject) => {
      this.#resolveLoaded = resolve
      this.#rejectLoaded = reject
    })
    this.loaded.catch(() => undefined)
  }

  evaluated(takesSockets: boolean): void {
    this.takesSockets = takesSockets
    this.isLoaded = true
    this.#resolveLoaded()
  }

  loadFailed(error: unknown): void {
    this.#rejectLoaded(error)
  }

  /** Bytes that wait for a turn. */
  get waitingBytes(): number {
    return this.#length
  }

  get hasWork(): boolean {
    return (
      !this.closed && (this.#length > 0 || this.#due || this.#fetched.length > 0 || this.#settled.length > 0)
    )
  }

  receive(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    this.#wanted()
  }

  receiveEgress(chunk: Uint8Array): void {
    this.#fetched.push(chunk)
    this.#wanted()
  }

  settle(settled: Settled): void {
    this.#settled.push(settled)
    this.#wanted()
  }

  wakeAfter(ms: number): void {
    this.#forgetTimer()
    // Also where an app that broke its numbers makes it NaN.
    if (!(ms >= 0) || this.closed) return
    const wake = (): void => {
      this.#due = true
      this.#wanted()
    }
    if (ms < 1 && this.#burst++ < BURST) {
      this.#immediate = setImmediate(wake)
      return
    }
    this.#burst = 0
    this.#timer = setTimeout(wake, Math.min(ms, LONGEST_TIMER_MS))
  }

  #forgetTimer(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  /** All that has come, for one turn. */
  take(): TurnInput {
    const input: TurnInput = {
      bytes: joined(this.#chunks, this.#length),
      egress: joined(this.#fetched, lengthOf(this.#fetched)),
      due: this.#due,
      settled: this.#settled.length === 0 ? undefined : this.#settled,
    }
    this.#chunks = []
    this.#length = 0
    this.#fetched = []
    this.#settled = []
    this.#due = false
    return input
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.egress.close()
    this.#forgetTimer()
    this.take()
  }
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0)
}

function joined(chunks: readonly Uint8Array[], length: number): ArrayBuffer | undefined {
  if (length === 0) return undefined
  const [first] = chunks
  if (chunks.length === 1 && first !== undefined)
    return first.buffer.slice(first.byteOffset, first.byteOffset + length) as ArrayBuffer
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all.buffer
}
