/**
 * Lint: checks a conversation against the numbered rules of the protocol, in both directions, on either end of any
 * channel. It changes nothing of what passes. The rules are the comments `// P…`, directly above the lines
 * that check them; `write-spec.ts` makes the specification in `README.md` from them. Tests wrap every channel in it.
 *
 * It sees frames in an order in which every cause stands before its effect, so it can tell a frame that crossed the
 * end of its stream on the way (allowed) from one that its sender had no right to send.
 *
 * Longer than 300 lines: the rules stand together, because the specification is read from here, from `lint-calls.ts`, which
 * has those of calls, and from `lint-websocket.ts`.
 */
import type { Channel, ChannelListener } from "./channel.ts"
import { readControl } from "./control.ts"
import { messageOf, PolyhostError } from "./errors.ts"
import { FrameReader } from "./frame-reader.ts"
import {
  FLAG_END,
  type FramePayload,
  FrameType,
  frameName,
  MAX_ABORT_MESSAGE_BYTES,
  MAX_HEADER_BLOCK_BYTES,
  MAX_UNREAD_BYTES,
  readUint16,
  readUint32,
  WINDOW_BYTES,
} from "./frames.ts"
import { isFieldText, isHeaderBlock } from "./header-block.ts"
import { CallConversation } from "./lint-calls.ts"
import type { Frame, Half, OnBroken, Side } from "./lint-types.ts"
import { SocketConversation } from "./lint-websocket.ts"
import { MARK_EXPECTS_CONTINUE, REQUEST_FIXED_BYTES, RESPONSE_FIXED_BYTES } from "./messages.ts"

export type { OnBroken, Side } from "./lint-types.ts"

/** `channel` as the `side` end of a conversation, checked. `onBroken` may throw; the error leaves by `write` or `data`. */
export function lintChannel(channel: Channel, side: Side, onBroken: OnBroken): Channel {
  return new LintChannel(channel, side, onBroken)
}

class LintChannel implements Channel, ChannelListener {
  readonly #channel: Channel
  readonly #conversation: Conversation
  readonly #onBroken: OnBroken
  readonly #sent: Direction
  readonly #received: Direction
  #listener: ChannelListener | null = null
  #closed = false
  #ended = false

  constructor(channel: Channel, side: Side, onBroken: OnBroken) {
    const conversation = new Conversation(onBroken)
    this.#channel = channel
    this.#conversation = conversation
    this.#onBroken = onBroken
    this.#sent = new Direction(conversation, side, onBroken)
    this.#received = new Direction(conversation, side === "host" ? "guest" : "host", onBroken)
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes
  }

  write(chunks: readonly Uint8Array[]): void {
    if (!this.#closed) for (const chunk of chunks) this.#sent.push(chunk)
    // P15 Each side reads all the time. Bytes that the other side leaves unread never exceed 16 MiB and one window
    // for each open stream or call; what a guest sends without credit (log, output) is read at a bounded rate, the excess dropped.
    const unread = this.#channel.bufferedBytes
    if (
      unread > MAX_UNREAD_BYTES &&
      unread > MAX_UNREAD_BYTES + this.#conversation.openStreams * WINDOW_BYTES
    )
      this.#onBroken("P15", `${unread} bytes unread`)
    this.#channel.write(chunks)
  }

  listen(listener: ChannelListener): void {
    this.#listener = listener
    this.#channel.listen(this)
  }

  close(reason: string): void {
    this.#closed = true
    this.#channel.close(reason)
  }

  data(chunk: Uint8Array): void {
    if (this.#ended) this.#onBroken("P13", "bytes after the end of the channel")
    this.#received.push(chunk)
    this.#listener?.data(chunk)
  }

  ended(reason: string): void {
    // P13 The end of the channel ends everything on it, once and last: no bytes arrive after it, each side at once
    // fails or aborts every stream that is open, and nothing is resumed on another channel.
    if (this.#ended) this.#onBroken("P13", "the channel ended twice")
    this.#closed = true
    this.#ended = true
    this.#listener?.ended(reason)
  }
}

class Direction {
  readonly #reader: FrameReader
  readonly #onBroken: OnBroken

  constructor(conversation: Conversation, sender: Side, onBroken: OnBroken) {
    this.#onBroken = onBroken
    this.#reader = new FrameReader({
      frame: (type, flags, id, payload) => conversation.frame(sender, { type, flags, id, payload }),
    })
  }

  push(chunk: Uint8Array): void {
    try {
      this.#reader.push(chunk)
    } catch (error) {
      // P1 A frame is a header of 12 bytes and its payload: u32 payload bytes (at most 256 KiB), u8 type (of the
      // table), u8 flags (END = 1 on heads and bodies of requests and calls and on messages, TEXT = 2 on messages, else 0),
      // u48 stream; big-endian.
      if (!(error instanceof PolyhostError) || error.code !== "PROTOCOL_VIOLATION") throw error
      this.#reader.stop()
      this.#onBroken("P1", error.message)
    }
  }
}

interface StreamRecord {
  started: boolean
  /** It was opened by websocket.connect; "no": by a request. */
  socket: "no" | "asked" | SocketConversation
  readonly host: Half
  readonly guest: Half
}

class Conversation {
  readonly #broken: OnBroken
  readonly #streams = new Map<number, StreamRecord>()
  readonly #calls: CallConversation
  #greeted = false
  #welcome: Record<string, unknown> | null = null
  #start: "waiting" | "complete" | "failed" = "waiting"
  #shutdown: "no" | "asked" | "complete" = "no"
  #pinged = false
  #takesSockets = false
  #lastId = 0

