/**
 * SocketWatch: the time of all WebSocket connections of an acceptor with one timer: pings, those that are not answered, and
 * connections without messages.
 */
import type { GoAwayCode } from "../../protocol/exchange.ts"
import type { WebSocketLimits } from "../../runtimes/app-spec.ts"

export interface Watched {
  /** When it is pinged next. */
  dueMs: number
  /** It was pinged. */
  isAsked: boolean
  lastMessageMs: number
  readonly isOpen: boolean
  readonly isPaused: boolean
  takeMoved(): boolean
  ping(): void
  goAway(code: GoAwayCode, reason: string): void
}

/** Looks in the shortest of the times: pings of connections that came together go out apart. */
const LOOKS = 8
const LEAST_STEP_MS = 20
const LONGEST_STEP_MS = 60_000

export class SocketWatch {
  readonly #pingMs: number
  readonly #idleMs: number
  readonly #stepMs: number
  readonly #sockets = new Set<Watched>()
  #timer: NodeJS.Timeout | null = null

  constructor({ pingMs, idleMs }: WebSocketLimits) {
    this.#pingMs = pingMs
    this.#idleMs = idleMs
    const stepMs = Math.min(pingMs, idleMs) / LOOKS
    this.#stepMs = Math.max(LEAST_STEP_MS, Math.min(stepMs, LONGEST_STEP_MS))
  }

  add(socket: Watched): void {
    if (this.#pingMs === Number.POSITIVE_INFINITY && this.#idleMs === Number.POSITIVE_INFINITY) return
    const nowMs = performance.now()
    socket.dueMs = nowMs + this.#pingMs
    socket.lastMessageMs = nowMs
    this.#sockets.add(socket)
    this.#timer ??= setInterval(() => this.#look(), this.#stepMs).unref()
  }

  delete(socket: Watched): void {
    this.#sockets.delete(socket)
    if (this.#sockets.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }

  #look(): void {
    const nowMs = performance.now()
    for (const socket of this.#sockets) {
      if (!socket.isOpen) continue
      if (nowMs - socket.lastMessageMs >= this.#idleMs) socket.goAway(1001, "no message for too long")
      else if (nowMs >= socket.dueMs) this.#ping(socket, nowMs)
    }
  }

  #ping(socket: Watched, nowMs: number): void {
    socket.dueMs = nowMs + this.#pingMs
    // Any byte is a sign of life: a pong may stand behind a message that is long, or that nobody reads yet.
    const isThere = socket.takeMoved() || socket.isPaused
    if (socket.isAsked && !isThere) socket.goAway(1001, "no answer to a ping")
    else {
      socket.isAsked = true
      socket.ping()
    }
  }
}
