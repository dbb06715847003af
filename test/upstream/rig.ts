/** A server on a unix socket, an upstream to it, and exchanges whose client is the test. All gone after the test. */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http"
import { createServer, type Server as NetServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import type { ExchangeHandler } from "../../protocol/exchange.ts"
import { createUpstream, type Upstream } from "../../runtimes/process/upstream/upstream.ts"
import { MemoryExchange, type MemoryExchangeOptions } from "../protocol/memory-exchange.ts"

export interface Rig {
  readonly path: string
  readonly upstream: Upstream
  /** Connections of the server, in their order. */
  readonly sockets: Socket[]
}

/** A real server of Node. */
export async function httpRig(listener: RequestListener): Promise<Rig & { server: Server }> {
  const server = createHttpServer(listener)
  return { server, ...(await rig(server)) }
}

/** A server that says what the test says: `answer` gets each connection, and what came on it so far. */
export function rawRig(answer: (socket: Socket, request: string, count: number) => void): Promise<Rig> {
  let count = 0
  return rig(
    createServer((socket) => {
      let request = ""
      socket.on("data", (chunk) => {
        request += chunk.toString("latin1")
        if (!request.includes("\r\n\r\n")) return
        const whole = request
        request = ""
        answer(socket, whole, ++count)
      })
    }),
  )
}

async function rig(server: NetServer, backlog = 511): Promise<Rig> {
  const dir = mkdtempSync(join(tmpdir(), "polyhost-upstream-"))
  const path = join(dir, "app.sock")
  const sockets: Socket[] = []
  server.on("connection", (socket: Socket) => {
    sockets.push(socket)
    socket.on("error", () => undefined)
  })
  await new Promise<void>((resolve) => server.listen({ path, backlog }, resolve))
  const upstream = createUpstream({ path })
  onTestFinished(async () => {
    upstream.close("the test is over", "APP_UNAVAILABLE")
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
    rmSync(dir, { recursive: true })
  })
  return { path, upstream, sockets }
}

/** A server whose queue of connections holds few. */
export function narrowRig(listener: RequestListener): Promise<Rig> {
  return rig(createHttpServer(listener), 1)
}

export interface ClientOptions extends Omit<MemoryExchangeOptions, "headers"> {
  readonly lines?: string
  /** Header lines after the request's body. */
  readonly trailers?: string
}

/** A MemoryExchange that also knows trailers and the lines of informational answers. */
export class Client extends MemoryExchange {
  readonly hints: string[] = []
  trailers = ""
  readonly #requestTrailers: string | undefined

  constructor({ lines = "Host: test\r\n", trailers, ...options }: ClientOptions = {}) {
    super({ ...options, headers: Buffer.from(lines, "latin1") })
    this.#requestTrailers = trailers
  }

  override attach(handler: ExchangeHandler): void {
    const trailers = this.#requestTrailers
    super.attach({
      requestBody: (chunk, end) =>
        handler.requestBody(chunk, end, end && trailers !== undefined ? Buffer.from(trailers) : undefined),
      drained: () => handler.drained(),
      left: (reason) => handler.left(reason),
      goAway: (code) => handler.goAway?.(code),
    })
  }

  override inform(status: number, lines: Uint8Array = new Uint8Array(0)): void {
    super.inform(status)
    this.hints.push(Buffer.from(lines).toString("latin1"))
  }

  override write(chunk: Uint8Array, end: boolean, trailers?: Uint8Array): boolean {
    if (trailers !== undefined) this.trailers = Buffer.from(trailers).toString("latin1")
    return super.write(chunk, end)
  }

  get text(): string {
    return Buffer.from(this.answer).toString("latin1")
  }
}

/** Serves a client's exchange and waits for its end. */
export async function ask(upstream: Upstream, options: ClientOptions = {}): Promise<Client> {
  const client = new Client(options)
  upstream.serve(client)
  await client.ended
  return client
}
