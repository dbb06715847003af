/**
 * ExchangeStream: an upgraded exchange as the Duplex that `ws` reads and writes. Owns the credit of the client's bytes and the
 * back-pressure of those for it; knows no frame. Who is to be told what: `socket-end.ts`.
 */
import { Duplex } from "node:stream"
import type { Exchange, ExchangeHandler, GoAwayCode } from "../../protocol/exchange.ts"

/** So much of the client's bytes may be under way at once. */
const WINDOW_BYTES = 64 * 1024
/** Head and payload of a frame up to this size leave as one piece. */
const MERGED_BYTES = 16 * 1024

export class ExchangeStream extends Duplex implements ExchangeHandler {
  readonly #exchange: Exchange
  #granted = 0
  #answer = ""
  #isOpen = false
  #written: (() => void) | null = null
  /** Something moved since it was last asked: the client is there. */
  moved = false
  /** Who ends it politely. */
  socketEnd: { goAway(code: GoAwayCode): void } | null = null

  constructor(exchange: Exchange) {
    super(STREAM_OPTIONS)
    this.#exchange = exchange
  }

  /** What `ws` wrote to answer the handshake; from now on the exchange has what is written, and its bytes come here. */
  takeAnswer(): string {
    const answer = this.#answer
    this.#answer = ""
    return answer
  }

  /** The exchange is upgraded. */
  open(): void {
    this.#isOpen = true
    this.#exchange.attach(this)
  }

  /** The exchange is somebody else's again, or finished: nothing is done to it. */
  forget(): void {
    this.on("error", nothing)
    this.destroy()
  }

  requestBody(chunk: Uint8Array, end: boolean): void {
    this.moved = true
    this.#granted -= chunk.length
    if (chunk.length > 0) this.push(chunk)
    if (end) this.push(null)
  }

  drained(): void {
    this.moved = true
    const written = this.#written
    this.#written = null
    written?.()
  }

  goAway(code: GoAwayCode): void {
    this.socketEnd?.goAway(code)
  }

  left(): void {
    this.destroy()
  }

  override _read(): void {
    if (!this.#isOpen || this.#granted > WINDOW_BYTES / 2) return
    const more = WINDOW_BYTES - this.#granted
    this.#granted = WINDOW_BYTES
    this.#exchange.pull(more)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#isOpen) {
      this.#answer += chunk.toString("latin1")
      done()
    } else this.#send(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    let bytes = 0
    for (const { chunk } of chunks) bytes += chunk.length
    if (bytes <= MERGED_BYTES) {
      this.#send(
        Buffer.concat(
          chunks.map(({ chunk }) => chunk),
          bytes,
        ),
        done,
      )
      return
    }
    let takesMore = true
    for (const { chunk } of chunks) takesMore = this.#exchange.write(chunk, false)
    this.#wrote(takesMore, done)
  }

  override _final(done: () => void): void {
    if (this.#isOpen) this.#exchange.write(EMPTY, true)
    done()
  }

  override _destroy(_error: Error | null, done: (error: Error | null) => void): void {
    this.#written = null
    // After the end of the app's half it is no failure: only the client has not ended.
    if (this.#isOpen && !this.#exchange.finished) {
      this.#exchange.write(EMPTY, true)
      if (!this.#exchange.finished) this.#exchange.fail("APP_CRASHED", "the WebSocket connection was cut")
    }
    done(null)
  }

  #send(bytes: Buffer, done: () => void): void {
    this.#wrote(this.#exchange.write(bytes, false), done)
  }

  #wrote(takesMore: boolean, done: () => void): void {
    if (takesMore || this.#exchange.finished) done()
    else this.#written = done
  }
}

function nothing(): void {
  // Nobody is told.
}

const STREAM_OPTIONS = {
  allowHalfOpen: true,
  readableHighWaterMark: 16 * 1024,
  writableHighWaterMark: 16 * 1024,
}
const EMPTY = Buffer.alloc(0)
