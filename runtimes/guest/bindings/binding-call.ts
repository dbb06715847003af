/** One `fetch` of a binding on its way: sends the request's body as credit allows, and makes the Response. */

import { readLatin1 } from "../../../protocol/bytes.ts"
import type { CallClient, CallRequest } from "../../../protocol/calls/call-client.ts"
import type { CallFailure } from "../../../protocol/calls/call-frames.ts"
import type { ClientCall, ClientCallEvents } from "../../../protocol/calls/client-call.ts"

export interface BindingCallParts {
  readonly name: string
  readonly signal: AbortSignal
  readonly resolve: (response: Response) => void
  readonly reject: (error: unknown) => void
}

interface Head {
  readonly status: number
  readonly reason: string
  readonly lines: Uint8Array
}

const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304])

export class BindingCall implements ClientCallEvents {
  readonly #parts: BindingCallParts
  #call: ClientCall | null = null
  #method = ""
  #chunks: Uint8Array[] = []
  #ended = false
  #failure: unknown
  #failed = false
  /** The head is here: what fails from now on is the body. */
  #answered = false
  /** Wakes whoever reads the answer. */
  #arrived: (() => void) | undefined
  /** Wakes the sender of the request's body. */
  #roomy: (() => void) | undefined
  #upload: ReadableStreamDefaultReader<Uint8Array> | undefined
  readonly #onAbort = (): void => this.#abort(this.#parts.signal.reason)

  constructor(parts: BindingCallParts) {
    this.#parts = parts
  }

  open(calls: CallClient, request: CallRequest): void {
    this.#method = request.method
    this.#parts.signal.addEventListener("abort", this.#onAbort)
    this.#call = calls.call(request, this)
  }

  send(body: Uint8Array | ReadableStream<Uint8Array>): void {
    const sent = body instanceof Uint8Array ? this.#write(body, true) : this.#pump(body)
    sent.catch((error: unknown) => this.#abort(error))
  }

  // Events of the call

  response(head: Head): void {
    this.#answered = true
    // What came in the same frame is here when this runs: most answers are whole then.
    queueMicrotask(() => {
      try {
        this.#parts.resolve(this.#makeResponse(head))
      } catch (error) {
        this.#drop()
        this.#parts.reject(error)
      }
    })
  }

  body(chunk: Uint8Array, end: boolean): void {
    if (chunk.length > 0) this.#chunks.push(chunk)
    this.#ended ||= end
    if (end) this.#settled()
    this.#arrived?.()
  }

  writable(): void {
    this.#roomy?.()
  }

  failed(failure: CallFailure, message: string): void {
    this.#fail(new TypeError(`${this.#parts.name}.fetch: ${message || failure}`))
  }

  #makeResponse({ status, reason, lines }: Head): Response {
    const init = { status, statusText: reason, headers: headersOf(lines) }
    if (NULL_BODY.has(status) || this.#method === "HEAD") {
      this.#drop()
      return new Response(null, init)
    }
    if (!this.#ended) return new Response(this.#stream(), init)
    return new Response(this.#chunks.length === 0 ? null : joined(this.#chunks), init)
  }

  #stream(): ReadableStream<Uint8Array> {
    return new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        while (this.#chunks.length === 0 && !this.#ended) {
          if (this.#failed) throw this.#failure
          await new Promise<void>((resolve) => {
            this.#arrived = resolve
          })
        }
        const chunk = this.#chunks.shift()
        if (chunk === undefined) {
          controller.close()
          // A read into the app's own buffer is answered even by the end.
          controller.byobRequest?.respond(0)
          return
        }
        // A copy: a byte stream takes its chunks' buffers away, and this one is a frame's.
        controller.enqueue(new Uint8Array(chunk))
        this.#call?.credit(chunk.length)
      },
      cancel: () => this.#drop(),
    })
  }

  async #pump(body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader()
    this.#upload = reader
    while (this.#call?.done === false) {
      const { done, value } = await reader.read()
      if (done) return this.#write(new Uint8Array(0), true)
      if (!(value instanceof Uint8Array))
        throw new TypeError("the body's stream gave a chunk that is not bytes")
      if (value.length > 0) await this.#write(value, false)
    }
    await reader.cancel()
  }

  async #write(bytes: Uint8Array, end: boolean): Promise<void> {
    const call = this.#call
    let at = 0
    while (call?.done === false) {
      const left = bytes.length - at
      // Before its turn a call has no room, and no frame may name it.
      if (call.id > 0 && left <= call.writable) return call.write(bytes.subarray(at), end)
      if (call.writable > 0) {
        const take = call.writable
        call.write(bytes.subarray(at, at + take), false)
        at += take
      }
      await new Promise<void>((resolve) => {
        this.#roomy = resolve
      })
    }
  }

  #abort(reason: unknown): void {
    this.#call?.cancel()
    this.#parts.reject(reason)
    this.#fail(reason)
  }

  #fail(error: unknown): void {
    if (this.#failed || this.#ended) return
    this.#failed = true
    this.#failure = error
    if (!this.#answered) this.#parts.reject(error)
    this.#settled()
    this.#arrived?.()
  }

  /** Nobody wants the answer. */
  #drop(): void {
    this.#chunks = []
    this.#call?.cancel()
    this.#settled()
  }

  #settled(): void {
    this.#parts.signal.removeEventListener("abort", this.#onAbort)
    this.#roomy?.()
    this.#upload?.cancel().catch(() => undefined)
  }
}

function headersOf(lines: Uint8Array): Headers {
  const headers = new Headers()
  const text = readLatin1(lines, 0, lines.length)
  for (let at = 0; at < text.length; ) {
    const colon = text.indexOf(":", at)
    const end = text.indexOf("\r\n", colon)
    headers.append(text.slice(at, colon), text.slice(colon + 1, end).trim())
    at = end + 2
  }
  return headers
}

/** In memory of its own: a view must not reach the app as the whole frame. */
function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
