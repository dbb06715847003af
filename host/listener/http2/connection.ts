/**
 * Http2Connection: a client's connection that speaks HTTP/2 (RFC 9113), on node:http2: frames, HPACK and windows are nghttp2's. Gives
 * each request to the host as an exchange, bounds what a client can ask of us, and ends the connection: in order (GOAWAY, then the
 * streams in progress), or at once when the client only makes work. All deadlines of it and its streams hang on one place on the
 * listener's wheel. Counterpart: `http1/connection.ts`.
 */
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2"
import type { Socket } from "node:net"
import { type ClientErrorCode, messageOf } from "../../../protocol/errors.ts"
import type { ClientConnection } from "../client-connection.ts"
import type { Timed } from "../http1/deadline-wheel.ts"
import type { Peer } from "../http1/forwarded.ts"
import { takenFrom } from "../http1/output.ts"
import type { ListenerServices } from "../http1/services.ts"
import { exchangeOf, Http2Exchange } from "./exchange.ts"
import { FloodGuard } from "./flood-guard.ts"
import { answerWithPage } from "./page.ts"
import { acceptOf, Http2HeadReader } from "./request-head.ts"
import { CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, sessionOptions } from "./session-options.ts"

const { NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_FLAG_END_STREAM, NGHTTP2_SETTINGS_TIMEOUT } = constants
/** How often a connection is looked at, in milliseconds; its deadlines are late by as much. */
const LOOK_MS = 1000
/** The same for one on which much comes in. */
const BUSY_LOOK_MS = 250
const BUSY_BYTES = 1024 * 1024
/** A client that ended its half is given so long to get an answer that is nearly there, in milliseconds. */
const HALF_CLOSED_MS = 50
/** After the last answer the client has so long to end its side. */
const LINGER_MS = 2000

export class Http2Connection implements ClientConnection, Timed {
  deadline = Number.POSITIVE_INFINITY
  due = 0
  readonly socket: Socket
  readonly #peer: Peer
  readonly #services: ListenerServices
  readonly #closed: (connection: Http2Connection) => void
  readonly #session: ServerHttp2Session
  readonly #heads: Http2HeadReader
  readonly #guard: FloodGuard
  /** All whose streams are open: some have their answer, and their clients have not. */
  readonly #open = new Set<Http2Exchange>()
  readonly #startedAtMs = performance.now()
  /** When the last stream closed, or the connection began. */
  #idleAtMs = this.#startedAtMs
  #hasAsked = false
  /** Ends: nothing but what is written goes out any more. */
  #isEnding = false
  #isLogged = false
  #receivedBytes = 0
  /** What the client had taken when it was last looked at. */
  #taken = ""
  #movedAtMs = this.#startedAtMs

