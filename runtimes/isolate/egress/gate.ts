/**
 * Lets a few run at a time; the others wait in their order, a number of them. For what costs the whole cell: threads that
 * resolve names, memory of decoders. Who waits and is forgotten still waits here, hence the number.
 */
export class Gate {
  readonly #most: number
  readonly #mostWaiting: number
  readonly #waiting: (() => void)[] = []
  #inside = 0

  constructor(most: number, mostWaiting: number) {
    this.#most = most
    this.#mostWaiting = mostWaiting
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const leave = await this.enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }

  /** @returns a function to call once, when the place is free again. */
  async enter(): Promise<() => void> {
    if (this.#inside < this.#most) this.#inside++
    else if (this.#waiting.length >= this.#mostWaiting)
      throw new Error(`more than ${this.#mostWaiting} requests wait`)
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return () => {
      const next = this.#waiting.shift()
      if (next === undefined) this.#inside--
      else next()
    }
  }
}
