/**
 * FirstBytes: a connection whose first bytes tell what is spoken on it. Reads until that is known, with a deadline, and gives the
 * bytes to who goes on; the socket is then paused, and its events are free.
 */
import type { Socket } from "node:net"
import type { ClientConnection } from "./client-connection.ts"
import type { DeadlineWheel, Timed } from "./http1/deadline-wheel.ts"

export interface FirstBytesParts {
  readonly wheel: DeadlineWheel
  /** So long they may take, in milliseconds. */
  readonly ms: number
  /** Whether `bytes`, all that have come, tell what is spoken. */
  isEnough(bytes: Buffer): boolean
  /** Called once, with all bytes that have come. */
  known(bytes: Buffer): void
  /** The connection ended before that. */
  closed(it: ClientConnection): void
}

export class FirstBytes implements ClientConnection, Timed {
  deadline = Number.POSITIVE_INFINITY
  due = 0
  readonly socket: Socket
  readonly #parts: FirstBytesParts
  #bytes: Buffer | null = null
  readonly #data = (chunk: Buffer): void => this.#received(chunk)
  readonly #gone = (): void => {
    this.socket.destroy()
    this.#leave()
    this.#parts.closed(this)
  }

  /** `socket` is paused (`pauseOnConnect`). */
  constructor(socket: Socket, parts: FirstBytesParts) {
    this.socket = socket
    this.#parts = parts
    parts.wheel.add(this)
    parts.wheel.set(this, parts.ms)
    socket.on("data", this.#data)
    for (const event of ENDS) socket.on(event, this.#gone)
    socket.resume()
  }

  /** A client that says nothing keeps nobody's place. */
  get isIdle(): boolean {
    return this.#bytes === null
  }

  closeSoon(): void {
    this.#gone()
  }

  expired(): void {
    this.#gone()
  }

  #received(chunk: Buffer): void {
    const bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk])
    this.#bytes = bytes
    if (!this.#parts.isEnough(bytes)) return
    this.socket.pause()
    this.#leave()
    this.#parts.known(bytes)
  }

  #leave(): void {
    this.#parts.wheel.remove(this)
    this.socket.off("data", this.#data)
    for (const event of ENDS) this.socket.off(event, this.#gone)
    // Nobody may listen for a while: an error without listener would end the host.
    this.socket.on("error", ignore)
  }
}

const ENDS = ["end", "error", "close"] as const

function ignore(): void {
  // `close` follows.
}
