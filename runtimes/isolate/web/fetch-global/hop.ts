/** One hop of a fetch: a call to the cell, from the request's head to the last byte of the answer. Counterpart: `../../egress/`. */

import type { CallClient } from "../../../../protocol/calls/call-client.ts"
import type { CallFailure } from "../../../../protocol/calls/call-frames.ts"
import { MAX_CALL_NAME_BYTES, MAX_CALL_URL_BYTES } from "../../../../protocol/calls/call-frames.ts"
import type { ClientCall, ClientCallEvents } from "../../../../protocol/calls/client-call.ts"
import { MAX_HEADER_BLOCK_BYTES, readLatin1 } from "../../../../protocol/frames.ts"
import { headerList } from "../../../header-list.ts"
import type { HeaderPair } from "../fetch/index.ts"
import { AnswerBody } from "./answer-body.ts"
import { causeOf, terminated } from "./network-error.ts"
import type { OutgoingBody, Sending } from "./sending.ts"

export interface HopRequest {
  /** Without its fragment. */
  readonly url: string
  readonly method: string
  readonly headers: readonly HeaderPair[]
  readonly body: OutgoingBody | null
}

export interface Answer {
  readonly status: number
  readonly reason: string
  /** Lower-case names, in the order they came. */
  readonly pairs: readonly HeaderPair[]
}

export interface HopEvents {
  answered(answer: Answer): void
  /** Only before `answered`; afterwards the body's reader learns of it. */
  failed(cause: Error): void
  /** Nothing is left to abort: the answer was read, cancelled or failed. */
  ended(): void
}

/** What may still come of an answer that nobody reads, so that its connection can be used again. */
const MOST_DROPPED_BYTES = 16 * 1024

export class Hop implements ClientCallEvents {
  readonly answerBody: AnswerBody
  readonly #request: HopRequest
  readonly #events: HopEvents
  #call: ClientCall | null = null
  #sending: Sending | null = null
  #leave: () => void = () => undefined
  #isAnswered = false
  #isOver = false
  #dropped = -1

  constructor(request: HopRequest, events: HopEvents) {
    this.#request = request
    this.#events = events
    this.answerBody = new AnswerBody({
      credit: (bytes) => this.#call?.credit(bytes),
      cancel: () => this.#end("the answer was cancelled"),
      finished: () => events.ended(),
    })
  }

  /** `leave` is called when the call is over. */
  start(calls: CallClient, leave: () => void): void {
    this.#leave = leave
    if (this.#isOver) return leave()
    const { url, method, body } = this.#request
    const lines = linesOf(this.#request)
    const problem = tooLong(url, method, lines)
    if (problem !== null) return this.failed("refused", problem)
    const hasBody = body !== null && body.length !== 0
    this.#call = calls.call({ binding: "", method, url, lines, hasBody, cause: 0 }, this)
    if (this.#isOver || !hasBody) return
    this.#sending = body.open(this.#call, (reason) => this.#bodyBroke(reason))
    this.#sending.go()
  }

  /** Nobody reads the answer; a short one is let in all the same. */
  dropAnswer(): void {
    this.#dropped = 0
    this.#request.body?.drop(new Error("the server has answered"))
  }

  abort(reason: unknown): void {
    this.#end(reason)
    this.answerBody.fail(reason)
  }

  // Events of the call

  response({ status, reason, lines }: { status: number; reason: string; lines: Uint8Array }): void {
    if (this.#isOver) return
    this.#isAnswered = true
    const list = headerList(readLatin1(lines, 0, lines.length))
    const pairs: HeaderPair[] = []
    for (let at = 0; at < list.length; at += 2) pairs.push([list[at]!.toLowerCase(), list[at + 1]!])
    this.#events.answered({ status, reason, pairs })
  }

  body(chunk: Uint8Array, end: boolean): void {
    if (this.#isOver) return
    if (end) this.#end("the server has answered")
    if (this.#dropped < 0) return this.answerBody.push(chunk, end)
    this.#dropped += chunk.length
    if (this.#dropped > MOST_DROPPED_BYTES) this.#end("the answer is not read")
  }

  writable(): void {
    this.#sending?.go()
  }

  failed(failure: CallFailure, message: string): void {
    this.#break(causeOf(failure, message))
  }

  #bodyBroke(reason: unknown): void {
    this.#break(reason instanceof Error ? reason : new Error("the request's body failed", { cause: reason }))
  }

  #break(cause: Error): void {
    if (this.#isOver) return
    this.#end(cause)
    if (this.#isAnswered) this.answerBody.fail(terminated(cause))
    else this.#events.failed(cause)
  }

  #end(reason: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#request.body?.drop(reason)
    this.#call?.cancel()
    this.#leave()
  }
}

/** The length of a body at hand is ours to say; that of a stream the app may know. */
function linesOf({ headers, body }: HopRequest): string {
  let lines = ""
  for (const [name, value] of headers) {
    if (name !== "content-length" || body?.length === -1) lines += `${name}: ${value}\r\n`
  }
  return body === null || body.length <= 0 ? lines : `${lines}content-length: ${body.length}\r\n`
}

/** What the cell would take for an attack: the app is told, and stays. */
function tooLong(url: string, method: string, lines: string): string | null {
  if (url.length > MAX_CALL_URL_BYTES)
    return `the URL has ${url.length} characters, ${MAX_CALL_URL_BYTES} at most`
  if (method.length > MAX_CALL_NAME_BYTES) return `the method has more than ${MAX_CALL_NAME_BYTES} characters`
  if (lines.length > MAX_HEADER_BLOCK_BYTES)
    return `the headers have ${lines.length} bytes, ${MAX_HEADER_BLOCK_BYTES} at most`
  return /[^\t\r\n\u0020-\u007e\u0080-\u00ff]/.test(lines)
    ? "a header's value has a control character in it"
    : null
}
