/**
 * A fetch app inside the guest: makes a Request of each stream, calls the handler, sends the Response. Owns what a
 * request's failure means; one request's failure is that request's alone.
 */
import type { GuestResponseHead, GuestStream, GuestStreamEvents } from "../../protocol/guest-stream.ts"
import { DisconnectCode, type Log, type Welcome } from "../../protocol/messages.ts"
import type { GuestSocket } from "../../protocol/websocket/guest-socket.ts"
import { type Reading, soon } from "./at-hand.ts"
import { type AppContext, contextMaker } from "./context.ts"
import type { MakeRequest } from "./fast-request.ts"
import type { ResponseParts } from "./fast-response.ts"
import type { Handler } from "./handler.ts"
import type { GuestPlatform } from "./platform.ts"
import { RequestRecord } from "./request-record.ts"
import { linesOfNative, reasonOf, withLength } from "./response-head.ts"
import { describe, isPromise, isResponse, thrownMessage, thrownStack } from "./results.ts"
import { createWebSockets } from "./websocket/sockets.ts"

/** Bodies up to this size travel in the same frame as their head, copied; larger ones in frames of their own, as they are. */
const INLINE_BYTES = 8 * 1024

export interface FetchApp {
  request(stream: GuestStream): void
  /** A client wants a WebSocket connection: only where the handler has hooks. */
  webSocket(socket: GuestSocket): void
  /** Waits for `waitUntil` promises (at most `graceMs`) and runs the app's `close`. Never rejects. */
  close(graceMs: number): Promise<void>
}

export interface FetchAppOptions {
  readonly handler: Handler
  readonly app: Welcome["app"]
  readonly log: (log: Log) => void
  /** What `ctx.env` holds. */
  readonly env: Record<string, unknown>
  readonly makeRequest: MakeRequest
  /** The parts of a response that can be sent without its stream, or undefined: read it as any other code would. */
  readonly partsOf: (response: Response) => ResponseParts | undefined
  readonly platform: GuestPlatform
  /** Runs code of the app for a stream. */
  readonly during: (stream: GuestStream, run: (stream: GuestStream) => void) => void
}

export function createFetchApp(options: FetchAppOptions): FetchApp {
  const { handler, app, log, env, makeRequest, platform } = options
  const background = new Set<Promise<unknown>>()
  const makeContext = contextMaker({ env, app, log, waitUntil })
  const { call } = handler
  const sockets =
    handler.webSocket === undefined
      ? undefined
      : createWebSockets({
          hooks: handler.webSocket,
          fetch: call,
          platform,
          during: options.during,
          waitUntil,
        })

  function waitUntil(promise: Promise<unknown>): void {
    const settled: Promise<unknown> = Promise.resolve(promise).then(
      () => background.delete(settled),
      (error: unknown) => {
        background.delete(settled)
        reportError(platform, "a promise given to waitUntil rejected", error)
      },
    )
    background.add(settled)
  }

  return {
    request(stream) {
      const exchange = new FetchExchange(stream, options)
      try {
        const context: AppContext = makeContext(exchange.record)
        const result: unknown = call(makeRequest(exchange.record), context, context)
        if (isPromise(result)) {
          result.then(
            (response) => exchange.answer(response),
            (error: unknown) => exchange.fail(error),
          )
        } else exchange.answer(result)
      } catch (error) {
        exchange.fail(error)
      }
    },
    webSocket(socket) {
      const exchange = new FetchExchange(socket, options)
      const { record } = exchange
      sockets?.connect({
        socket,
        request: makeRequest(record),
        context: makeContext(record),
        answer: (response) => exchange.answer(response),
        fail: (error) => exchange.fail(error),
        left: () => record.disconnected(),
      })
    },
    async close(graceMs) {
      try {
        await within(graceMs, Promise.all(background))
        await within(graceMs, Promise.resolve(handler.close?.()))
      } catch (error) {
        reportError(platform, "the app's close failed", error)
      }
    },
  }
}

class FetchExchange implements GuestStreamEvents {
  readonly record: RequestRecord
  readonly #stream: GuestStream
  readonly #options: FetchAppOptions
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  #wake: (() => void) | undefined

  constructor(stream: GuestStream, options: FetchAppOptions) {
    this.#stream = stream
    this.#options = options
    this.record = new RequestRecord(stream, options.platform)
    stream.events = this
  }

  requestBody(chunk: Uint8Array, end: boolean): void {
    this.record.body?.push(chunk, end)
  }

  writable(): void {
    this.#wake?.()
  }

  disconnected(): void {
    this.record.disconnected()
    this.#wake?.()
    this.#reader?.cancel().catch(() => undefined)
  }

