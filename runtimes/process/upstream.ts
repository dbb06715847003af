/**
 * Answers exchanges by HTTP/1.1 to a server app: over kept-alive connections to its private unix socket (or a loopback
 * port). The app's real server parses the request, so it sees what it would see behind any proxy.
 * Owns those connections and the exchanges on them.
 */
import { type Agent, type ClientRequest, type IncomingMessage, request } from "node:http"
import type { ClientErrorCode } from "../../protocol/errors.ts"
import { messageOf } from "../../protocol/errors.ts"
import type { DisconnectReason, Exchange, ExchangeHandler } from "../../protocol/exchange.ts"
import { headerList } from "../header-list.ts"
import { UpstreamAgent } from "./upstream-agent.ts"

export type UpstreamAddress = { readonly path: string } | { readonly host: string; readonly port: number }

export interface Upstream {
  readonly inFlight: number
  /** `refused` is called instead of a failure when the server took no connection and nothing of the exchange. */
  serve(exchange: Exchange, refused?: (detail: string) => void): void
  /** Ends every connection; exchanges in flight fail with `code`. */
  close(reason: string, code: ClientErrorCode): void
}

export function createUpstream(address: UpstreamAddress): Upstream {
  const agent = new UpstreamAgent()
  const exchanges = new Set<UpstreamExchange>()
  let closed: { reason: string; code: ClientErrorCode } | undefined
  return {
    get inFlight() {
      return exchanges.size
    },
    serve(exchange, refused) {
      if (closed !== undefined) exchange.fail(closed.code, closed.reason)
      else new UpstreamExchange(exchange, { agent, address, exchanges, refused }).start()
    },
    close(reason, code) {
      closed ??= { reason, code }
      for (const exchange of [...exchanges]) exchange.fail(code, reason)
      agent.destroy()
    },
  }
}

interface Shared {
  readonly agent: Agent
  readonly address: UpstreamAddress
  readonly exchanges: Set<UpstreamExchange>
  readonly refused: ((detail: string) => void) | undefined
}

/** Request body bytes asked for at a time. */
const PULL_BYTES = 64 * 1024
/** Limit of a response's head: `node:http` would refuse what is over 16 KiB, which servers do send. */
const MAX_HEAD_BYTES = 256 * 1024
/** Methods that may be sent again on a new connection when a kept-alive one turns out to be closed (RFC 9110 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])

class UpstreamExchange implements ExchangeHandler {
  readonly #exchange: Exchange
  readonly #shared: Shared
  #request: ClientRequest | undefined
  #response: IncomingMessage | undefined
  #owedPull = 0
  #over = false
  /** It was sent on a kept-alive connection that then broke. */
  #perhapsTaken = false

  constructor(exchange: Exchange, shared: Shared) {
    this.#exchange = exchange
    this.#shared = shared
  }

  start(): void {
    this.#shared.exchanges.add(this)
    try {
      this.#send()
    } catch (error) {
      this.fail("APP_ERROR", `the request cannot be passed on: ${messageOf(error)}`)
      return
    }
    this.#exchange.attach(this)
    if (this.#exchange.head.bodyBytes !== 0) this.#exchange.pull(PULL_BYTES)
  }

  fail(code: ClientErrorCode, detail: string): void {
    if (!this.#finish()) return
    this.#request?.destroy()
    this.#exchange.fail(code, detail)
  }

  // Events of the exchange

  requestBody(chunk: Uint8Array, end: boolean): void {
    const request = this.#request as ClientRequest
    const room = chunk.length === 0 || request.write(chunk)
    if (end) request.end()
    else if (room) this.#exchange.pull(chunk.length)
    else this.#owedPull += chunk.length
  }

  drained(): void {
    this.#response?.resume()
  }

  left(_reason: DisconnectReason): void {
    if (this.#finish()) this.#request?.destroy()
  }

  #send(): void {
    const { head } = this.#exchange
    const block = new Uint8Array(head.headerBytes)
    head.writeHeaders(block, 0)
    const headers = headerList(block)
    if (head.bodyBytes === -1) headers.push("Transfer-Encoding", "chunked")
    const { address, agent } = this.#shared
    const request_ = request({
      ...("path" in address ? { socketPath: address.path } : { host: address.host, port: address.port }),
      agent,
      method: head.method,
      path: head.target,
      headers,
      setHost: false,
      maxHeaderSize: MAX_HEAD_BYTES,
    })
    // By number they are not limited: lines over the default number would be dropped without a word.
    request_.maxHeadersCount = 0
    this.#request = request_
    request_.once("response", (response) => this.#respond(response))
    request_.once("error", (error: NodeJS.ErrnoException) => this.#failed(request_, error))
    request_.on("drain", () => this.#pullMore())
    if (head.bodyBytes === 0) request_.end()
  }

  #pullMore(): void {
    const bytes = this.#owedPull
    this.#owedPull = 0
    if (bytes > 0 && !this.#over) this.#exchange.pull(bytes)
  }

  #failed(request: ClientRequest, error: NodeJS.ErrnoException): void {
    if (this.#over) return
    const { head, responded } = this.#exchange
    // A kept-alive connection that the app closed at this very moment: the request was not taken.
    const unread = error.code === "ECONNRESET" || error.code === "EPIPE"
    if (request.reusedSocket && unread && !responded && head.bodyBytes === 0 && IDEMPOTENT.has(head.method)) {
      this.#perhapsTaken = true
      this.#send()
      return
    }
    const { refused } = this.#shared
    // One that may have been what ended the instance is not given to the next.
    if (error.syscall === "connect" && !this.#perhapsTaken && head.bodyBytes === 0 && refused !== undefined) {
      if (this.#finish()) refused(`the app's server took no connection (${error.code})`)
      return
    }
    const malformed = error.code?.startsWith("HPE_") === true
    this.fail(
      malformed ? "APP_RESPONSE_INVALID" : "APP_CRASHED",
      `the app's server gave no answer (${error.code ?? error.message})`,
    )
  }

  #respond(response: IncomingMessage): void {
    if (this.#over) {
      response.destroy()
      return
    }
    this.#response = response
    const exchange = this.#exchange
    try {
      const lines = headerBlock(response.rawHeaders)
      exchange.respond(
        { status: response.statusCode ?? 0, reason: response.statusMessage ?? "", lines },
        null,
        false,
      )
    } catch (error) {
      this.fail("APP_RESPONSE_INVALID", messageOf(error))
      return
    }
    response.on("data", (chunk: Uint8Array) => {
      if (!this.#over && !exchange.write(chunk, false)) response.pause()
    })
    response.once("end", () => {
      if (!this.#finish()) return
      exchange.write(EMPTY, true)
      // The rest of the request will never be sent: the connection is of no more use.
      if (this.#request?.writableEnded === false) this.#request.destroy()
    })
    response.once("error", (error) => this.fail("APP_CRASHED", `the app cut its response (${error.message})`))
    response.once("close", () => this.fail("APP_CRASHED", "the app cut its response"))
  }

  /** @returns false when it was over already. */
  #finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#shared.exchanges.delete(this)
    return true
  }
}

const EMPTY = new Uint8Array(0)

function headerBlock(rawHeaders: readonly string[]): Uint8Array {
  let block = ""
  for (let i = 0; i < rawHeaders.length; i += 2) block += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`
  return Buffer.from(block, "latin1")
}
