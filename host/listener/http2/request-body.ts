/**
 * RequestBody: the body of a request on a stream. Nothing is handed on that nobody has asked for: node:http2 then keeps it, and the
 * client, whose window is not given back, keeps the rest. Counterpart: `http1/body-reader.ts`.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2"
import type { ExchangeHandler, RequestHead } from "../../../protocol/exchange.ts"
import { passingTrailers } from "../http1/trailers.ts"

/** The exchange that the body belongs to. */
export interface BodyReceiver {
  readonly handler: ExchangeHandler | null
  readonly finished: boolean
  readonly head: Pick<RequestHead, "bodyBytes">
  received(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): void
}

type Piece = [chunk: Uint8Array, end: boolean, trailers?: Uint8Array]

export class RequestBody {
  /** All of it was handed on. */
  ended = false
  receivedBytes = 0
  readonly #stream: ServerHttp2Stream
  readonly #exchange: BodyReceiver
  #pullBytes = 0
  #aheadBytes = 0
  /** Handed on before anybody was attached. */
  #kept: Piece[] = []
  #reading = false
  /** What is left of a piece that was larger than what was asked for. */
  #rest: Uint8Array = EMPTY
  #isOver = false
  #trailers: Uint8Array | undefined
  #silentAtMs = -1

  constructor(stream: ServerHttp2Stream, exchange: BodyReceiver) {
    this.#stream = stream
    this.#exchange = exchange
    ;(stream as WithBody)[BODY] = this
    stream.on("trailers", onTrailers)
  }

  get waitingBytes(): number {
    return this.#stream.readableLength + this.#rest.length
  }

  /** All that was to be read ahead is here. */
  get isAhead(): boolean {
    return this.#aheadBytes > 0 && this.#pullBytes <= 0
  }

  readAhead(bytes: number): void {
    this.#aheadBytes = bytes
    this.#pullBytes = bytes
    this.#readOn()
  }

  pull(bytes: number): void {
    // What was read ahead of the first pull counts for it.
    this.#pullBytes = this.#aheadBytes === 0 ? this.#pullBytes + bytes : bytes - this.receivedBytes
    this.#aheadBytes = 0
    const kept = this.#kept
    this.#kept = []
    for (const piece of kept) this.#exchange.handler?.requestBody(...piece)
    this.#readOn()
  }

  /** Nobody is attached yet. */
  keep(...piece: Piece): void {
    this.#kept.push(piece)
  }

  /** For so long nothing has come of what somebody waits for. `isAwaited`: and the client knows. */
  silentMs(nowMs: number, isAwaited: boolean): number {
    if (!isAwaited || this.ended || this.#pullBytes <= 0) this.#silentAtMs = -1
    else if (this.#silentAtMs === -1) this.#silentAtMs = nowMs
    return this.#silentAtMs === -1 ? 0 : nowMs - this.#silentAtMs
  }

  data(chunk: Uint8Array): void {
    this.#silentAtMs = -1
    const taken = chunk.length <= this.#pullBytes ? chunk : chunk.subarray(0, Math.max(0, this.#pullBytes))
    if (taken.length < chunk.length) this.#rest = chunk.subarray(taken.length)
    this.#hand(taken)
    if (this.#pullBytes <= 0 && !this.#isAllHere) this.#stream.pause()
  }

  fields(fields: readonly string[]): void {
    let text = ""
    for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`
    this.#trailers = passingTrailers(Buffer.from(text, "latin1"))
  }

  /** The client has said the last of it; a part may still be held back here. */
  end(): void {
    this.#isOver = true
    if (this.#rest.length > 0) return
    this.ended = true
    this.#exchange.received(EMPTY, true, this.#trailers)
  }

  #readOn(): void {
    if (this.#pullBytes <= 0 || this.#exchange.finished) return
    if (this.#rest.length > 0) {
      const rest = this.#rest
      this.#rest = EMPTY
      this.data(rest)
      if (this.#isOver && !this.ended) this.end()
      if (this.#pullBytes <= 0 || this.ended) return
    }
    if (this.#reading) {
      if (this.#stream.isPaused()) this.#stream.resume()
      return
    }
    this.#reading = true
    this.#stream.on("data", onData)
    this.#stream.on("end", onEnd)
  }

  #hand(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.receivedBytes += chunk.length
    this.#pullBytes -= chunk.length
    this.#exchange.received(chunk, false)
  }

  /** Nothing but its end can follow, for which nobody needs to ask. */
  get #isAllHere(): boolean {
    return this.#rest.length === 0 && this.receivedBytes === this.#exchange.head.bodyBytes
  }
}

const EMPTY = new Uint8Array(0)

/** An event names the stream alone. */
const BODY = Symbol("polyhost.http2.body")
type WithBody = ServerHttp2Stream & { [BODY]: RequestBody }

function onData(this: ServerHttp2Stream, chunk: Uint8Array): void {
  ;(this as WithBody)[BODY].data(chunk)
}

function onEnd(this: ServerHttp2Stream): void {
  ;(this as WithBody)[BODY].end()
}

function onTrailers(
  this: ServerHttp2Stream,
  _fields: IncomingHttpHeaders,
  _flags: number,
  raw?: readonly string[],
): void {
  if (raw !== undefined) (this as WithBody)[BODY].fields(raw)
}