  answer(response: unknown): void {
    try {
      if (isResponse(response)) this.#send(response)
      else
        this.#abort(
          DisconnectCode.invalidResponse,
          `fetch must return a Response, but returned ${describe(response)}`,
        )
    } catch (error) {
      this.fail(error)
    }
  }

  /** The app threw: it is told on its own stderr, the client gets an error page or a cut. */
  fail(error: unknown): void {
    if (this.#stream.done) return
    reportError(this.#options.platform, `${this.record.method} ${this.record.url} failed`, error)
    this.#abort(DisconnectCode.appError, thrownMessage(error))
  }

  #abort(code: number, message: string): void {
    this.#stream.abort(code, this.#options.platform.utf8(message.slice(0, 1000)))
  }

  #send(response: Response): void {
    if (response.status === 0)
      return this.#abort(
        DisconnectCode.invalidResponse,
        "fetch returned Response.error(), which is no answer",
      )
    const { partsOf, platform } = this.#options
    const parts = partsOf(response)
    const status = parts === undefined ? response.status : parts.status
    const reason = parts === undefined ? reasonOf(response) : parts.reason
    const lines = parts === undefined ? linesOfNative(response) : parts.lines
    const body = parts === undefined ? undefined : parts.body
    const method = this.record.method
    if (method === "HEAD" || status === 204 || status === 304 || body === null) {
      const known = typeof body === "string" ? platform.utf8Length(body) : body?.length
      const sized = method === "HEAD" && known !== undefined ? withLength(lines, known) : lines
      this.#stream.respond({ status, reason, lines: sized }, null, true)
      this.#ended()
      if (body === undefined) response.body?.cancel().catch(() => undefined)
      return
    }
    if (body !== undefined) {
      const bytes = typeof body === "string" ? platform.utf8(body) : body
      const head = { status, reason, lines: withLength(lines, bytes.length) }
      if (bytes.length <= INLINE_BYTES) {
        this.#stream.respond(head, bytes, true)
        this.#ended()
      } else {
        this.#stream.respond(head, null, false)
        this.#writeAll(bytes, true).catch((error: unknown) => this.fail(error))
      }
      return
    }
    if (response.bodyUsed) throw new TypeError("the Response's body was already read")
    const head = { status, reason, lines }
    if (response.body === null) this.#stream.respond(head, null, true)
    else this.#sendStream(head, response.body).catch((error: unknown) => this.fail(error))
  }

  /** A body that is at hand goes out in one frame with its head; the head of a stream waits for nothing. */
  async #sendStream(head: GuestResponseHead, body: ReadableStream<Uint8Array>): Promise<void> {
    const reader = body.getReader()
    this.#reader = reader
    try {
      let reading = reader.read()
      const first = await soon(reading)
      if (first?.done) {
        this.#stream.respond(head, null, true)
        this.#ended()
        return
      }
      if (first !== undefined && bytesOf(first.value).length <= INLINE_BYTES) {
        reading = reader.read()
        const second = await soon(reading)
        this.#stream.respond(head, bytesOf(first.value), second?.done === true)
        if (second?.done) {
          this.#ended()
          return
        }
      } else this.#stream.respond(head, null, false)
      await this.#pump(reader, reading)
    } catch (error) {
      reader.cancel(error).catch(() => undefined)
      throw error
    }
  }

  /** The answer is out: nothing more of the request's body will come. Whoever still reads it is told. */
  #ended(): void {
    this.record.body?.fail(new Error("the answer ended before the request's body was read"))
  }

  async #pump(reader: ReadableStreamDefaultReader<Uint8Array>, first: Reading): Promise<void> {
    let reading = first
    while (!this.#stream.done) {
      const { done, value } = await reading
      if (done) {
        this.#stream.write(EMPTY, true)
        this.#ended()
        return
      }
      await this.#writeAll(bytesOf(value), false)
      reading = reader.read()
    }
    await reader.cancel()
  }

  /** Writes as the credit allows. */
  async #writeAll(bytes: Uint8Array, end: boolean): Promise<void> {
    const stream = this.#stream
    let at = 0
    while (!stream.done) {
      const left = bytes.length - at
      if (left <= stream.writable) {
        if (left > 0 || end) stream.write(at === 0 ? bytes : bytes.subarray(at), end)
        if (end) this.#ended()
        return
      }
      if (stream.writable > 0) {
        const take = stream.writable
        stream.write(bytes.subarray(at, at + take), false)
        at += take
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

const EMPTY = new Uint8Array(0)

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  throw new TypeError("the Response's stream gave a chunk that is not bytes")
}

function reportError(platform: GuestPlatform, what: string, error: unknown): void {
  platform.reportError(`${what}: ${thrownStack(error)}`)
}

/** Settles with the promise, or after `ms` without it. */
function within(ms: number, promise: Promise<unknown>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
