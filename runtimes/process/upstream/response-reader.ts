/**
 * ResponseReader: the answers on one connection, one after the other, read strictly and as they come (RFC 9112 4 to 7).
 * Owns where each part of an answer begins and ends; the bytes stay the connection's, which reads all into one block:
 * what goes to the sink is valid during the call only. A read gives the sink at most one piece of a body.
 */

import type { ResponseHead } from "../../../protocol/exchange.ts"
import { ChunkedDecoder } from "../../../protocol/http1/chunked.ts"
import { canonicalLines, HeadScanner } from "./head-scanner.ts"
import { usualReason } from "./usual-reason.ts"

const MOST_TRAILER_BYTES = 64 * 1024
/** Informational answers before one answer: more would be an endless one. */
const MOST_INFORMATIONAL = 32
/** Their lines together: nothing holds them back when the client is slow. */
const MOST_INFORMATIONAL_BYTES = 64 * 1024

/** Who gets an answer. All bytes are valid during the call only. */
export interface ResponseSink {
  responseInformed(status: number, lines: Uint8Array): void
  /** The app's server answered 101: `first` is what came after its head, in the protocol that was asked for. */
  responseUpgraded(lines: Uint8Array, first: Uint8Array): void
  responseHead(head: ResponseHead, body: Uint8Array | null, end: boolean): void
  responseBody(piece: Uint8Array, end: boolean, trailers: Uint8Array | undefined): void
}

type State = "head" | "length" | "chunked" | "close" | "ended"

export class ResponseReader {
  /** What is malformed, or "": the connection is of no more use. */
  error = ""
  /** Bytes that came with the end of the answer, and after it. */
  excessBytes = 0
  /** Something of the answer came. */
  begun = false
  readonly #head = new HeadScanner()
  readonly #response = { status: 0, reason: "", lines: NO_BYTES, isChunked: false }
  #state: State = "ended"
  #withoutBody = false
  #upgrade = ""
  #informational = 0
  #informationalBytes = 0
  #left = 0
  #decoder: ChunkedDecoder | null = null
  #persistent = false
  /** The head was read and not handed on. */
  #headDue = false
  /** What `#readChunks` found of the body: `bytes[#pieceAt, #pieceEnd)`. */
  #pieceAt = 0
  #pieceEnd = 0

  /** Expects the next answer. `withoutBody`: it answers HEAD. `upgrade`: the protocol that may come instead of one, or "". */
  start(withoutBody: boolean, upgrade = ""): void {
    this.error = ""
    this.excessBytes = 0
    this.begun = false
    this.#state = "head"
    this.#withoutBody = withoutBody
    this.#upgrade = upgrade
    this.#informational = 0
    this.#informationalBytes = 0
    this.#decoder = null
    this.#headDue = false
    this.#head.start()
  }

  /** The whole answer was read. */
  get ended(): boolean {
    return this.#state === "ended"
  }

  /** The app keeps its connection open after this answer. */
  get persistent(): boolean {
    return this.#persistent
  }

  /** Bytes of the body that are still to come; endless when nobody knows. */
  get bodyLeft(): number {
    return this.#state === "length" ? this.#left : Number.POSITIVE_INFINITY
  }

  /** How long the app keeps an idle connection, in seconds, or -1: it did not say. */
  get keepAliveSeconds(): number {
    return this.#head.fields.keepAliveSeconds
  }

  /** Reads `bytes[start, end)`; their order within may change. */
  read(bytes: Uint8Array, start: number, end: number, sink: ResponseSink): void {
    this.begun = true
    if (this.#state === "head") {
      const bodyAt = this.#readHeads(bytes, start, end, sink)
      if (bodyAt !== -1) this.#readBody(bytes, bodyAt, end, sink)
    } else this.#readBody(bytes, start, end, sink)
  }

  /** The connection ended. The answer is whole when it lasts as long as its connection; `ended` tells. */
  finish(sink: ResponseSink): void {
    if (this.#state === "close") {
      this.#state = "ended"
      this.#persistent = false
      sink.responseBody(NO_BYTES, true, undefined)
    } else if (this.#state === "head") {
      this.#head.finish()
      this.error = this.#head.error
    }
  }

