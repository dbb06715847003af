/** A place for each of a few; who comes later waits, first come first served. */
export class Line {
  readonly #most: number
  #inside = 0
  #waiting: ((leave: () => void) => void)[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** Calls `run` at once or later; it calls `leave` when its place is free again. */
  enter(run: (leave: () => void) => void): void {
    if (this.#inside >= this.#most) {
      this.#waiting.push(run)
      return
    }
    this.#inside++
    let left = false
    run(() => {
      if (left) return
      left = true
      this.#inside--
      const next = this.#waiting.shift()
      if (next !== undefined) this.enter(next)
    })
  }
}
