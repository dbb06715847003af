/** A server of HTTP/2 with nothing behind it but the test: cleartext on a free port, and TLS where that matters. */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { onTestFinished } from "vitest"
import type { HostExchange } from "../../host/exchange.ts"
import type { ClientConnection } from "../../host/listener/client-connection.ts"
import { DEFAULT_HTTP_SETTINGS, type HttpSettings } from "../../host/listener/http-settings.ts"
import { createServices } from "../../host/listener/http1/services.ts"
import { Http2Connection } from "../../host/listener/http2/connection.ts"
import type { Refusal } from "../../host/listener/listener.ts"
import { StreamedBytes } from "../../host/streamed-bytes.ts"
import type { DisconnectReason, ExchangeHandler } from "../../protocol/exchange.ts"
import { eventually } from "../support/deadline.ts"

/** What an app sees of a request, and can do with it. */
export class Call implements ExchangeHandler {
  readonly exchange: HostExchange
  readonly pieces: Uint8Array[] = []
  ended = false
  trailers = ""
  left_: DisconnectReason | null = null
  /** Set when the client takes bytes again. */
  onDrained: () => void = () => undefined
  onBody: () => void = () => undefined

  constructor(exchange: HostExchange) {
    this.exchange = exchange
    exchange.attach(this)
  }

  /** The header block that the app gets. */
  get lines(): string {
    const { head } = this.exchange
    const into = Buffer.alloc(head.headerBytes)
    const end = head.writeHeaders(into, 0)
    if (end !== head.headerBytes) throw new Error(`a block of ${head.headerBytes} has ${end} bytes`)
    return into.toString("latin1")
  }

  get body(): string {
    return Buffer.concat(this.pieces).toString("latin1")
  }

  get bodyBytes(): number {
    return this.pieces.reduce((sum, { length }) => sum + length, 0)
  }

  answer(status: number, lines: string, body: string | Uint8Array | null, end = true): boolean {
    const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body
    return this.exchange.respond({ status, reason: "", lines: Buffer.from(lines, "latin1") }, bytes, end)
  }

  write(text: string, end = false, trailers?: string): boolean {
    const lines = trailers === undefined ? undefined : Buffer.from(trailers, "latin1")
    return this.exchange.write(Buffer.from(text, "latin1"), end, lines)
  }

  requestBody(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): void {
    if (chunk.length > 0) this.pieces.push(chunk)
    if (end) this.ended = true
    if (trailers !== undefined) this.trailers = Buffer.from(trailers).toString("latin1")
    this.onBody()
  }

  drained(): void {
    this.onDrained()
  }

  left(reason: DisconnectReason): void {
    this.left_ = reason
  }
}

export type OnCall = (call: Call) => void
export type Settings = Partial<HttpSettings>

export class Rig {
  port = 0
  readonly connections = new Set<Http2Connection>()
  readonly calls: Call[] = []
  readonly refusals: Refusal[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  /** Closed when the test has finished: then no connection may be left. */
  static async start(onCall: OnCall, settings: Settings = {}): Promise<Rig> {
    const rig = new Rig(onCall, settings)
    await new Promise<void>((resolve) => rig.#server.listen(0, "127.0.0.1", resolve))
    rig.port = (rig.#server.address() as AddressInfo).port
    onTestFinished(() => rig.close())
    return rig
  }

  private constructor(onCall: OnCall, settings: Settings) {
    let ids = 0
    const services = createServices({
      settings: { ...DEFAULT_HTTP_SETTINGS, ...settings },
      errorPages: new Map(),
      ids: { next: () => `id${++ids}` },
      streamed: new StreamedBytes(null),
      handle: (exchange) => {
        const call = new Call(exchange)
        this.calls.push(call)
        onCall(call)
      },
      refused: (refusal) => this.refusals.push(refusal),
    })
    const peer = { address: "192.0.2.1", scheme: "http", clientCert: "" } as const
    const closed = (it: ClientConnection): void => void this.connections.delete(it as Http2Connection)
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket)
      socket.once("close", () => this.#sockets.delete(socket))
      this.connections.add(new Http2Connection(socket, peer, services, closed))
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get connection(): Http2Connection {
    return [...this.connections][0] as Http2Connection
  }

  /** The call of number `index`, when it has come. */
  call(index = 0): Promise<Call> {
    return eventually(5000, `call ${index}`, () => this.calls[index])
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await eventually(2000, "the end of all connections", () => this.connections.size === 0)
  }
}

/** Answers everything with a line. */
export function hello(call: Call): void {
  call.answer(200, "Content-Type: text/plain\r\n", "hello\n")
}
