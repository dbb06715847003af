/**
 * Connection: one kept-alive connection to a server app. Owns the socket, its reading into the pool's one block, and the
 * reader of its answers; serves one user (an exchange) at a time, or a tunnel until its end. Owns no policy: who is next is the pool's
 * (`upstream.ts`). Longer than 300 lines: one socket in all its states.
 */
import type { ClientErrorCode } from "../../../protocol/errors.ts"
import type { UpstreamAddress } from "./address.ts"
import { ResponseReader, type ResponseSink } from "./response-reader.ts"
import { UpstreamSocket } from "./upstream-socket.ts"
import type { Verdict } from "./verdict.ts"

/** Until when a server must have accepted a connection. */
const CONNECT_MS = 5000
/** How long after its queue of connections was found full a server is asked again. */
const CONNECT_AGAIN_MS = 20
/** How long the head of an answer is waited for after a write failed. */
const ANSWER_AFTER_FAILED_WRITE_MS = 1000
/** A connection is not used again so shortly before the app closes it. */
const KEEP_ALIVE_MARGIN_MS = 1000
const STREAM_BYTES = 64 * 1024

/** The exchange that a connection serves. */
export interface ConnectionUser extends ResponseSink, ConnectionEvents {
  /** The connection is made: send. */
  connected(): void
  /** The answer is whole. Returns whether the connection can serve another: all of the request was sent. */
  answered(): boolean
}

/** The exchange that a connection serves until both end: what the app sends is no HTTP any more. */
export interface TunnelUser extends ConnectionEvents {
  /** Bytes of the app, good during the call only. */
  tunnelBytes(bytes: Uint8Array): void
  /** The app sends no more. */
  tunnelEnded(): void
  /** The app takes no more bytes, ever. */
  writeFailed(): void
}

interface ConnectionEvents {
  /** The app takes bytes again. */
  writable(): void
  /** The connection was ended for this reason. */
  fail(code: ClientErrorCode, detail: string): void
  /** The connection was ended because the instance is. */
  end(verdict: Verdict): void
  /** The connection ended before the answer did. `code`: of the system, or a few words. */
  broken(code: string): void
}

export interface ConnectionOwner {
  readonly address: UpstreamAddress
  /** The block that every connection reads into: what is kept must be copied before the next read. */
  readonly readBlock: Uint8Array
  /** Answers are being handed on, or no longer. */
  reading(now: boolean): void
  /** It can serve another user. */
  released(connection: Connection): void
  closed(connection: Connection): void
}

export class Connection {
  readonly reader = new ResponseReader()
  /** The server has accepted it. */
  connected = false
  /** It has answered before. */
  reused = false
  readonly #owner: ConnectionOwner
  #socket: UpstreamSocket
  #user: ConnectionUser | null
  #tunnel: TunnelUser | null = null
  #writeFailed = false
  #paused = false
  #closed = false
  /** Until when it may be used again. */
  #usableUntilMs = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  readonly #connectUntilMs = performance.now() + CONNECT_MS
  /** A block of its own while large pieces come: they are handed on without a copy. */
  #streamBlock: Uint8Array | null = null

  constructor(owner: ConnectionOwner, user: ConnectionUser) {
    this.#owner = owner
    this.#user = user
    this.#socket = this.#connect()
    this.#timer = setTimeout(() => this.#end("no connection in time"), CONNECT_MS)
  }

