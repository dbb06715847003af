/** Lets a few run at a time; the others wait in their order. For what many apps share: threads that resolve names, memory of decoders. */
export class Gate {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #inside = 0

  constructor(most: number) {
    this.#most = most
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
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    return () => {
      const next = this.#waiting.shift()
      if (next === undefined) this.#inside--
      else next()
    }
  }
}