  /** Reads up to the end of the head proper. Returns the position after it, or -1. */
  #readHeads(bytes: Uint8Array, start: number, end: number, sink: ResponseSink): number {
    const head = this.#head
    let at = start
    while (at < end) {
      at = head.scan(bytes, at, end)
      if (at === -1) {
        this.error = head.error
        return -1
      }
      const { status } = head
      if (status >= 200) {
        this.error = this.#frame()
        return this.error === "" ? at : -1
      }
      if (status === 101 && this.#upgrade !== "") {
        this.#takeUpgrade(bytes.subarray(at, end), sink)
        return -1
      }
      const lines = status === 100 ? NO_BYTES : head.lines
      this.#informationalBytes += lines.length
      if (status === 101) this.error = "status 101 for a request that asked for no other protocol"
      else if (
        ++this.#informational > MOST_INFORMATIONAL ||
        this.#informationalBytes > MOST_INFORMATIONAL_BYTES
      )
        this.error = "informational answers without end"
      if (this.error !== "") return -1
      sink.responseInformed(status, lines)
      head.start()
    }
    return -1
  }

  /** What follows is no HTTP: nothing more is read here. */
  #takeUpgrade(first: Uint8Array, sink: ResponseSink): void {
    const { fields, lines } = this.#head
    this.#persistent = false
    if (!fields.upgradesTo(this.#upgrade))
      this.error = `status 101 for another protocol than ${JSON.stringify(this.#upgrade)}`
    else sink.responseUpgraded(lines, first)
  }

  /** How long the body is (RFC 9112 6.3). Returns what is wrong, or "". */
  #frame(): string {
    const { fields, status, minorVersion } = this.#head
    this.#persistent = !fields.close && (minorVersion === 1 || fields.keepAlive)
    // An answer without a body may say both, as Fastify does for HEAD: nobody reads by either.
    if (fields.chunked && fields.contentLength !== -1 && !this.#withoutBody)
      return "content-length and transfer-encoding in one answer"
    if (fields.chunked && minorVersion === 0) return "transfer-encoding in HTTP/1.0"
    this.#headDue = true
    this.#left = fields.contentLength
    // RFC 9110 15.3.6: 205 has no content. Deno says neither that nor a length, and keeps the connection.
    const isReset = status === 205 && !fields.chunked && fields.contentLength === -1
    if (this.#withoutBody || isReset || status === 204 || status === 304 || fields.contentLength === 0)
      this.#state = "ended"
    else if (fields.chunked) {
      this.#decoder = new ChunkedDecoder(MOST_TRAILER_BYTES)
      this.#state = "chunked"
    } else if (fields.contentLength !== -1) this.#state = "length"
    else {
      this.#persistent = false
      this.#state = "close"
    }
    return ""
  }

  #readBody(bytes: Uint8Array, start: number, end: number, sink: ResponseSink): void {
    let pieceAt = start
    let pieceEnd = end
    let at = end
    let trailers: Uint8Array | undefined
    if (this.#state === "length") {
      at = pieceEnd = Math.min(end, start + this.#left)
      this.#left -= pieceEnd - start
      if (this.#left === 0) this.#state = "ended"
    } else if (this.#state === "chunked") {
      const decoder = this.#decoder!
      at = this.#readChunks(decoder, bytes, start, end)
      pieceAt = this.#pieceAt
      pieceEnd = this.#pieceEnd
      if (decoder.ended) {
        this.#state = "ended"
        if (decoder.trailers.length > 0) trailers = canonicalLines(decoder.trailers)
      }
    } else if (this.#state === "ended") at = pieceEnd = start
    this.excessBytes = end - at
    const ended = this.#state === "ended"
    if (this.error !== "") return
    const piece = pieceEnd > pieceAt ? bytes.subarray(pieceAt, pieceEnd) : null
    if (this.#headDue) {
      this.#headDue = false
      sink.responseHead(this.#responseHead(), piece, ended && trailers === undefined)
      if (trailers !== undefined) sink.responseBody(NO_BYTES, true, trailers)
    } else if (piece !== null || ended) sink.responseBody(piece ?? NO_BYTES, ended, trailers)
  }

  /** Moves the chunks' data together, so that a million tiny chunks are few pieces. Returns the position after what was read. */
  #readChunks(decoder: ChunkedDecoder, bytes: Uint8Array, start: number, end: number): number {
    let at = start
    let to = -1
    this.#pieceAt = this.#pieceEnd = start
    while (at < end && !decoder.ended) {
      at = decoder.read(bytes, at, end, end - at)
      if (decoder.error !== "") {
        this.error = decoder.error
        return at
      }
      const { pieceStart, pieceEnd } = decoder
      if (pieceEnd === pieceStart) continue
      if (to === -1) {
        this.#pieceAt = pieceStart
        to = pieceEnd
      } else {
        if (pieceEnd - pieceStart < TINY_BYTES)
          for (let from = pieceStart; from < pieceEnd; ) bytes[to++] = bytes[from++]!
        else {
          bytes.copyWithin(to, pieceStart, pieceEnd)
          to += pieceEnd - pieceStart
        }
      }
      this.#pieceEnd = to
    }
    return at
  }

  #responseHead(): ResponseHead {
    const response = this.#response
    const head = this.#head
    response.status = head.status
    response.reason = head.isReason("") || head.isReason(usualReason(head.status)) ? "" : head.reason
    response.lines = head.lines
    response.isChunked = head.fields.chunked
    return response
  }
}

const NO_BYTES: Uint8Array = new Uint8Array(0)
/** So few bytes are moved faster one by one. */
const TINY_BYTES = 32