  /** An idle connection that the app does not close just now. */
  get usable(): boolean {
    if (this.#closed || this.#socket.destroyed) return false
    return this.#usableUntilMs === Number.POSITIVE_INFINITY || performance.now() < this.#usableUntilMs
  }

  /** Serves `user` next. Only when idle. */
  use(user: ConnectionUser): void {
    this.reused = true
    this.#user = user
  }

  /** False: the app takes no more for now, or never again; wait for `writable`. */
  write(bytes: Uint8Array): boolean {
    const room = this.#socket.write(bytes)
    // A stream of Node says no to more than its mark even when the system has taken all of it.
    return (room || this.flushed) && !this.#writeFailed
  }

  /** All that was written has gone to the system. */
  get flushed(): boolean {
    return this.#socket.writableLength === 0
  }

  /** It serves `user` instead, and nobody else after it. Only from within the answer. */
  tunnelTo(user: TunnelUser): void {
    this.#user = null
    this.#tunnel = user
    this.#streamBlock = null
  }

  /** Of a tunnel: nothing more is written. */
  endHalf(): void {
    if (!this.#closed) this.#socket.end()
  }

  /** The app takes no more bytes, ever. */
  get takesNothing(): boolean {
    return this.#writeFailed || this.#closed
  }

  /** Of a tunnel: its user is told nothing any more. What was written still goes out. */
  leave(): void {
    this.#tunnel = null
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  /** Reads no more for now. */
  pause(): void {
    this.#paused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#socket.resume()
  }

  /** Ends it now, and its user with it. */
  fail(code: ClientErrorCode, detail: string): void {
    const user = this.#served
    this.destroy()
    user?.fail(code, detail)
  }

  /** Ends it now, because the instance ends. */
  end(verdict: Verdict): void {
    const user = this.#served
    this.destroy()
    user?.end(verdict)
  }

  /** Ends it now; its user is told nothing. */
  destroy(): void {
    this.#user = null
    this.#tunnel = null
    this.#end("")
  }

  get #served(): ConnectionEvents | null {
    return this.#user ?? this.#tunnel
  }

  /** What the piece of a body is to be kept as: it may lie in the block that the next read overwrites. */
  own(piece: Uint8Array): Uint8Array {
    if (
      this.#streamBlock !== null &&
      piece.buffer === this.#streamBlock.buffer &&
      piece.length >= STREAM_BYTES / 2
    ) {
      this.#streamBlock = Buffer.allocUnsafeSlow(STREAM_BYTES)
      return piece
    }
    const copy = Buffer.allocUnsafe(piece.length)
    copy.set(piece)
    return copy
  }

  #connect(): UpstreamSocket {
    const { address, readBlock } = this.#owner
    const socket = new UpstreamSocket(
      {
        allowHalfOpen: true,
        onread: {
          buffer: () => this.#streamBlock ?? readBlock,
          callback: (bytes: number, block: Uint8Array) => this.#read(block, bytes),
        },
      },
      () => this.#writeHasFailed(),
    )
    let errorCode = ""
    socket.on("connect", () => this.#isConnected())
    socket.on("drain", () => this.#served?.writable())
    socket.on("end", () => this.#readEnd())
    socket.on("error", (error: NodeJS.ErrnoException) => {
      errorCode = error.code ?? error.message
    })
    socket.on("close", () => {
      if (errorCode === "EAGAIN" && !this.connected && !this.#closed) this.#connectAgain()
      else this.#end(errorCode === "" ? "ECONNRESET" : errorCode)
    })
    if (!("path" in address)) socket.setNoDelay(true)
    return socket.connect({ ...address })
  }

  #isConnected(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.connected = true
    this.#user?.connected()
  }

  /** A unix socket whose queue is full refuses where TCP would wait. */
  #connectAgain(): void {
    if (performance.now() + CONNECT_AGAIN_MS > this.#connectUntilMs) return
    setTimeout(() => {
      if (!this.#closed) this.#socket = this.#connect()
    }, CONNECT_AGAIN_MS)
  }

  #read(block: Uint8Array, bytes: number): boolean {
    this.#owner.reading(true)
    this.#deliver(block, bytes)
    this.#owner.reading(false)
    return true
  }

  #deliver(block: Uint8Array, bytes: number): void {
    const { reader } = this
    const user = this.#user
    if (this.#tunnel !== null) return this.#tunnel.tunnelBytes(block.subarray(0, bytes))
    // Nothing was asked: whose answer would it be?
    if (user === null) return this.#end("")
    reader.read(block, 0, bytes, user)
    if (this.#user !== user) return
    if (reader.error !== "") this.fail("APP_RESPONSE_INVALID", malformed(reader.error))
    else if (reader.ended) this.#answered(user)
    else if (bytes === block.length && this.#streamBlock === null && reader.bodyLeft >= STREAM_BYTES)
      this.#streamBlock = Buffer.allocUnsafeSlow(STREAM_BYTES)
  }

  #answered(user: ConnectionUser): void {
    const { reader } = this
    const sent = user.answered()
    if (this.#user !== user) return
    this.#user = null
    this.#streamBlock = null
    const seconds = reader.keepAliveSeconds
    this.#usableUntilMs =
      seconds === -1 ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000 - KEEP_ALIVE_MARGIN_MS
    const reusable =
      sent && reader.persistent && reader.excessBytes === 0 && !this.#writeFailed && this.flushed
    if (!reusable || this.#closed || !this.usable) this.#end("")
    else {
      this.resume()
      this.#owner.released(this)
    }
  }

  #readEnd(): void {
    const { reader } = this
    const user = this.#user
    if (this.#tunnel !== null) return this.#tunnel.tunnelEnded()
    if (user !== null) {
      reader.finish(user)
      if (this.#user === user && reader.error !== "")
        this.fail("APP_RESPONSE_INVALID", malformed(reader.error))
      else if (this.#user === user && reader.ended) this.#answered(user)
    }
    this.#end("ECONNRESET")
  }

  #writeHasFailed(): void {
    if (this.#writeFailed || this.#closed) return
    this.#writeFailed = true
    if (this.#tunnel !== null) this.#tunnel.writeFailed()
    else if (this.#user === null) this.#end("")
    else {
      this.#timer = setTimeout(() => {
        if (!this.reader.begun) this.#end("EPIPE")
      }, ANSWER_AFTER_FAILED_WRITE_MS)
      // Reading stops when the client is slow, and goes on when it is not: nothing to do here.
    }
  }

  #end(code: string): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#socket.destroy()
    this.#streamBlock = null
    this.#owner.closed(this)
    const user = this.#served
    this.#user = null
    this.#tunnel = null
    user?.broken(code)
  }
}

function malformed(what: string): string {
  return `the app's response is not valid HTTP: ${what}`
}
