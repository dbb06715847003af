/** The rules of WebSocket streams. Part of the lint: `lint.ts` has those that they share with requests. */
import {
  FLAG_END,
  FLAG_TEXT,
  type FramePayload,
  FrameType,
  frameName,
  MAX_CLOSE_REASON_BYTES,
  MAX_HEADER_BLOCK_BYTES,
  MESSAGE_COST_BYTES,
  readUint16,
  readUint32,
  WINDOW_BYTES,
} from "./frames.ts"
import { isHeaderBlock, isToken } from "./header-block.ts"
import type { Frame, Half, OnBroken, Side } from "./lint-types.ts"
import { SOCKET_ACCEPT_FIXED_BYTES, SOCKET_CLOSE_FIXED_BYTES } from "./messages.ts"
import { mayClose, NO_CLOSE, NO_CODE } from "./websocket/close-code.ts"

interface SocketHalf extends Half {
  /** A message has begun and not ended: whether it is text. */
  unfinished?: boolean | null
}

/** One connection, from its acceptance on. */
export class SocketConversation {
  readonly #broken: OnBroken
  readonly #halves: Readonly<Record<Side, SocketHalf>>
  #closing = false

  constructor(onBroken: OnBroken, halves: Readonly<Record<Side, SocketHalf>>, accept: FramePayload) {
    this.#broken = onBroken
    this.#halves = halves
    this.#accept(accept)
  }

  frame(sender: Side, frame: Frame): void {
    if (frame.type === FrameType.socketMessage) this.#message(sender, frame)
    else if (frame.type === FrameType.socketClose) this.#close(sender, frame.payload)
    else if (frame.type === FrameType.credit) this.#credit(sender, frame.payload)
    else this.#broken("P23", `${frameName(frame.type)} after websocket.accept`)
  }

  #accept({ bytes, start, end }: FramePayload): void {
    // P24 The lengths in websocket.accept add up to its payload. The subprotocol is a token (one that the client offers) or empty; the
    // header block is as in P14.
    if (end - start < SOCKET_ACCEPT_FIXED_BYTES) return this.#broken("P24", "a truncated websocket.accept")
    const nameAt = start + SOCKET_ACCEPT_FIXED_BYTES
    const linesAt = nameAt + readUint16(bytes, start)
    if (linesAt + readUint32(bytes, start + 2) !== end)
      return this.#broken("P24", "a websocket.accept whose lengths do not add up")
    if (linesAt > nameAt && !isToken(bytes, nameAt, linesAt)) this.#broken("P24", "a malformed subprotocol")
    if (end - linesAt > MAX_HEADER_BLOCK_BYTES || !isHeaderBlock(bytes, linesAt, end))
      this.#broken("P24", "a malformed header block")
  }

  #message(sender: Side, { flags, payload }: Frame): void {
    // P25 After websocket.accept both sides send messages, each in one websocket.message or in several, one after the other: END marks
    // the last piece, and only the last may be empty. TEXT stands on all pieces of a message that is text, in UTF-8.
    const half = this.#halves[sender]
    const isText = (flags & FLAG_TEXT) !== 0
    const last = (flags & FLAG_END) !== 0
    const bytes = payload.end - payload.start
    if (half.unfinished != null && half.unfinished !== isText)
      this.#broken("P25", "a message that is text in parts")
    if (bytes === 0 && !last) this.#broken("P25", "an empty piece that is not the last")
    half.unfinished = last ? null : isText
    if (sender === "guest" && this.#closing) this.#broken("P27", "websocket.message after websocket.close")
    // P26 A websocket.message takes its bytes and 64 more from its sender's window of 256 KiB, which so bounds short and empty messages
    // too; http.credit of the other side (u32, above 0) gives it back, never more than was taken.
    half.window -= MESSAGE_COST_BYTES + bytes
    if (half.window < 0) this.#broken("P26", `${-half.window} bytes of messages without credit`)
  }

  #credit(sender: Side, { bytes, start, end }: FramePayload): void {
    if (end - start !== 4) return this.#broken("P26", "http.credit without its four bytes")
    const half = this.#halves[sender === "host" ? "guest" : "host"]
    const credit = readUint32(bytes, start)
    half.window += credit
    if (credit === 0 || half.window > WINDOW_BYTES)
      this.#broken("P26", `credit of ${credit}, not taken before`)
  }

  #close(sender: Side, { bytes, start, end }: FramePayload): void {
    // P27 By websocket.close (u16 code, at most 123 bytes of reason) the guest asks, once and between messages, for the end; it sends no
    // message after it. The code is one that a close frame may have (RFC 6455 7.4). That of the host says that the connection has ended
    // (1005: without a code, 1006: without a close frame), whoever ended it, and ends the stream: nothing of the host follows.
    if (
      end - start < SOCKET_CLOSE_FIXED_BYTES ||
      end - start > SOCKET_CLOSE_FIXED_BYTES + MAX_CLOSE_REASON_BYTES
    )
      return this.#broken("P27", `a websocket.close of ${end - start} bytes`)
    const code = readUint16(bytes, start)
    if (sender === "host") {
      this.#halves.host.disconnected = true
      if (!mayClose(code) && code !== NO_CODE && code !== NO_CLOSE) this.#broken("P27", `close code ${code}`)
      return
    }
    if (this.#closing) this.#broken("P27", "a second websocket.close")
    if (this.#halves.guest.unfinished != null) this.#broken("P27", "websocket.close within a message")
    if (!mayClose(code)) this.#broken("P27", `close code ${code}`)
    this.#closing = true
  }
}
