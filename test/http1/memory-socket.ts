/** A socket in memory, as far as `Http1Connection` uses one: synchronous, so that a run is the same each time. */
import { EventEmitter } from "node:events"
import type { Socket } from "node:net"

export class MemorySocket extends EventEmitter {
  /** All that was written, Latin-1. */
  written = ""
  ended = false
  destroyed = false
  /** Bytes that are written and not taken, when `takes` is false. */
  writableLength = 0
  readonly bytesWritten = 0
  /** The other side takes what is written. */
  takes = true
  onBytes: (bytes: Buffer) => void = () => undefined
  #paused = false
  #pieces: Buffer[] = []
  #whenEnded: (() => void) | null = null

  /** As what it stands for. */
  get socket(): Socket {
    return this as unknown as Socket
  }

  /** Bytes of the client. They are overwritten after the call. */
  receive(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#deliver()
  }

  /** What the event loop does between two reads. */
  turn(): void {
    if (this.destroyed) {
      this.emitClose()
      return
    }
    if (this.takes && this.writableLength > 0) {
      this.writableLength = 0
      this.emit("drain")
    }
    if (this.takes) this.#whenEnded?.()
    this.#whenEnded = this.takes ? null : this.#whenEnded
    this.#deliver()
  }

  /** Not all that came was read. */
  get isHeldBack(): boolean {
    return this.#pieces.length > 0
  }

  emitClose(): void {
    if (this.listenerCount("close") === 0) return
    this.destroyed = true
    this.emit("close")
    this.removeAllListeners()
  }

  isPaused(): boolean {
    return this.#paused
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
  }

  cork(): void {}

  uncork(): void {}

  write(data: string | Uint8Array): boolean {
    if (this.ended) throw new Error("written after the end")
    if (this.destroyed) return true
    this.written += typeof data === "string" ? data : Buffer.from(data).toString("latin1")
    if (!this.takes) this.writableLength += data.length
    return this.takes
  }

  end(ended?: () => void): void {
    if (this.ended) return
    this.ended = true
    this.#whenEnded = ended ?? null
  }

  destroy(): void {
    this.destroyed = true
  }

  resetAndDestroy(): void {
    this.destroyed = true
  }

  #deliver(): void {
    while (!this.#paused && !this.destroyed) {
      const piece = this.#pieces.shift()
      if (piece === undefined) return
      const shared = Buffer.from(piece)
      this.onBytes(shared)
      shared.fill(0)
    }
  }
}
