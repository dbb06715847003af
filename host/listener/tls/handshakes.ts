/**
 * Handshakes: those in progress on a listener, so many at a time, each with a deadline. A handshake costs memory and time before
 * anybody knows who asks; clients beyond the bound wait unread, and while some wait, those that take long are ended earlier.
 */
import type { Socket } from "node:net"
import type { Place } from "../accept-connections.ts"
import type { ClientConnection } from "../client-connection.ts"
import type { DeadlineWheel, Timed } from "../http1/deadline-wheel.ts"

/** Handshakes at a time. */
const MOST = 1000
/** From the first byte until it is done, in milliseconds. */
export const LONGEST_HANDSHAKE_MS = 10_000
/** The same while others wait. */
const CROWDED_MS = 2000
const CROWDED_LOOK_MS = 250

/** A client's connection until its handshake is done. */
export class Handshake implements ClientConnection, Timed {
  deadline = Number.POSITIVE_INFINITY
  due = 0
  readonly isIdle = false
  readonly socket: Socket
  readonly place: Place
  readonly begin: (socket: Socket) => void
  startedMs = 0

  constructor(socket: Socket, place: Place, begin: (socket: Socket) => void) {
    this.socket = socket
    this.place = place
    this.begin = begin
  }

  closeSoon(): void {
    this.socket.destroy()
  }

  expired(): void {
    this.socket.destroy()
  }
}

export class Handshakes {
  readonly #wheel: DeadlineWheel
  readonly #ms: number
  readonly #ended: (handshake: Handshake) => void
  /** In the order of their starts. */
  readonly #active = new Map<Socket, Handshake>()
  readonly #waiting = new Map<Socket, Handshake>()
  #timer: NodeJS.Timeout | null = null

  /** `ms`: how long one may take. `ended`: the connection has ended before its handshake was done. */
  constructor(wheel: DeadlineWheel, ms: number, ended: (handshake: Handshake) => void) {
    this.#wheel = wheel
    this.#ms = ms
    this.#ended = ended
  }

  /** Begins it now or when its turn comes. */
  add(handshake: Handshake): void {
    const { socket } = handshake
    this.#wheel.add(handshake)
    this.#wheel.set(handshake, this.#ms)
    socket.once("close", () => {
      if (this.take(socket) !== null) this.#ended(handshake)
    })
    if (this.#active.size < MOST) this.#begin(handshake)
    else {
      this.#waiting.set(socket, handshake)
      this.#timer ??= setInterval(() => this.#endSlow(), CROWDED_LOOK_MS).unref()
    }
  }

  /** It is done: the handshake on `socket`, which is none any more. Null: there was none. */
  take(socket: Socket): Handshake | null {
    const handshake = this.#active.get(socket) ?? this.#waiting.get(socket)
    if (handshake === undefined) return null
    this.#wheel.remove(handshake)
    this.#active.delete(socket)
    this.#waiting.delete(socket)
    this.#beginNext()
    return handshake
  }

  #begin(handshake: Handshake): void {
    handshake.startedMs = performance.now()
    this.#active.set(handshake.socket, handshake)
    handshake.begin(handshake.socket)
  }

  #beginNext(): void {
    const [next] = this.#waiting.values()
    if (next !== undefined && this.#active.size < MOST) {
      this.#waiting.delete(next.socket)
      this.#begin(next)
    }
    if (this.#waiting.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #endSlow(): void {
    const beforeMs = performance.now() - CROWDED_MS
    for (const { startedMs, socket } of this.#active.values()) {
      if (startedMs > beforeMs) return
      socket.destroy()
    }
  }
}
