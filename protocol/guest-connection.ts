/**
 * GuestConnection: the guest's side of the protocol on one channel: says hello, takes requests, sends answers.
 * It knows no Request or Response: `runtimes/guest/` makes those from the records here. The guest trusts its host
 * and checks only what keeps its own state sound. Counterpart: `host-connection.ts`.
 */
import { CallClient } from "./calls/call-client.ts"
import type { Channel, ChannelListener } from "./channel.ts"
import { encodeText, readControl, writeControl } from "./control.ts"
import { PolyhostError } from "./errors.ts"
import { FrameReader } from "./frame-reader.ts"
import {
  FLAG_END,
  type FrameHandler,
  type FramePayload,
  FrameType,
  FrameWriter,
  frameName,
  MAX_CHUNK_BYTES,
  readUint16,
  readUint32,
  violation,
  writeLatin1,
} from "./frames.ts"
import { type GuestRequestHead, GuestStream } from "./guest-stream.ts"
import {
  type Hello,
  type Log,
  MARK_EXPECTS_CONTINUE,
  MARK_HTTPS,
  REQUEST_FIXED_BYTES,
  type Shutdown,
  type StartupComplete,
  type StartupFailed,
  type Welcome,
} from "./messages.ts"
import { StreamSlots } from "./stream-slots.ts"
import { GuestSocket } from "./websocket/guest-socket.ts"

export interface GuestConnectionEvents {
  welcome(welcome: Welcome): void
  /** A request. Install `stream.events`, then answer. */
  request(stream: GuestStream): void
  /** A client wants a WebSocket connection; only where `started` said that the app takes some. Accept it, or answer. */
  webSocket?(socket: GuestSocket): void
  shutdown(shutdown: Shutdown): void
  /** Once, last: the host is gone or closed the channel. */
  closed(reason: string): void
}

export class GuestConnection implements ChannelListener, FrameHandler {
  readonly #channel: Channel
  readonly #events: GuestConnectionEvents
  readonly #reader = new FrameReader(this, { bodiesInPieces: true })
  readonly #writer: FrameWriter
  readonly #streams = new StreamSlots<GuestStream>()
  /** Calls of bindings. */
  readonly calls: CallClient
  #windowBytes = 0
  #closed = false

  /** `schedule` runs a function once at the end of this turn of the event loop. `calls` may have been asked already. */
  constructor(
    channel: Channel,
    events: GuestConnectionEvents,
    schedule: (flush: () => void) => void,
    calls: CallClient = new CallClient(),
  ) {
    this.calls = calls
    this.#channel = channel
    this.#events = events
    this.#writer = new FrameWriter(channel, schedule)
    channel.listen(this)
  }

  /** Requests that have not been answered to their end. */
  get inFlight(): number {
    return this.#streams.size
  }

  hello(hello: Hello): void {
    this.#control(FrameType.hello, hello)
  }

  started(message: StartupComplete): void {
    this.#control(FrameType.startupComplete, message)
  }

  startFailed(message: StartupFailed): void {
    this.#control(FrameType.startupFailed, message)
  }

  log(message: Log): void {
    this.#control(FrameType.log, message)
  }

