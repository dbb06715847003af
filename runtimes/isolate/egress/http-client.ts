/**
 * One outbound request over HTTP/1.1 and its answer, on Node's client: where it connects (`lookup.ts`), how long each step
 * may take, and that it ends whole. Knows nothing of calls (`egress.ts`) and follows no redirect: that is the isolate's part,
 * and each hop comes here as a request of its own, to be checked like the first.
 */
import { type ClientRequest, type IncomingMessage, request as startHttp } from "node:http"
import { request as startHttps } from "node:https"
import type { Socket } from "node:net"
import type { Readable } from "node:stream"
import { isIpLiteral } from "../../outbound.ts"
import type { Agents } from "./agents.ts"
import { decoded } from "./decode.ts"
import { OutboundRefused, OutboundTimeout } from "./failure.ts"
import type { Gate } from "./gate.ts"
import { createCheckedLookup, type Resolve } from "./lookup.ts"
import type { Grant } from "./policy.ts"
import type { HeaderPairs } from "./request-headers.ts"

/** All of an answer's head together, as everywhere (`MAX_HEAD_BYTES`). */
const MAX_HEAD_BYTES = 64 * 1024

export interface HttpClient {
  readonly agents: Agents
  readonly resolve: Resolve
  /** Who may look up names at the same time, and who may have a decoder with a large window. */
  readonly lookups: Gate
  readonly decoders: Gate
  readonly timeouts: OutboundTimeouts
}

export interface OutboundTimeouts {
  readonly connectMs: number
  /** From the end of the request to the answer's head. */
  readonly headMs: number
  /** The longest silence within a body, either way. */
  readonly idleMs: number
}

export interface HttpRequest {
  readonly url: URL
  readonly method: string
  readonly headers: HeaderPairs
  readonly hasBody: boolean
  /** Length that the headers state; -1 unknown until it ends. */
  readonly bodyBytes: number
}

export interface HttpEvents {
  answered(response: IncomingMessage, body: Readable): void
  /** Once, last, and only before `answered`: afterwards the body's stream tells. */
  failed(error: Error): void
}

/** Starts at once; nothing is called back before `constructor` returned. */
export class OutboundRequest {
  readonly #client: HttpClient
  readonly #request: HttpRequest
  readonly #grant: Grant
  readonly #events: HttpEvents
  #node: ClientRequest | null = null
  #body: Readable | null = null
  #phase: Phase = "connecting"
  #timer: NodeJS.Timeout | undefined
  #sentBytes = 0
  #bodyEnded = false
  #isOver = false

  constructor(client: HttpClient, request: HttpRequest, grant: Grant, events: HttpEvents) {
    this.#client = client
    this.#request = request
    this.#grant = grant
    this.#events = events
    this.#start(false)
  }

