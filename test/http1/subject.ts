/**
 * The subject: the listener's readers (RequestHeadReader, BodyReader) behind a small driver that mirrors `connection.ts`: request
 * after request from one stream, in any pieces, until one is refused or closes the connection.
 */
import { BodyReader } from "../../host/listener/http1/body-reader.ts"
import { Input } from "../../host/listener/http1/input.ts"
import { type HeadLimits, HeadResult, RequestHeadReader } from "../../host/listener/http1/request-head.ts"
import { passingTrailers } from "../../host/listener/http1/trailers.ts"
import type { ReadRequest } from "./llhttp-oracle.ts"

export const LIMITS: HeadLimits = { headerBytes: 64 * 1024, headerLines: 1000, targetBytes: 16 * 1024 }

export interface SubjectRequest extends ReadRequest {
  authority: string
  /** The authority came with an absolute target. */
  hostReplaced: boolean
  expectsContinue: boolean
  /** Position after its last byte, when it is whole. */
  end: number
  /** A line in `lines` that the host wrote itself, for all that it is asked. */
  hostLine?: string
  /** Nobody read its body. */
  unread?: boolean
}

export class Subject {
  requests: SubjectRequest[] = []
  wholes = 0
  /** Code of the refusal, or "". */
  refusal = ""
  detail = ""
  /** The connection closes after the last request. */
  closed = false
  readonly #reader: RequestHeadReader
  readonly #body: BodyReader
  readonly #input = new Input()
  #state: "idle" | "head" | "body" = "idle"
  #fed = 0
  #shared = Buffer.alloc(4096)
  #scratch = Buffer.alloc(4096)

  constructor(limits: HeadLimits = LIMITS) {
    this.#reader = new RequestHeadReader(limits, false)
    this.#body = new BodyReader(limits.headerBytes)
  }

  start(): void {
    this.requests = []
    this.wholes = 0
    this.refusal = ""
    this.detail = ""
    this.closed = false
    this.#input.clear()
    this.#state = "idle"
    this.#fed = 0
  }

  feed(chunk: Buffer): void {
    if (this.refusal !== "" || this.closed || chunk.length === 0) return
    this.#fed += chunk.length
    // As in the listener: all that comes is read into the same bytes, so what is kept of them shows.
    if (chunk.length > this.#shared.length) this.#shared = Buffer.alloc(2 * chunk.length)
    const bytes = this.#shared.subarray(0, chunk.length)
    bytes.set(chunk)
    this.#moved(this.#input.add(bytes))
    while (this.refusal === "" && !this.closed && this.#step());
    this.#moved(this.#input.keep())
    bytes.fill(0)
  }

  #moved(by: number): void {
    if (this.#state === "head") this.#reader.shift(by)
  }

  #step(): boolean {
    const input = this.#input
    if (this.#state === "idle") {
      if (input.waiting === 0) return false
      this.#reader.start(input.at)
      this.#state = "head"
    }
    if (this.#state === "head") return this.#readHead()
    if (input.waiting === 0) return false
    return this.#readBody()
  }

  #readHead(): boolean {
    const reader = this.#reader
    const input = this.#input
    const result = reader.read(input.bytes, input.end)
    if (result === HeadResult.incomplete) return false
    if (result === HeadResult.refused) {
      this.refusal = reader.refusal
      this.detail = reader.detail
      return false
    }
    reader.shift(-input.at)
    const bytes = input.takeHead(reader.headEnd)
    const { block } = reader
    if (block.byteLength > this.#scratch.length) this.#scratch = Buffer.alloc(2 * block.byteLength)
    const written = block.write(bytes, this.#scratch, 0)
    if (written !== block.byteLength) throw new Error(`a block of ${block.byteLength} has ${written} bytes`)
    this.requests.push({
      method: reader.method,
      target: reader.target,
      isHttp10: reader.isHttp10,
      keepsAlive: reader.fields.keepsAlive,
      lines: [this.#scratch.toString("latin1", 0, written)],
      body: "",
      trailers: [],
      whole: false,
      authority: reader.authority.text,
      hostReplaced: reader.hostReplaced,
      expectsContinue: reader.fields.expectsContinue,
      end: 0,
    })
    this.#body.start(reader.fields.bodyBytes)
    this.#state = "body"
    if (this.#body.ended) this.#ended()
    return true
  }

  #readBody(): boolean {
    const body = this.#body
    const input = this.#input
    const request = this.requests.at(-1)!
    input.at = body.read(input.bytes, input.at, input.end, Number.POSITIVE_INFINITY)
    if (body.error !== "") {
      this.refusal = "BAD_REQUEST"
      this.detail = body.error
      return false
    }
    if (body.pieceEnd > body.pieceStart)
      request.body += input.bytes.toString("latin1", body.pieceStart, body.pieceEnd)
    if (body.ended) this.#ended()
    return true
  }

  #ended(): void {
    const request = this.requests.at(-1)!
    const trailers = passingTrailers(this.#body.trailers)
    if (trailers !== undefined) request.trailers = [Buffer.from(trailers).toString("latin1")]
    request.whole = true
    request.end = this.#fed - this.#input.waiting
    this.wholes++
    this.#state = "idle"
    if (!request.keepsAlive) this.closed = true
  }
}
