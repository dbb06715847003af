/**
 * The HTTP/1.1 listener on `node:http`: TCP (IPv4, IPv6) and unix sockets. Parsing and message framing are llhttp's,
 * in strict mode. Owns the server and its limits; what a request means is the exchange's.
 */
import { rm } from "node:fs/promises"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { connect, isIPv6, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import { errorAnswer } from "./error-page.ts"
import { HttpExchange } from "./http-exchange.ts"
import type { ListenAddress, Listener, ListenerOptions } from "./listener.ts"
import { scanRequest } from "./request-head.ts"
import { ResponseHeads } from "./response-head.ts"

/** Limits of one request's head and of a connection, DESIGN 7; bytes and milliseconds. */
const MAX_HEAD_BYTES = 64 * 1024
const MAX_HEADERS = 1000
const HEAD_TIMEOUT_MS = 30_000
const KEEP_ALIVE_MS = 75_000

export async function createNodeHttpListener(options: ListenerOptions): Promise<Listener> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEAD_TIMEOUT_MS,
      // Bodies may take as long as bytes keep coming: the app's own time-outs bound the request.
      requestTimeout: 0,
      insecureHTTPParser: false,
      joinDuplicateHeaders: false,
      noDelay: true,
    },
    requestHandler(options),
  )
  server.maxHeadersCount = MAX_HEADERS
  server.on("clientError", refuse)
  server.on("connect", (_message: IncomingMessage, socket: Duplex) => {
    socket.end("HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
  })
  const { address } = options
  if ("path" in address) await removeStaleSocket(address.path)
  await listen(server, address)
  return {
    url: urlOf(server, address),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeIdleConnections()
      }),
    destroy: () => server.closeAllConnections(),
  }
}

/** Turns a message of `node:http` into an exchange and hands it on. Also serves embedders' own servers. */
export function requestHandler(options: Omit<ListenerOptions, "address">) {
  const heads = new ResponseHeads()
  return (message: IncomingMessage, response: ServerResponse): void => {
    const scanned = scanRequest(message)
    const requestId = options.ids.next()
    if (scanned === null) {
      const answer = errorAnswer("BAD_REQUEST", {
        app: null,
        requestId,
        accept: message.headers.accept ?? "",
        retryAfterSeconds: null,
      })
      response.writeHead(answer.status, [...answer.headers, "Connection", "close"])
      response.end(answer.body)
      return
    }
    options.handle(
      new HttpExchange({
        message,
        response,
        streamed: options.streamed,
        heads,
        scanned,
        requestId,
        clientAddress: addressOf(message.socket),
        scheme: "encrypted" in message.socket ? "https" : "http",
      }),
    )
  }
}

function addressOf(socket: Socket): string {
  const address = socket.remoteAddress
  if (address === undefined) return "unix"
  // An IPv4 client on a dual-stack socket.
  return address.startsWith("::ffff:") ? address.slice(7) : address
}

function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy()
    return
  }
  const status =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : "400 Bad Request"
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function listen(server: Server, address: ListenAddress): Promise<void> {
  const where = "path" in address ? address.path : `${address.host}:${address.port}`
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new PolyhostError("HOST_LISTEN_FAILED", `cannot listen on ${where}: ${messageOf(cause)}`, { cause }),
      ),
    )
    server.listen(
      "path" in address ? { path: address.path } : { host: address.host, port: address.port },
      resolve,
    )
  })
}

/** Removes a socket file that nobody answers on; one that is served is left, and `listen` then fails. */
async function removeStaleSocket(path: string): Promise<void> {
  const served = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"))
  })
  if (!served) await rm(path, { force: true })
}

function urlOf(server: Server, address: ListenAddress): string {
  const bound = server.address()
  if ("path" in address || bound === null || typeof bound === "string") {
    return `unix:${"path" in address ? address.path : String(bound)}`
  }
  const host = isIPv6(bound.address) ? `[${bound.address}]` : bound.address
  return `http://${host}:${bound.port}`
}
