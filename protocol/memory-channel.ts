/** Two ends of a channel in memory, for tests: asynchronous, ordered, byte-exact; each end sees the other close. */
import type { Channel, ChannelListener } from "./channel.ts"

/** `schedule` runs a function in a later turn of the event loop, in order. */
export function createChannelPair(schedule: (run: () => void) => void): [Channel, Channel] {
  const left = new MemoryChannel(schedule)
  const right = new MemoryChannel(schedule)
  left.peer = right
  right.peer = left
  return [left, right]
}

class MemoryChannel implements Channel {
  peer: MemoryChannel | null = null
  readonly #schedule: (run: () => void) => void
  #listener: ChannelListener | null = null
  #waiting: Uint8Array[] = []
  #closing = false
  #ended: string | null = null

  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule
  }

  readonly bufferedBytes = 0

  write(chunks: readonly Uint8Array[]): void {
    if (this.#closing) return
    const { peer } = this
    const copies = chunks.map((chunk) => chunk.slice())
    this.#schedule(() => {
      for (const copy of copies) peer?.receive(copy)
    })
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener
    for (const chunk of this.#waiting.splice(0)) listener.data(chunk)
    if (this.#ended !== null) listener.ended(this.#ended)
  }

  close(reason: string): void {
    if (this.#closing) return
    this.#closing = true
    this.#schedule(() => {
      this.end(reason)
      this.peer?.end("the other side closed the channel")
    })
  }

  receive(chunk: Uint8Array): void {
    if (this.#ended !== null) return
    if (this.#listener === null) this.#waiting.push(chunk)
    else this.#listener.data(chunk)
  }

  end(reason: string): void {
    if (this.#ended !== null) return
    this.#closing = true
    this.#ended = reason
    this.#listener?.ended(reason)
  }
}
