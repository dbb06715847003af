/**
 * EngineSessions: which instance began which session of Engine.IO, the transport of socket.io. A client that polls comes with many
 * requests, and goes on by WebSocket; each names the session, which is told by the answer to the first (engine.io-protocol).
 */
import type { Slot } from "./slot.ts"

/** Sessions of an app that are known; the one that was silent for longest is forgotten first. */
const MOST_SESSIONS = 50_000
const LONGEST_ID = 128
/** The open packet stands at the beginning of the answer: `0{"sid":"…"`, behind a length (version 3) or in a script (JSONP). */
const OPEN_BYTES = 512
const OPEN = /0\{\\?"sid\\?":\\?"([^"\\]+)/

/** @returns null where the target names none. */
export function sessionOf(target: string): string | null {
  return isEngine(target) ? (queryOf(target).get("sid") ?? null) : null
}

/** The first request of a session. */
export function isHandshake(target: string): boolean {
  return isEngine(target) && !queryOf(target).has("sid")
}

export class EngineSessions {
  readonly #slots = new Map<string, Slot>()
  /** Those whose end is awaited. */
  readonly #known = new WeakSet<Slot>()

  /** The instance that began the session, when it still takes requests. */
  get(id: string): Slot | null {
    const slot = this.#slots.get(id)
    if (slot === undefined || !slot.takesRequests) return null
    this.#slots.delete(id)
    this.#slots.set(id, slot)
    return slot
  }

  /** `answer`: the first bytes of the body that answers a handshake. */
  learn(answer: Uint8Array, slot: Slot): void {
    const text = Buffer.from(answer.buffer, answer.byteOffset, Math.min(answer.length, OPEN_BYTES)).toString(
      "latin1",
    )
    const id = OPEN.exec(text)?.[1]
    if (id === undefined || id.length > LONGEST_ID) return
    this.#slots.set(id, slot)
    if (this.#slots.size > MOST_SESSIONS) {
      const [oldest] = this.#slots.keys()
      if (oldest !== undefined) this.#slots.delete(oldest)
    }
    if (this.#known.has(slot)) return
    this.#known.add(slot)
    void slot.gone.then(() => this.#forget(slot))
  }

  #forget(gone: Slot): void {
    for (const [id, slot] of this.#slots) if (slot === gone) this.#slots.delete(id)
  }
}

function isEngine(target: string): boolean {
  return target.includes("EIO=")
}

function queryOf(target: string): URLSearchParams {
  return new URLSearchParams(target.slice(target.indexOf("?") + 1))
}
