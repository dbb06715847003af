/**
 * The open streams of a connection by id. A table of our own because of what a Map does at this rate: each time it is
 * rehashed the old table points to the new one, so that one old table in V8's old generation keeps every later table,
 * and every exchange in them, until the next full collection (measured: a third of the host's throughput).
 * Ids are issued in order, so that most find their slot free; one whose slot is held by a long stream goes aside.
 */
export interface Identified {
  readonly id: number
}

const FIRST_SLOTS = 64
const MOST_SLOTS = 4096

export class StreamSlots<Stream extends Identified> {
  #slots: (Stream | null)[] = new Array<Stream | null>(FIRST_SLOTS).fill(null)
  readonly #aside = new Map<number, Stream>()
  #inSlots = 0

  get size(): number {
    return this.#inSlots + this.#aside.size
  }

  get(id: number): Stream | undefined {
    const stream = this.#slots[id % this.#slots.length]
    if (stream != null && stream.id === id) return stream
    return this.#aside.size === 0 ? undefined : this.#aside.get(id)
  }

  /** `stream.id` must not be in the table. */
  add(stream: Stream): void {
    if (this.#aside.size > this.#slots.length / 2 && this.#slots.length < MOST_SLOTS) this.#grow()
    const slot = stream.id % this.#slots.length
    if (this.#slots[slot] === null) {
      this.#slots[slot] = stream
      this.#inSlots++
    } else this.#aside.set(stream.id, stream)
  }

  /** @returns false when there is no such stream. */
  delete(id: number): boolean {
    const slot = id % this.#slots.length
    if (this.#slots[slot]?.id === id) {
      this.#slots[slot] = null
      this.#inSlots--
      return true
    }
    return this.#aside.size > 0 && this.#aside.delete(id)
  }

  /** Empties the table and returns what was in it. */
  takeAll(): Stream[] {
    const streams = [...this.#slots.filter((stream) => stream !== null), ...this.#aside.values()]
    this.#slots.fill(null)
    this.#aside.clear()
    this.#inSlots = 0
    return streams
  }

  #grow(): void {
    const streams = this.takeAll()
    this.#slots = new Array<Stream | null>(this.#slots.length * 2).fill(null)
    for (const stream of streams) this.add(stream)
  }
}
