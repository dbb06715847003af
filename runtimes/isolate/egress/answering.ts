/** The answer of a server on its way to the call that asked for it: its head, then its body as fast as the app reads. */
import type { IncomingMessage } from "node:http"
import type { Readable } from "node:stream"
import type { ServerCall } from "../../../protocol/calls/server-call.ts"
import { MAX_HEADER_BLOCK_BYTES } from "../../../protocol/frames.ts"
import { failureOf, reasonOf } from "./failure.ts"
import type { OutboundRequest } from "./http-client.ts"

export class Answering {
  readonly #call: ServerCall
  readonly #body: Readable
  readonly #idleMs: number
  #isPaused = false
  #isWhole = false
  #timer: NodeJS.Timeout | undefined

  constructor(call: ServerCall, request: OutboundRequest, body: Readable, idleMs: number) {
    this.#call = call
    this.#body = body
    this.#idleMs = idleMs
    body.on("data", (chunk: Buffer) => {
      request.bodyMoved()
      if (call.write(chunk, false)) return
      this.#isPaused = true
      body.pause()
    })
    body.once("end", () => this.#ended())
    body.once("error", (error) => call.fail(failureOf(error), reasonOf(error)))
    // A stream that is destroyed before its end without an error has no other event.
    body.once("close", () => {
      if (!this.#isWhole) call.fail("failed", "the answer broke off")
    })
  }

  /** The app has read what it was sent. */
  drained(): void {
    this.#isPaused = false
    clearTimeout(this.#timer)
    if (this.#isWhole) this.#call.write(NO_BYTES, true)
    else this.#body.resume()
  }

  /** Nobody reads it any more. */
  left(): void {
    clearTimeout(this.#timer)
  }

  /** The server has done its part; the app may leave the rest unread for as long as a server may be silent. */
  #ended(): void {
    this.#isWhole = true
    if (!this.#isPaused) this.#call.write(NO_BYTES, true)
    else {
      const message = `the answer was not read within ${this.#idleMs / 1000} s`
      this.#timer = setTimeout(() => this.#call.fail("timeout", message), this.#idleMs)
    }
  }
}

/** Sends the head. @returns false when it has no place in a frame. */
export function answerHead(call: ServerCall, response: IncomingMessage): boolean {
  const { rawHeaders, statusCode = 0, statusMessage = "" } = response
  let text = ""
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`
  if (text.length > MAX_HEADER_BLOCK_BYTES) return false
  call.respond({ status: statusCode, reason: statusMessage, lines: Buffer.from(text, "latin1") }, null, false)
  return true
}

const NO_BYTES = new Uint8Array(0)