  /** `socket` may hold bytes that have come already. */
  constructor(
    socket: Socket,
    peer: Peer,
    services: ListenerServices,
    closed: (connection: Http2Connection) => void,
  ) {
    this.socket = socket
    this.#peer = peer
    this.#services = services
    this.#closed = closed
    this.#heads = new Http2HeadReader(peer, services.settings, services.ids)
    this.#guard = new FloodGuard(this.#startedAtMs)
    const session = performServerHandshake(socket, sessionOptions(services.settings))
    this.#session = session
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES)
    session.on("stream", (stream, _fields, flags, raw: string[]) => this.#requested(stream, flags, raw))
    session.on("error", (error) => this.#failed(error))
    socket.on("end", () => this.#clientEnded())
    socket.on("close", () => this.#socketClosed())
    services.wheel.add(this)
    services.wheel.set(this, BUSY_LOOK_MS)
  }

  get isIdle(): boolean {
    return this.#open.size === 0
  }

  /** GOAWAY: no further request is answered; those in progress are. */
  closeSoon(): void {
    if (this.#session.closed || this.#session.destroyed) return
    this.#session.close()
    if (this.isIdle) this.#linger()
  }

  /** Looks at all that waits for the client. */
  expired(): void {
    const { socket } = this
    if (this.#isEnding || socket.destroyed) {
      socket.destroy()
      return
    }
    const nowMs = performance.now()
    const { bytesRead } = socket
    const comesBytes = bytesRead - this.#receivedBytes
    this.#receivedBytes = bytesRead
    // What is held back for the apps is counted when they take it.
    const isFlood = this.#guard.look(nowMs, bytesRead, this.#waitingBytes)
    if (isFlood) this.#calm("bytes that carry nothing")
    else if (this.#lookAtStreams(nowMs)) this.#lookAtSession(nowMs)
    if (!this.#isEnding) this.#services.wheel.set(this, comesBytes > BUSY_BYTES ? BUSY_LOOK_MS : this.#lookMs)
  }

  get #lookMs(): number {
    const { headersMs, keepAliveMs, bodyMs, sendMs } = this.#services.settings
    return Math.min(LOOK_MS, headersMs, keepAliveMs, bodyMs, sendMs)
  }

  get #waitingBytes(): number {
    let bytes = 0
    for (const exchange of this.#open) bytes += exchange.waitingBytes
    return bytes
  }

  /** @returns false when the connection has ended. */
  #lookAtStreams(nowMs: number): boolean {
    const { bodyMs, sendMs } = this.#services.settings
    const taken = takenFrom(this.socket)
    if (taken !== this.#taken) this.#movedAtMs = nowMs
    this.#taken = taken
    const isMoving = nowMs - this.#movedAtMs < sendMs
    let stalled = 0
    for (const exchange of this.#open) {
      exchange.look(nowMs, bodyMs)
      if (exchange.end.look(nowMs, sendMs, isMoving)) stalled++
    }
    // A client that takes nothing at all would not take the word of it either.
    if (stalled === 0 || isMoving || stalled < this.#open.size) return true
    this.socket.destroy()
    return false
  }

  #lookAtSession(nowMs: number): void {
    const { headersMs, keepAliveMs } = this.#services.settings
    const session = this.#session
    if (session.pendingSettingsAck && nowMs - this.#startedAtMs >= headersMs) {
      session.destroy(new Error("SETTINGS were not acknowledged"), NGHTTP2_SETTINGS_TIMEOUT)
      this.#linger()
    } else if (this.isIdle && nowMs - this.#idleAtMs >= (this.#hasAsked ? keepAliveMs : headersMs))
      this.#close()
  }

  #requested(stream: ServerHttp2Stream, flags: number, fields: readonly string[]): void {
    stream.on("error", onError)
    this.#hasAsked = true
    const head = this.#heads.read(fields, (flags & NGHTTP2_FLAG_END_STREAM) !== 0)
    let bytes = 0
    for (let i = 0; i < fields.length; i++) bytes += (fields[i] as string).length
    this.#guard.useful(bytes)
    if (head === null) {
      this.#refuse(stream, fields)
      return
    }
    stream.on("aborted", onAborted)
    stream.on("close", this.#onClose)
    const exchange = new Http2Exchange({ stream, head, services: this.#services, guard: this.#guard })
    this.#open.add(exchange)
    this.#services.handle(exchange)
  }

  /** One function for all streams of the connection: an event names its stream as `this` alone. */
  readonly #onClose = streamClosed((stream) => {
    const exchange = exchangeOf(stream)
    this.#open.delete(exchange)
    exchange.left()
    const nowMs = performance.now()
    if (this.isIdle) this.#idleAtMs = nowMs
    // What the client sends until it hears that nobody reads it.
    if (exchange.bodyArriving) this.#guard.useful(STREAM_WINDOW_BYTES / 2)
    const isBroken = stream.aborted || stream.rstCode !== 0
    if (isBroken && !exchange.end.isCut && this.#guard.reset(nowMs)) this.#calm("streams that are reset")
    if (this.isIdle && this.#session.closed) this.#linger()
  })

  /** Answers what is no request. */
  #refuse(stream: ServerHttp2Stream, fields: readonly string[]): void {
    const { ids } = this.#services
    const { refusal, detail } = this.#heads
    const requestId = ids.next()
    const context = { app: null, requestId, accept: acceptOf(fields), retryAfterSeconds: null }
    if (!stream.destroyed && !stream.closed) answerWithPage(stream, this.#services, refusal, context)
    this.#log(requestId, refusal, detail)
  }

  /** What no app was asked stands in the log all the same. */
  #log(requestId: string, code: ClientErrorCode, detail: string): void {
    this.#services.refused({ requestId, code, detail, clientAddress: this.#peer.address })
  }

  // Ends

  /** The client makes nothing but work. */
  #calm(what: string): void {
    if (this.#isEnding) return
    this.#logEnd(`too many ${what}: the connection is ended`)
    this.#session.destroy(new Error(what), NGHTTP2_ENHANCE_YOUR_CALM)
    this.#linger()
  }

  /** It broke the protocol, or nghttp2's bounds; or the socket failed, which needs no words. */
  #failed(error: Error & { code?: string }): void {
    if (error.code?.startsWith("ERR_HTTP2") === true) this.#logEnd(messageOf(error))
    this.#linger()
  }

  #logEnd(detail: string): void {
    if (this.#isLogged) return
    this.#isLogged = true
    this.#log(this.#services.ids.next(), "BAD_REQUEST", `HTTP/2: ${detail}`)
  }

  #close(): void {
    this.#session.close()
    this.#linger()
  }

  /** What is written goes out; a client that does not end its side then is cut. */
  #linger(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    if (!this.socket.destroyed) this.#services.wheel.set(this, LINGER_MS)
  }

  /** The client says nothing more, not even what it has read: it has left. */
  #clientEnded(): void {
    if (this.isIdle) this.#close()
    else setTimeout(() => this.socket.destroy(), HALF_CLOSED_MS).unref()
  }

  #socketClosed(): void {
    this.#isEnding = true
    this.#services.wheel.remove(this)
    for (const exchange of this.#open) exchange.left()
    this.#open.clear()
    this.#closed(this)
  }
}

function streamClosed(closed: (stream: ServerHttp2Stream) => void) {
  return function (this: ServerHttp2Stream): void {
    closed(this)
  }
}

function onAborted(this: ServerHttp2Stream): void {
  exchangeOf(this).left()
}

function onError(): void {
  // Whatever it is, `close` follows.
}
