/** Output: what goes out on a connection: few writes, and an end for a client that takes nothing. */
import type { Socket } from "node:net"
import { latin1 } from "./response-text.ts"

/** Bytes up to this many are written as a string. */
const SMALL_BYTES = 4096

export class Output {
  readonly #socket: Socket
  readonly #sendMs: number
  /** The client takes no more for now. */
  isFull = false

  /** `sendMs`: the socket is closed when it takes no byte for so long; Infinity: never. */
  constructor(socket: Socket, sendMs: number) {
    this.#socket = socket
    this.#sendMs = sendMs
    socket.on("timeout", () => socket.destroy())
  }

  /** Each code unit is one byte. @returns false when the client takes no more for now: wait for `drained`. */
  text(text: string): boolean {
    return text === "" || this.#written(this.#socket.write(text, "latin1"))
  }

  /** `bytes` between two texts, in one write. The socket may keep them for long: nobody else may change them. */
  bytes(before: string, bytes: Uint8Array, after: string): boolean {
    // Latin-1 carries any bytes unchanged, and a string goes out with what stands around it.
    if (bytes.length <= SMALL_BYTES) return this.text(before + latin1(bytes) + after)
    const socket = this.#socket
    if (before === "" && after === "") return this.#written(socket.write(bytes))
    socket.cork()
    if (before !== "") socket.write(before, "latin1")
    let more = socket.write(bytes)
    if (after !== "") more = socket.write(after, "latin1")
    socket.uncork()
    return this.#written(more)
  }

  /** Nothing more is written. `ended` is called when all of it has left. */
  end(ended: () => void): void {
    const socket = this.#socket
    socket.end(ended)
    if (socket.writableLength > 0) this.#await()
  }

  /** The socket's `drain`. */
  drained(): void {
    this.isFull = false
    this.#socket.setTimeout(0)
  }

  #written(more: boolean): boolean {
    if (!more) {
      this.isFull = true
      this.#await()
    }
    return more
  }

  #await(): void {
    // The socket's own clock starts anew while bytes leave, be it slowly.
    if (this.#sendMs !== Number.POSITIVE_INFINITY) this.#socket.setTimeout(this.#sendMs)
  }
}
