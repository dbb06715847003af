/**
 * StreamEnd: how a stream ends after its answer: with trailers or without, with RST_STREAM when the answer broke off, or when the
 * client still sends a body that nobody reads (RFC 9113 8.1.1); and not never, when the client takes nothing.
 */
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2"

const { NGHTTP2_NO_ERROR, NGHTTP2_INTERNAL_ERROR, NGHTTP2_CANCEL } = constants
/** So many times as long a stream may stand still on a connection that moves. */
const PATIENCE = 5
const NO_TRAILERS: OutgoingHttpHeaders = {}

export class StreamEnd {
  trailers: OutgoingHttpHeaders | null = null
  /** The host has ended it: what breaks off is not the client's doing. */
  isCut = false
  readonly #stream: ServerHttp2Stream
  #answered = false
  /** The request's body has not ended with the answer. */
  #isUnread = false
  #awaitsTrailers = false
  #untakenBytes = -1
  #stalledAtMs = 0

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream
  }

  /** Before the head of an answer that may have trailers. */
  awaitTrailers(): void {
    this.#awaitsTrailers = true
    ;(this.#stream as WithEnd)[END] = this
    this.#stream.on("wantTrailers", onWantTrailers)
  }

  /** The answer is whole but for its trailers, or is none. */
  answered(isUnread: boolean): void {
    this.#answered = true
    this.#isUnread = isUnread
    if (!isUnread) return
    // What is left of it is dropped: node:http2 closes no stream that somebody began to read and left.
    if (this.#stream.readableFlowing !== null) this.#stream.resume()
    if (!this.#awaitsTrailers) this.#stream.close(NGHTTP2_NO_ERROR)
  }

  /** The last byte of the body is out. */
  sendTrailers(): void {
    this.#stream.sendTrailers(this.trailers ?? NO_TRAILERS)
    // They are sent by an immediate of node:http2.
    if (this.#isUnread) setImmediate(closeStream, this.#stream)
  }

  /** The client must see that the answer is not whole. */
  cut(): void {
    this.#reset(NGHTTP2_INTERNAL_ERROR)
  }

  /**
   * Looked at from time to time. `isMoving`: the client has taken bytes of its connection since the last look.
   * @returns true when the client takes nothing of the stream for `sendMs`, and the stream was reset.
   */
  look(nowMs: number, sendMs: number, isMoving: boolean): boolean {
    const { writableLength } = this.#stream
    const waits = writableLength > 0 || this.#answered
    if (!waits || writableLength !== this.#untakenBytes) {
      this.#untakenBytes = waits ? writableLength : -1
      this.#stalledAtMs = nowMs
      return false
    }
    // Much may leave slowly, of this stream or of others before it, which shows at the connection only.
    const longestMs = isMoving ? PATIENCE * sendMs : sendMs
    if (nowMs - this.#stalledAtMs < longestMs) return false
    this.#reset(NGHTTP2_CANCEL)
    return true
  }

  #reset(code: number): void {
    if (this.#stream.destroyed) return
    this.isCut = true
    // Not `close`: it would end the body first, and the client take it for whole.
    if (code === NGHTTP2_INTERNAL_ERROR) this.#stream.destroy(new Error("the answer broke off"))
    else {
      this.#stream.close(code)
      this.#stream.destroy()
    }
  }
}

/** An event names the stream alone. */
const END = Symbol("polyhost.http2.end")
type WithEnd = ServerHttp2Stream & { [END]: StreamEnd }

function onWantTrailers(this: ServerHttp2Stream): void {
  ;(this as WithEnd)[END].sendTrailers()
}

function closeStream(stream: ServerHttp2Stream): void {
  stream.close(NGHTTP2_NO_ERROR)
}
