/** Output: what goes out on a connection: few writes, and an end for a client that takes nothing. */
import type { Socket } from "node:net"

export class Output {
  readonly #socket: Socket
  readonly #sendMs: number

  /** `sendMs`: the socket is closed when it takes no byte for so long; Infinity: never. */
  constructor(socket: Socket, sendMs: number) {
    this.#socket = socket
    this.#sendMs = sendMs
    socket.on("timeout", () => socket.destroy())
  }

  /** Each code unit is one byte. @returns false when the client takes no more for now: wait for `drained`. */
  text(text: string): boolean {
    return this.#written(this.#socket.write(text, "latin1"))
  }

  /** `bytes` between two texts, in one write. */
  bytes(before: string, bytes: Uint8Array, after: string): boolean {
    const socket = this.#socket
    if (before === "" && after === "") return this.#written(socket.write(bytes))
    socket.cork()
    if (before !== "") socket.write(before, "latin1")
    let more = socket.write(bytes)
    if (after !== "") more = socket.write(after, "latin1")
    socket.uncork()
    return this.#written(more)
  }

  /** The socket's `drain`. */
  drained(): void {
    this.#socket.setTimeout(0)
  }

  #written(more: boolean): boolean {
    // The socket's own clock starts anew while bytes leave, be it slowly.
    if (!more && this.#sendMs !== Number.POSITIVE_INFINITY) this.#socket.setTimeout(this.#sendMs)
    return more
  }
}
