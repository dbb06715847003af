/**
 * Console lines on their way to the cell. They leave at once, so that what an app printed before it looped can be read; but no more
 * than the cell can take in one turn: a flood is cut here, on the isolate's own CPU and memory.
 */
const MOST_CHARACTERS_A_TURN = 128 * 1024

export class Printer {
  readonly #print: (stream: "stdout" | "stderr", text: string) => void
  #left = MOST_CHARACTERS_A_TURN
  #dropped = 0

  constructor(print: (stream: "stdout" | "stderr", text: string) => void) {
    this.#print = print
  }

  /** A turn begins. */
  turn(): void {
    this.#left = MOST_CHARACTERS_A_TURN
    if (this.#dropped === 0) return
    const lines = this.#dropped
    this.#dropped = 0
    this.print("stderr", `${lines} lines of output were dropped: too many at once`)
  }

  print(stream: "stdout" | "stderr", text: string): void {
    // Each line has a cost of its own.
    const size = text.length + 64
    if (size > this.#left) {
      this.#dropped++
      return
    }
    this.#left -= size
    this.#print(stream, text)
  }
}