  /** `taken` is called when the operating system has it: no more than is in flight there waits here. */
  write(chunk: Uint8Array, taken: () => void): void {
    if (this.#isOver || this.#node === null) return
    const { bodyBytes } = this.#request
    this.#sentBytes += chunk.length
    if (bodyBytes >= 0 && this.#sentBytes > bodyBytes)
      return this.#fail(new Error(`the request's body is longer than its Content-Length of ${bodyBytes}`))
    this.#node.write(chunk, () => {
      if (this.#isOver) return
      if (this.#phase === "sending") this.#enter("sending")
      taken()
    })
  }

  end(): void {
    if (this.#isOver || this.#bodyEnded || this.#node === null) return
    const { bodyBytes } = this.#request
    if (bodyBytes >= 0 && this.#sentBytes < bodyBytes)
      return this.#fail(new Error(`the request's body ended after ${this.#sentBytes} of ${bodyBytes} bytes`))
    this.#bodyEnded = true
    this.#node.end()
    if (this.#phase === "sending") this.#enter("waiting")
  }

  /** The answer's body moved. A reader who does not read for so long is silent too: the connection is not held for it. */
  bodyMoved(): void {
    if (!this.#isOver) this.#enter("receiving")
  }

  /** Ends it, whatever state it is in; nothing is called back any more. */
  abort(reason: string): void {
    if (this.#isOver) return
    this.#over()
    this.#destroy(new Error(reason))
  }

  #start(isSecondTry: boolean): void {
    const { url, method, headers } = this.#request
    const host = url.hostname.replace(/^\[|\]$/g, "")
    if (isIpLiteral(url.hostname) && !this.#grant.permits(host)) {
      const error = new OutboundRefused(this.#grant.refusal(host))
      queueMicrotask(() => this.#fail(error))
      return
    }
    const start = url.protocol === "https:" ? startHttps : startHttp
    const node = start({
      agent: this.#client.agents.of(url),
      host,
      port: url.port === "" ? null : Number(url.port),
      path: `${url.pathname}${url.search}`,
      method,
      lookup: createCheckedLookup(this.#grant, this.#client.resolve, this.#client.lookups),
      maxHeaderSize: MAX_HEAD_BYTES,
      insecureHTTPParser: false,
    })
    this.#node = node
    // Node's client writes methods in upper case, fetch leaves those it does not know as they are.
    node.method = method
    for (const [name, value] of headers) node.appendHeader(name, value)
    this.#enter("connecting")
    node.on("socket", (socket) => this.#connecting(node, socket))
    node.on("response", (response) => this.#answered(response))
    node.on("upgrade", (_response, socket) => {
      socket.destroy()
      this.#fail(new Error("the server switched to another protocol"))
    })
    node.on("error", (error) => this.#broke(node, error, isSecondTry))
    if (this.#request.hasBody) return node.flushHeaders()
    this.#bodyEnded = true
    node.end()
  }

  #connecting(node: ClientRequest, socket: Socket): void {
    if (!socket.connecting) this.#connected()
    else
      socket.once(this.#request.url.protocol === "https:" ? "secureConnect" : "connect", () => {
        if (this.#node === node) this.#connected()
      })
  }

  #connected(): void {
    if (!this.#isOver && this.#phase === "connecting") this.#enter(this.#bodyEnded ? "waiting" : "sending")
  }

  #answered(response: IncomingMessage): void {
    if (this.#isOver) {
      response.destroy()
      return
    }
    // Before a decoder listens, a body that breaks off must not be an error that nobody handles.
    response.on("error", () => undefined)
    decoded(response, this.#request.method, this.#client.decoders).then(
      (body) => this.#deliver(response, body),
      (error: Error) => this.#fail(error),
    )
  }

  #deliver(response: IncomingMessage, body: Readable): void {
    if (this.#isOver) {
      body.destroy()
      return
    }
    this.#body = body
    body.once("close", () => {
      // The server has answered all it wants to: the rest of the request would go to nobody.
      const unsent = !this.#bodyEnded
      this.#over()
      if (unsent) this.#destroy(new Error("the server answered before it had the whole request"))
    })
    this.bodyMoved()
    this.#events.answered(response, body)
  }

  /** A connection that waited may be closed by its server at the very moment when it is used again (RFC 9110 9.2.2). */
  #broke(node: ClientRequest, error: NodeJS.ErrnoException, isSecondTry: boolean): void {
    if (node !== this.#node || this.#isOver) return
    const wasClosed = node.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE")
    const isHarmless = !this.#request.hasBody && IDEMPOTENT.has(this.#request.method)
    if (wasClosed && isHarmless && !isSecondTry && this.#body === null) this.#start(true)
    else this.#fail(error)
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#over()
    this.#destroy(error)
    if (this.#body === null) this.#events.failed(error)
  }

  #over(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #destroy(error: Error): void {
    this.#body?.destroy(error)
    this.#node?.destroy()
  }

  /** Arms the deadline of a step, or arms it again. */
  #enter(phase: Phase): void {
    const { timeouts } = this.#client
    this.#phase = phase
    const ms =
      phase === "connecting" ? timeouts.connectMs : phase === "waiting" ? timeouts.headMs : timeouts.idleMs
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => this.#fail(new OutboundTimeout(`${OVERDUE[phase]} within ${ms / 1000} s`)),
      ms,
    )
  }
}

type Phase = "connecting" | "sending" | "waiting" | "receiving"

const OVERDUE: Readonly<Record<Phase, string>> = {
  connecting: "no connection was made",
  sending: "the request's body did not move",
  waiting: "the server gave no answer",
  receiving: "the answer's body did not move",
}

const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