  /** Output of an app that has no pipe of its own. Text may be cut anywhere. */
  output(stream: "stdout" | "stderr", content: string | Uint8Array): void {
    if (this.#closed) return
    const bytes = typeof content === "string" ? encodeText(content) : content
    for (let from = 0; from < bytes.length; from += MAX_CHUNK_BYTES) {
      const piece = bytes.subarray(from, from + MAX_CHUNK_BYTES)
      const at = this.#writer.open(FrameType.output, 0, 0, 1 + piece.length)
      this.#writer.slab[at] = stream === "stdout" ? 1 : 2
      this.#writer.slab.set(piece, at + 1)
    }
    this.#writer.flush()
  }

  shutdownComplete(): void {
    this.#control(FrameType.shutdownComplete, {})
  }

  close(reason: string): void {
    if (this.#closed) return
    this.#writer.flush()
    this.#channel.close(reason)
  }

  data(chunk: Uint8Array): void {
    if (this.#closed) return
    try {
      this.#reader.push(chunk)
    } catch (error) {
      if (!(error instanceof PolyhostError) || error.code !== "PROTOCOL_VIOLATION") throw error
      this.#reader.stop()
      this.#channel.close(error.message)
    }
  }

  // P13
  ended(reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#reader.stop()
    const streams = this.#streams.takeAll()
    for (const stream of streams) stream.disconnected()
    this.calls.close(reason)
    this.#events.closed(reason)
  }

  frame(type: number, flags: number, id: number, payload: FramePayload): void {
    if (type >= FrameType.callRequest) return this.calls.frame(type, flags, id, payload)
    switch (type) {
      case FrameType.request:
        return this.#request(flags, id, payload)
      case FrameType.body:
        return this.#streams.get(id)?.requestBody(flags, payload)
      case FrameType.credit:
        return this.#streams.get(id)?.credited(readUint32(payload.bytes, payload.start))
      case FrameType.disconnect:
        return this.#streams.get(id)?.disconnected()
      case FrameType.socketConnect:
        return this.#connect(id, payload)
      case FrameType.socketMessage:
        return this.#socket(id)?.message(flags, payload)
      case FrameType.socketClose:
        return this.#socket(id)?.closedByHost(payload)
      case FrameType.ping:
        this.#writer.open(FrameType.pong, 0, 0, 0)
        return
      case FrameType.welcome: {
        const welcome = readControl(payload) as Welcome
        this.#windowBytes = welcome.windowBytes
        this.calls.start(this.#writer)
        return this.#events.welcome(welcome)
      }
      case FrameType.shutdown:
        return this.#events.shutdown(readControl(payload) as Shutdown)
      default:
        throw violation(`P5: ${frameName(type)} from the host`)
    }
  }

  #request(flags: number, id: number, payload: FramePayload): void {
    const head = readHead(payload, (flags & FLAG_END) === 0)
    const stream = new GuestStream(id, head, this.#writer, this.#streams, this.#windowBytes)
    this.#streams.add(stream)
    this.#events.request(stream)
  }

  #connect(id: number, { bytes, start, end }: FramePayload): void {
    // A copy: it lives long, and is not to keep all that was read with it.
    const own = new Uint8Array(end - start + UPGRADE_LINES.length)
    own.set(bytes.subarray(start, end))
    const { headersEnd, ...head } = readHead({ bytes: own, start: 0, end: end - start }, false)
    const allHeadersEnd = writeLatin1(own, headersEnd, UPGRADE_LINES)
    const socket = new GuestSocket(
      id,
      { ...head, headersEnd: allHeadersEnd },
      this.#writer,
      this.#streams,
      this.#windowBytes,
    )
    this.#streams.add(socket)
    this.#events.webSocket?.(socket)
  }

  #socket(id: number): GuestSocket | undefined {
    const stream = this.#streams.get(id)
    return stream instanceof GuestSocket ? stream : undefined
  }

  #control(type: (typeof FrameType)[keyof typeof FrameType], message: object): void {
    if (this.#closed) return
    writeControl(this.#writer, type, message)
    this.#writer.flush()
  }
}

/** Lines of the one hop to the host, which apps look for. */
const UPGRADE_LINES = "connection: Upgrade\r\nupgrade: websocket\r\n"

function readHead({ bytes, start, end }: FramePayload, hasBody: boolean): GuestRequestHead {
  const targetAt = start + REQUEST_FIXED_BYTES + bytes[start]!
  const hostAt = targetAt + readUint16(bytes, start + 2)
  const addressAt = hostAt + readUint16(bytes, start + 4)
  const headersAt = addressAt + readUint16(bytes, start + 6)
  const headersEnd = headersAt + readUint32(bytes, start + 8)
  if (headersEnd > end) throw violation("P6: a truncated http.request")
  return {
    bytes,
    methodAt: start + REQUEST_FIXED_BYTES,
    targetAt,
    hostAt,
    addressAt,
    headersAt,
    headersEnd,
    https: (bytes[start + 1]! & MARK_HTTPS) !== 0,
    hasBody,
    expectsContinue: (bytes[start + 1]! & MARK_EXPECTS_CONTINUE) !== 0,
  }
}
