/**
 * FloodGuard: tells clients that work from those that make work. Beside what nghttp2 bounds itself (unanswered pings and settings,
 * CONTINUATION, invalid frames), it counts two things of a connection: streams that did not come to their end, and bytes that
 * carried neither a request nor a body. Owns the counts; ending the connection is `connection.ts`'s.
 */

/** Streams that break off: so many at once, so many a second. A page that is left cancels some dozens. */
const MOST_RESETS = 200
const RESETS_PER_SECOND = 20
/** Bytes of frames that mean nothing: so many at once, so many a second. A client that reads quickly sends a few hundred. */
const MOST_IDLE_BYTES = 512 * 1024
const IDLE_BYTES_PER_SECOND = 32 * 1024
/** Frame heads, padding and window updates that come with a request or a body, beside their own bytes. */
const FRAME_BYTES = 64

export class FloodGuard {
  #resets = 0
  #resetAtMs = 0
  /** Bytes of the connection that are accounted for. */
  #usefulBytes = 0
  #seenBytes = 0
  #idleBytes = 0
  #lookedAtMs: number

  constructor(nowMs: number) {
    this.#lookedAtMs = nowMs
  }

  /** A request, or a piece of a body either way, with so many bytes from the client. */
  useful(bytes: number): void {
    this.#usefulBytes += 2 * bytes + FRAME_BYTES
  }

  /** A stream broke off before its end. @returns true: that is too much. */
  reset(nowMs: number): boolean {
    const leaked = ((nowMs - this.#resetAtMs) / 1000) * RESETS_PER_SECOND
    this.#resets = Math.max(0, this.#resets - leaked) + 1
    this.#resetAtMs = nowMs
    return this.#resets > MOST_RESETS
  }

  /**
   * `receivedBytes`: all that the client has sent; `waitingBytes`: so many of them wait to be read by apps.
   * @returns true: too much of it means nothing.
   */
  look(nowMs: number, receivedBytes: number, waitingBytes: number): boolean {
    const seenBytes = receivedBytes - waitingBytes
    const idleBytes = seenBytes - this.#seenBytes - this.#usefulBytes
    const leaked = ((nowMs - this.#lookedAtMs) / 1000) * IDLE_BYTES_PER_SECOND
    this.#idleBytes = Math.max(0, this.#idleBytes + idleBytes - leaked)
    this.#seenBytes = seenBytes
    this.#usefulBytes = 0
    this.#lookedAtMs = nowMs
    return this.#idleBytes > MOST_IDLE_BYTES
  }
}
