/**
 * The body of a call on its way to the app that is called: held until it is pulled (the window of the call bounds it),
 * counted against the app's limit and against the length that the caller declared.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"

export interface CallBodyEvents {
  deliver(chunk: Uint8Array, end: boolean): void
  consumed(bytes: number): void
  /** It is too long, or not what its declared length says. */
  broken(code: ClientErrorCode, detail: string): void
}

export class CallBody {
  readonly #events: CallBodyEvents
  /** -1: not declared. */
  readonly #declared: number
  #most = Number.POSITIVE_INFINITY
  #received = 0
  #pulled = 0
  #held: Uint8Array[] = []
  #ended = false
  #over = false
  #wanted = false

  constructor(declared: number, events: CallBodyEvents) {
    this.#declared = declared
    this.#events = events
    this.#ended = declared === 0
    this.#over = this.#ended
  }

  /** Longest body that is taken. */
  limit(bytes: number): void {
    this.#most = bytes
    if (this.#declared > bytes || this.#received > bytes) this.#tooLong()
  }

  pull(bytes: number): void {
    this.#wanted = true
    this.#pulled += bytes
    this.#deliver()
  }

  push(chunk: Uint8Array, end: boolean): void {
    if (this.#over) return
    this.#received += chunk.length
    if (this.#received > this.#most) return this.#tooLong()
    const declared = this.#declared
    if (declared >= 0 && (this.#received > declared || (end && this.#received < declared))) {
      this.drop()
      const detail = `a body of ${this.#received} bytes whose declared length is ${declared}`
      return this.#events.broken("BAD_REQUEST", detail)
    }
    if (chunk.length > 0) this.#held.push(chunk)
    this.#ended = end
    this.#deliver()
  }

  drop(): void {
    this.#over = true
    this.#held = []
  }

  #tooLong(): void {
    this.drop()
    this.#events.broken("BODY_TOO_LARGE", `a request body over ${this.#most} bytes`)
  }

  #deliver(): void {
    while (!this.#over && this.#pulled > 0 && this.#held.length > 0) {
      const first = this.#held[0]!
      const piece = first.length <= this.#pulled ? first : first.subarray(0, this.#pulled)
      if (piece === first) this.#held.shift()
      else this.#held[0] = first.subarray(piece.length)
      this.#pulled -= piece.length
      this.#events.consumed(piece.length)
      this.#give(piece, this.#ended && this.#held.length === 0)
    }
    // An end alone takes no credit, but there must be somebody to hear of it.
    if (!this.#over && this.#ended && this.#held.length === 0 && this.#wanted)
      this.#give(new Uint8Array(0), true)
  }

  #give(piece: Uint8Array, end: boolean): void {
    this.#over ||= end
    this.#events.deliver(piece, end)
  }
}
