/**
 * SocketEnd: one WebSocket connection of a fetch app, between `ws` and the stream of messages to the guest. Owns back-pressure both
 * ways and how it closes. There may be thousands that do nothing: no timer and as few functions of its own as can be.
 */
import { type RawData, WebSocket } from "ws"
import type { GoAwayCode } from "../../protocol/exchange.ts"
import type { WebSocketEnd, WebSocketEvents } from "../../protocol/websocket.ts"
import type { ExchangeStream } from "./exchange-stream.ts"
import type { SocketWatch, Watched } from "./watch.ts"

/** So many bytes that the client has not taken, and the app has to wait. */
const MOST_BUFFERED_BYTES = 256 * 1024
/** RFC 6455 5.5: 125 bytes of payload, 2 of them the code's. */
const MOST_REASON_BYTES = 123

/** `ws`' own socket, which knows whose it is: so its listeners are the same functions for all. */
export class AcceptedSocket extends WebSocket {
  end: SocketEnd | null = null
}

export class SocketEnd implements WebSocketEnd, Watched {
  dueMs = 0
  isAsked = false
  lastMessageMs = 0
  readonly #socket: AcceptedSocket
  readonly #stream: ExchangeStream
  readonly #events: WebSocketEvents
  readonly #watch: SocketWatch
  #isFull = false
  /** The app reads no messages any more, which must not keep the client's close frame from being read. */
  #isDropping = false

  constructor(
    socket: AcceptedSocket,
    stream: ExchangeStream,
    { events, watch }: { events: WebSocketEvents; watch: SocketWatch },
  ) {
    this.#socket = socket
    this.#stream = stream
    this.#events = events
    this.#watch = watch
    socket.end = this
    socket.on("message", onMessage)
    socket.on("close", onClose)
    socket.on("error", onError)
    stream.socketEnd = this
    watch.add(this)
    stream.open()
  }

  send(bytes: Uint8Array, isText: boolean, end: boolean): boolean {
    const socket = this.#socket
    if (socket.readyState !== WebSocket.OPEN) return true
    if (end) this.lastMessageMs = performance.now()
    const options = { binary: !isText, fin: end }
    if (socket.bufferedAmount + bytes.length <= MOST_BUFFERED_BYTES) {
      socket.send(bytes, options)
      return true
    }
    this.#isFull = true
    socket.send(bytes, options, () => this.#sent())
    return false
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  close(code: number, reason: string): void {
    if (this.#socket.isPaused) {
      this.#isDropping = true
      this.#socket.resume()
    }
    if (code === 1005) this.#socket.close()
    else if (mayBeSent(code)) this.#socket.close(code, shortened(reason))
    else this.#socket.close(1011, "the app closed with a code that may not be sent")
  }

  destroy(): void {
    this.#socket.terminate()
  }

  pause(): void {
    if (!this.#isDropping) this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  goAway(code: GoAwayCode, reason = ""): void {
    this.#socket.close(code, reason)
  }

  // For the watch

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  /** Nobody reads what the client answers. */
  get isPaused(): boolean {
    return this.#socket.isPaused
  }

  /** Whether anything came from the client, or was taken by it, since the last call. */
  takeMoved(): boolean {
    const { moved } = this.#stream
    this.#stream.moved = false
    return moved
  }

  ping(): void {
    this.#socket.ping()
  }

  // Events of the socket

  received(data: Buffer, isBinary: boolean): void {
    this.lastMessageMs = performance.now()
    if (!this.#isDropping) this.#events.message(!isBinary, data)
  }

  closed(code: number, reason: Buffer): void {
    this.#watch.delete(this)
    this.#events.closed(code, reason.toString())
  }

  #sent(): void {
    if (!this.#isFull || this.#socket.readyState === WebSocket.CLOSED) return
    // Of several that wait the last one counts.
    if (this.#socket.bufferedAmount > MOST_BUFFERED_BYTES / 2) return
    this.#isFull = false
    this.#events.drained()
  }
}

/** The end of a connection whose client has left before it was accepted. */
export function closedEnd(events: WebSocketEvents): WebSocketEnd {
  queueMicrotask(() => events.closed(1006, ""))
  return CLOSED_END
}

const CLOSED_END: WebSocketEnd = {
  send: () => true,
  bufferedBytes: 0,
  close: () => undefined,
  destroy: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
}

/** RFC 6455 7.4. */
function mayBeSent(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
    (code >= 3000 && code <= 4999)
  )
}

/** Cut between characters. */
function shortened(reason: string): string {
  const bytes = Buffer.from(reason)
  if (bytes.length <= MOST_REASON_BYTES) return reason
  let end = MOST_REASON_BYTES
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString("utf8", 0, end)
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  // One buffer: `binaryType` is "nodebuffer".
  ;(this as AcceptedSocket).end?.received(data as Buffer, isBinary)
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  ;(this as AcceptedSocket).end?.closed(code, reason)
}

function onError(): void {
  // `ws` closes with the code that says what the client did; `close` follows.
}
