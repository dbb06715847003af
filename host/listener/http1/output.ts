/** Output: what goes out on a connection: few writes, and an end for a client that takes nothing. */
import type { Socket } from "node:net"
import type { DeadlineWheel, Timed } from "./deadline-wheel.ts"
import { reset } from "./reset.ts"
import { latin1 } from "./response-text.ts"

/** Bytes up to this many are written as a string. */
const SMALL_BYTES = 4096
/** So much text waits at most for what follows in the same turn. */
const MOST_GATHERED_BYTES = 64 * 1024

export class Output implements Timed {
  deadline = Number.POSITIVE_INFINITY
  due = 0
  readonly #socket: Socket
  readonly #sendMs: number
  readonly #wheel: DeadlineWheel
  /** The client takes no more for now. */
  isFull = false
  /** Text that was put off. */
  #waiting = ""
  readonly #writeWaiting = (): void => {
    if (!this.#socket.destroyed) this.text("")
  }

  /** What the client had taken when it was last looked at. */
  #taken = ""
  #isTimed = false

  /** `sendMs`: the socket is closed when it takes no byte for so long; Infinity: never. */
  constructor(socket: Socket, sendMs: number, wheel: DeadlineWheel) {
    this.#socket = socket
    this.#sendMs = sendMs
    this.#wheel = wheel
  }

  /** Text that waits for what follows in this turn of the event loop, and goes out with it. */
  later(text: string): boolean {
    if (this.#waiting === "") process.nextTick(this.#writeWaiting)
    this.#waiting += text
    return true
  }

  /** The same for text that may be much: what has gathered by then goes at once. Return value as in `text`. */
  gather(text: string): boolean {
    if (this.#waiting.length + text.length > MOST_GATHERED_BYTES) return this.text(text)
    this.later(text)
    return !this.isFull
  }

  /** Each code unit is one byte. @returns false when the client takes no more for now: wait for `drained`. */
  text(text: string): boolean {
    const all = this.#takeWaiting() + text
    return all === "" || this.#written(this.#socket.write(all, "latin1"))
  }

  /** `bytes` between two texts, in one write. The socket may keep them for long: nobody else may change them. */
  bytes(before: string, bytes: Uint8Array, after: string): boolean {
    // Latin-1 carries any bytes unchanged, and a string goes out with what stands around it.
    if (bytes.length <= SMALL_BYTES) return this.text(before + latin1(bytes) + after)
    const socket = this.#socket
    const head = this.#takeWaiting() + before
    if (head === "" && after === "") return this.#written(socket.write(bytes))
    socket.cork()
    if (head !== "") socket.write(head, "latin1")
    let more = socket.write(bytes)
    if (after !== "") more = socket.write(after, "latin1")
    socket.uncork()
    return this.#written(more)
  }

  /** Nothing more is written. `ended` is called when all of it has left. */
  end(ended: () => void): void {
    const socket = this.#socket
    this.text("")
    socket.end(ended)
    if (socket.writableLength > 0) this.#await()
  }

  /** The socket's `drain`. */
  drained(): void {
    this.isFull = false
    this.closed()
  }

  /** The client takes bytes again, or never more. */
  closed(): void {
    if (this.#isTimed) this.#wheel.remove(this)
    this.#isTimed = false
  }

  /** So long it has taken little or nothing. The socket's own clock would not do: it counts what the client sends, too. */
  expired(): void {
    const taken = takenFrom(this.#socket)
    if (taken === this.#taken) reset(this.#socket)
    else this.#wheel.set(this, this.#sendMs)
    this.#taken = taken
  }

  #takeWaiting(): string {
    const text = this.#waiting
    this.#waiting = ""
    return text
  }

  #written(more: boolean): boolean {
    // A stream of Node says no to as much as its mark even when the system has taken all of it.
    if (more || this.#socket.writableLength === 0) return true
    this.isFull = true
    this.#await()
    return false
  }

  #await(): void {
    if (this.#isTimed || this.#sendMs === Number.POSITIVE_INFINITY) return
    this.#isTimed = true
    this.#taken = takenFrom(this.#socket)
    this.#wheel.add(this)
    this.#wheel.set(this, this.#sendMs)
  }
}

/** Changes whenever the system has taken bytes: writes that are done, and what is left of the one in hand. */
export function takenFrom(socket: Socket): string {
  const handle = (socket as { _handle?: Handle | null })._handle
  // That of TLS stands still until a write is done: the one below it is the system's.
  const queue = (handle?._parent ?? handle)?.writeQueueSize
  return `${socket.bytesWritten - socket.writableLength} ${queue}`
}

interface Handle {
  readonly writeQueueSize?: number
  readonly _parent?: Handle
}
