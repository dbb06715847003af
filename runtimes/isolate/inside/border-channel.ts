/** A channel that ends at the border of the isolate: what is written leaves by one function of the cell's. */
import type { Channel, ChannelListener } from "../../../protocol/channel.ts"

export class BorderChannel implements Channel {
  readonly bufferedBytes = 0
  readonly #send: (bytes: ArrayBuffer) => void
  #listener: ChannelListener | null = null

  constructor(send: (bytes: ArrayBuffer) => void) {
    this.#send = send
  }

  write(chunks: readonly Uint8Array[]): void {
    let length = 0
    for (let i = 0; i < chunks.length; i++) length += chunks[i]!.length
    const all = new Uint8Array(length)
    let at = 0
    for (let i = 0; i < chunks.length; i++) {
      all.set(chunks[i]!, at)
      at += chunks[i]!.length
    }
    this.#send(all.buffer)
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener
  }

  close(reason: string): void {
    this.#listener?.ended(reason)
  }

  receive(bytes: ArrayBuffer): void {
    this.#listener?.data(new Uint8Array(bytes))
  }
}
