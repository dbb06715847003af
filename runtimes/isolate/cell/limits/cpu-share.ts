export interface TurnTime {
  readonly wallMs: number
  readonly cpuMs: number
}

/**
 * The CPU time of requests. An isolate's loop works for all requests that are in flight, and nobody can tell for which at any moment:
 * a turn's time is shared evenly among them. So one number is enough: the share of a request that was always there. What a request
 * has used is what that number has grown by since it came.
 */
export class CpuShare {
  /** Milliseconds of a request that was always there. */
  #clock = 0
  /** Requests in flight, oldest first, with the clock when they came. */
  readonly #since = new Map<number, number>()
  /** What ends with the turn that runs, or the next when none does; and with the one after that. */
  #ending: number[] = []
  #endingLater: number[] = []
  #turnStart: number | null = null
  #turnSince = 0
  /** Requests that came with the turn. */
  #arrived = 0

  opened(stream: number): void {
    this.#since.set(stream, this.#clock)
    this.#arrived++
  }

  /** Work that comes and is done in one turn, as far as anybody can tell: a message of a stream that stays. */
  passed(stream: number): void {
    this.#since.delete(stream)
    this.#since.set(stream, this.#clock)
    this.#arrived++
    if (this.#turnStart === null) this.#ending.push(stream)
    else this.#endingLater.push(stream)
  }

  /** What ends in a turn has had its part of that. */
  closed(stream: number): void {
    if (this.#turnStart === null) this.#since.delete(stream)
    else this.#ending.push(stream)
  }

  get inFlight(): number {
    return this.#since.size
  }

  beginTurn(cpuMs: number): void {
    this.#turnStart = cpuMs
    this.#turnSince = performance.now()
  }

  /** What the running turn has taken so far. */
  turn(cpuMs: number): TurnTime {
    if (this.#turnStart === null) return { wallMs: 0, cpuMs: 0 }
    return { wallMs: performance.now() - this.#turnSince, cpuMs: cpuMs - this.#turnStart }
  }

  endTurn(cpuMs: number): void {
    if (this.#turnStart === null) return
    this.#clock += (cpuMs - this.#turnStart) / Math.max(1, this.#since.size)
    this.#turnStart = null
    this.#arrived = 0
    for (const stream of this.#ending) this.#since.delete(stream)
    this.#ending = this.#endingLater
    this.#endingLater = []
  }

  /** What the running turn has used. */
  ofTurn(cpuMs: number): number {
    return this.#turnStart === null ? 0 : cpuMs - this.#turnStart
  }

  /** The most that any request has used, or the running turn for each that came with it. */
  most(cpuMs: number): number {
    const turn = this.ofTurn(cpuMs)
    // One that hogs the loop must not hide behind a hundred that wait.
    const ofTurn = turn / Math.max(1, this.#arrived)
    for (const since of this.#since.values()) {
      const share = this.#clock + turn / this.#since.size - since
      return Math.max(share, ofTurn)
    }
    return ofTurn
  }
}