  constructor(onBroken: OnBroken) {
    this.#broken = onBroken
    this.#calls = new CallConversation(onBroken)
  }

  get openStreams(): number {
    let open = this.#calls.open
    for (const { host, guest } of this.#streams.values())
      if (!guest.ended && !guest.disconnected && !host.disconnected) open++
    return open
  }

  frame(sender: Side, frame: Frame): void {
    const name = frameName(frame.type)
    // P5 Each type has one direction or both (table). Control frames, types below 16, are on stream 0; the others on
    // streams from 1. Only the host opens http streams: each by one http.request or websocket.connect, with an id above all
    // earlier ones.
    if (SENDER_OF_TYPE[frame.type] === other(sender)) return this.#broken("P5", `${name} from the ${sender}`)
    if (frame.type < FrameType.request) {
      if (frame.id !== 0) return this.#broken("P5", `${name} on stream ${frame.id}`)
      return this.#control(sender, frame, name)
    }
    if (frame.type >= FrameType.callRequest) {
      if (this.#welcome === null) this.#broken("P17", `${name} before welcome`)
      return this.#calls.frame(sender, frame)
    }
    // P4 The guest answers welcome with lifespan.startup.complete or lifespan.startup.failed, once. No stream is
    // opened before complete, none ever after failed. A socket that complete names is a file directly in welcome's
    // socketDir, and its name begins with socketPrefix.
    if (this.#start !== "complete") return this.#broken("P4", `${name} before lifespan.startup.complete`)
    if (frame.type === FrameType.request || frame.type === FrameType.socketConnect)
      return this.#request(frame)
    // P6 A frame on a stream that was never opened breaks the rules. A frame that crossed the end of its stream on
    // the way is allowed and dropped: no more than its sender could send before it heard of the end.
    const stream = this.#streams.get(frame.id)
    if (stream === undefined) return this.#broken("P6", `${name} on stream ${frame.id}, never opened`)
    // P10 http.disconnect ends the stream at once for its sender, who sends nothing on it afterwards; the other side
    // gives up what it does for it. Payload: u8 reason, from the guest a message of at most 8 KiB after it.
    if (stream[sender].disconnected) return this.#broken("P10", `${name} after http.disconnect`)
    // P9 END ends its sender's half: no body follows. The guest's END ends the stream, so nothing of the guest follows
    // it at all, and the host may drop what is left of the request. An http.body without END is not empty.
    if (stream.guest.ended && sender === "guest") return this.#broken("P9", `${name} after END`)
    if (typeof stream.socket === "object" && frame.type !== FrameType.disconnect)
      return stream.socket.frame(sender, frame)
    if (frame.type > FrameType.disconnect) return this.#accept(stream, frame)
    if (frame.type === FrameType.response) return this.#response(stream, frame)
    if (frame.type === FrameType.body) return this.#body(sender, stream, frame)
    if (frame.type === FrameType.credit) return this.#credit(sender, stream, frame.payload)
    this.#disconnect(sender, stream, frame.payload)
  }

  #control(sender: Side, frame: Frame, name: string): void {
    const { type, payload } = frame
    // P3 The first frame of the guest is hello, the first of the host welcome, after it has read hello; each once.
    // The guest sends nothing between hello and welcome.
    const first = type === FrameType.hello || type === FrameType.welcome
    const may = first
      ? this.#greeted === (sender === "host") && this.#welcome === null
      : this.#welcome !== null
    if (!may) return this.#broken("P3", `${name} at this point of the handshake`)
    if (type === FrameType.hello) this.#greeted = true
    if (type === FrameType.ping || type === FrameType.pong) return this.#heartbeat(type, payload)
    if (type === FrameType.output) return this.#calls.output(payload)
    const message = this.#json(payload)
    if (type === FrameType.welcome) this.#welcome = message
    if (type === FrameType.startupComplete || type === FrameType.startupFailed) this.#started(type, message)
    // P12 After lifespan.shutdown, sent at most once, the host opens no stream; those that are open run to their end.
    // The guest says lifespan.shutdown.complete once, in answer to it.
    if (type === FrameType.shutdown) {
      if (this.#shutdown !== "no") return this.#broken("P12", "a second lifespan.shutdown")
      this.#shutdown = "asked"
    }
    if (type === FrameType.shutdownComplete) {
      if (this.#shutdown !== "asked") return this.#broken("P12", `${name} that nobody asked for`)
      this.#shutdown = "complete"
    }
  }

  #json(payload: FramePayload): Record<string, unknown> {
    try {
      const message: unknown = readControl(payload)
      if (typeof message === "object" && message !== null && !Array.isArray(message))
        return message as Record<string, unknown>
      this.#broken("P2", "a control message that is not an object")
    } catch (error) {
      // P2 The payload of a control frame is one JSON object in UTF-8 of at most 64 KiB, with the fields of its type;
      // unknown fields are ignored. ping and pong have none, output is binary.
      this.#broken("P2", messageOf(error))
    }
    return {}
  }

  #heartbeat(type: number, payload: FramePayload): void {
    if (payload.end > payload.start) this.#broken("P2", "a heartbeat with a payload")
    // P11 The host pings a guest that has started, and not again before the pong. A guest whose event loop turns
    // answers each ping with one pong, and sends no other.
    const isPing = type === FrameType.ping
    if (this.#start !== "complete" || this.#pinged === isPing)
      return this.#broken("P11", `${frameName(type)} out of turn`)
    this.#pinged = isPing
  }

  #started(type: number, message: Record<string, unknown>): void {
    if (this.#start !== "waiting") return this.#broken("P4", `${frameName(type)} after the start`)
    this.#start = type === FrameType.startupComplete ? "complete" : "failed"
    this.#takesSockets = message["interface"] === "fetch" && message["websocket"] === true
    if (message["interface"] !== "server") return
    const path = String(message["path"])
    const name = path.slice(path.lastIndexOf("/") + 1)
    const own = name.startsWith(String(this.#welcome?.["socketPrefix"]))
    if (!own || path !== `${this.#welcome?.["socketDir"]}/${name}`)
      this.#broken("P4", `the socket ${path} is not the guest's own`)
  }

  #request(frame: Frame): void {
    const { bytes, start, end } = frame.payload
    if (frame.id <= this.#lastId) return this.#broken("P5", `stream ${frame.id} after ${this.#lastId}`)
    if (this.#shutdown !== "no") this.#broken("P12", `${frameName(frame.type)} after lifespan.shutdown`)
    // P23 Where lifespan.startup.complete says "websocket": true, the host opens streams for WebSocket connections, by
    // websocket.connect: payload as http.request, no body. The guest answers once: by websocket.accept, after which messages go
    // both ways, or as it answers a request (P7). After websocket.accept it may send http.disconnect, which ends the connection
    // without a close frame; the host may when it cannot be made.
    const isSocket = frame.type === FrameType.socketConnect
    if (isSocket && !this.#takesSockets) this.#broken("P23", "websocket.connect to a guest that takes none")
    this.#lastId = frame.id
    const waits = end > start + 1 && (bytes[start + 1]! & MARK_EXPECTS_CONTINUE) !== 0
    const ended = isSocket || (frame.flags & FLAG_END) !== 0
    const host = { window: waits ? 0 : WINDOW_BYTES, ended, disconnected: false }
    const guest = { window: WINDOW_BYTES, ended: false, disconnected: false }
    this.#streams.set(frame.id, { started: false, socket: isSocket ? "asked" : "no", host, guest })
    if (end - start < REQUEST_FIXED_BYTES) return this.#broken("P14", "a truncated http.request")
    const textBytes =
      bytes[start]! +
      readUint16(bytes, start + 2) +
      readUint16(bytes, start + 4) +
      readUint16(bytes, start + 6)
    const linesAt = start + REQUEST_FIXED_BYTES + textBytes
    if (linesAt + readUint32(bytes, start + 8) !== end)
      return this.#broken("P14", "an http.request whose lengths do not add up")
    this.#headers(bytes, linesAt, end)
  }

  #accept(stream: StreamRecord, { type, payload }: Frame): void {
    if (stream.socket !== "asked" || stream.started || type !== FrameType.socketAccept)
      return this.#broken("P23", `${frameName(type)} out of turn`)
    stream.socket = new SocketConversation(this.#broken, stream, payload)
  }

  #response(stream: StreamRecord, { flags, payload: { bytes, start, end } }: Frame): void {
    // P7 The answer is one http.response.start, with a status from 200 to 599 and a reason phrase without control
    // bytes but HTAB, and then http.body frames.
    if (stream.started) return this.#broken("P7", "a second http.response.start")
    stream.started = true
    stream.guest.ended = (flags & FLAG_END) !== 0
    if (end - start < RESPONSE_FIXED_BYTES) return this.#broken("P7", "a malformed http.response.start")
    const status = readUint16(bytes, start)
    if (status < 200 || status > 599) this.#broken("P7", `status ${status}`)
    const reasonAt = start + RESPONSE_FIXED_BYTES
    const linesAt = reasonAt + readUint16(bytes, start + 2)
    if (!isFieldText(bytes, reasonAt, linesAt)) this.#broken("P7", "control bytes in a reason phrase")
    const bodyAt = linesAt + readUint32(bytes, start + 4)
    if (bodyAt > end) return this.#broken("P7", "a header block longer than its frame")
    this.#headers(bytes, linesAt, bodyAt)
    this.#spend(stream.guest, end - bodyAt)
  }

  #body(sender: Side, stream: StreamRecord, { flags, payload }: Frame): void {
    const bytes = payload.end - payload.start
    const half = stream[sender]
    const last = (flags & FLAG_END) !== 0
    if (half.ended) this.#broken("P9", "http.body after END")
    if (bytes === 0 && !last) this.#broken("P9", "an empty http.body without END")
    if (sender === "guest" && !stream.started) this.#broken("P7", "http.body before http.response.start")
    half.ended ||= last
    this.#spend(half, bytes)
  }

  #spend(half: Half, bytes: number): void {
    // P8 A side may have 256 KiB of body on the way in each stream, the bytes in http.response.start included; it
    // sends more only as http.credit (u32, above 0) of the other side allows, which never credits more than was sent.
    // When the client waits for 100 the host has no credit at first: the guest opens the window when the app reads.
    half.window -= bytes
    if (half.window < 0) this.#broken("P8", `${-half.window} body bytes without credit`)
  }

  #credit(sender: Side, stream: StreamRecord, { bytes, start, end }: FramePayload): void {
    if (end - start !== 4) return this.#broken("P8", "http.credit without its four bytes")
    const credit = readUint32(bytes, start)
    const half = stream[other(sender)]
    half.window += credit
    if (credit === 0 || half.window > WINDOW_BYTES) this.#broken("P8", `credit of ${credit}, not sent before`)
  }

  #disconnect(sender: Side, stream: StreamRecord, payload: FramePayload): void {
    stream[sender].disconnected = true
    const bytes = payload.end - payload.start
    const most = sender === "host" ? 1 : 1 + MAX_ABORT_MESSAGE_BYTES
    if (bytes < 1 || bytes > most) this.#broken("P10", `http.disconnect of ${bytes} bytes`)
  }

  #headers(bytes: Uint8Array, start: number, end: number): void {
    // P14 A header block is at most 72 KiB of lines `name: value\r\n`: the name a token, the value without control
    // bytes but HTAB. The lengths in http.request add up to its payload.
    if (end - start > MAX_HEADER_BLOCK_BYTES || !isHeaderBlock(bytes, start, end))
      this.#broken("P14", "a malformed header block")
  }
}

function other(side: Side): Side {
  return side === "host" ? "guest" : "host"
}

/** Types that only one side sends. */
export const SENDER_OF_TYPE: Readonly<Record<number, Side>> = {
  [FrameType.hello]: "guest",
  [FrameType.welcome]: "host",
  [FrameType.startupComplete]: "guest",
  [FrameType.startupFailed]: "guest",
  [FrameType.ping]: "host",
  [FrameType.pong]: "guest",
  [FrameType.shutdown]: "host",
  [FrameType.shutdownComplete]: "guest",
  [FrameType.log]: "guest",
  [FrameType.request]: "host",
  [FrameType.response]: "guest",
  [FrameType.output]: "guest",
  [FrameType.socketConnect]: "host",
  [FrameType.socketAccept]: "guest",
  [FrameType.callRequest]: "guest",
  [FrameType.callResponse]: "host",
  [FrameType.storeRequest]: "guest",
  [FrameType.storeResponse]: "host",
}
