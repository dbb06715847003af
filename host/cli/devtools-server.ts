/**
 * What Chrome DevTools and other debuggers find on this machine while `polyhost inspect` runs: the discovery documents and the
 * WebSocket that Node's own inspector has, each session carried on to the host. Refuses web pages and names that somebody's
 * DNS points here; the path of the WebSocket is a secret of this run.
 */
import { randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { isIP, isIPv6 } from "node:net"
import type { Duplex } from "node:stream"
import { WebSocket, WebSocketServer } from "ws"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import { MAX_INSPECTOR_MESSAGE_BYTES } from "../../runtimes/index.ts"

export interface DevtoolsServerOptions {
  readonly host: string
  readonly port: number
  /** Take the next free port when that one is taken. */
  readonly orNext: boolean
  readonly title: string
  readonly protocol: "v8" | "webkit"
  readonly version: string
  /** A session with the app's inspector, which waits until it is listened to. @throws with the reason why not */
  readonly openSession: () => Promise<WebSocket>
  readonly say: (text: string) => void
}

export interface DevtoolsServer {
  /** `ws://127.0.0.1:9229/UUID` */
  readonly url: string
  /** What to open in a browser. */
  readonly page: string
  close(): Promise<void>
}

/** Pages that may connect: the debuggers' own. */
const FRONTENDS = /^(?:devtools|chrome-devtools|edge-devtools):\/\/|^https:\/\/debug\.bun\.sh$/
const TRIES = 50
/** What chrome://inspect lists as a program, and no page: a word of its protocol, whatever the app runs on. */
const TARGET_TYPE = `node`
const HIGH_WATER_BYTES = 1024 * 1024
const CLOSE_GONE = 1001

/** @throws PolyhostError HOST_LISTEN_FAILED */
export async function serveDevtools(options: DevtoolsServerOptions): Promise<DevtoolsServer> {
  const id = randomUUID()
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_INSPECTOR_MESSAGE_BYTES,
    perMessageDeflate: false,
  })
  const server = createServer((message, response) => {
    if (!isAllowed(message, options.host)) response.writeHead(403).end()
    else answer(message, response)
  })
  server.on("upgrade", (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => undefined)
    if (!isAllowed(message, options.host)) return refuse(socket, "403 Forbidden", "not from here")
    if (message.url !== `/${id}`) return refuse(socket, "404 Not Found", "no such target")
    options.openSession().then(
      (session) =>
        sockets.handleUpgrade(message, socket, head, (client) => join(client, session, options.say)),
      (error: unknown) => {
        options.say(messageOf(error))
        refuse(socket, "409 Conflict", messageOf(error))
      },
    )
  })
  const port = await listen(server, options)
  const place = `${isIPv6(options.host) ? `[${options.host}]` : options.host}:${port}`
  const page =
    options.protocol === "webkit"
      ? `https://debug.bun.sh/#${place}/${id}`
      : `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${place}/${id}`

  function answer(message: IncomingMessage, response: ServerResponse): void {
    const path = (message.url ?? "/").replace(/[?#].*$/s, "").replace(/\/$/, "")
    if (path === "/json" || path === "/json/list") {
      return json(response, [
        {
          id,
          type: TARGET_TYPE,
          title: options.title,
          description: "an app of Polyhost",
          url: "file://",
          faviconUrl: "https://nodejs.org/static/images/favicons/favicon.ico",
          devtoolsFrontendUrl: page,
          devtoolsFrontendUrlCompat: page,
          webSocketDebuggerUrl: `ws://${place}/${id}`,
        },
      ])
    }
    if (path === "/json/version")
      return json(response, { Browser: options.version, "Protocol-Version": "1.1" })
    response.writeHead(404).end()
  }

  return {
    url: `ws://${place}/${id}`,
    page,
    close: () =>
      new Promise((resolve) => {
        for (const client of sockets.clients) client.close(CLOSE_GONE)
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** By its address or as localhost, and from no page of the web. */
function isAllowed({ headers }: IncomingMessage, listenHost: string): boolean {
  const name = (headers.host ?? "")
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase()
  const { origin } = headers
  return (
    (isIP(name) !== 0 || name === "localhost" || name === listenHost.toLowerCase()) &&
    (origin === undefined || FRONTENDS.test(origin))
  )
}

/** Carries messages both ways; a side that does not read makes the other wait. */
function join(client: WebSocket, session: WebSocket, say: (text: string) => void): void {
  say("a debugger is attached")
  pass(client, session)
  pass(session, client)
  client.on("close", () => {
    session.close()
    say("the debugger has left")
  })
  session.on("close", (_code, reason) => {
    if (reason.length > 0) say(`the host ended the session: ${reason}`)
    client.close(CLOSE_GONE, reason)
  })
  session.resume()
}

function pass(from: WebSocket, to: WebSocket): void {
  let paused = false
  const sent = (): void => {
    if (!paused || to.bufferedAmount > HIGH_WATER_BYTES / 2) return
    paused = false
    from.resume()
  }
  from.on("error", () => undefined)
  from.on("message", (data, binary) => {
    if (to.readyState !== WebSocket.OPEN) return
    to.send(data, { binary }, sent)
    if (paused || to.bufferedAmount <= HIGH_WATER_BYTES) return
    paused = true
    from.pause()
  })
}

async function listen(server: Server, { host, port, orNext }: DevtoolsServerOptions): Promise<number> {
  for (let at = port; ; at++) {
    const taken = await new Promise<Error | null>((resolve) => {
      server.once("error", resolve)
      server.listen(at, host, () => {
        server.off("error", resolve)
        resolve(null)
      })
    })
    if (taken === null) break
    const isTaken = (taken as NodeJS.ErrnoException).code === "EADDRINUSE"
    if (!orNext || !isTaken || at >= port + TRIES) {
      throw new PolyhostError("HOST_LISTEN_FAILED", `cannot listen on ${host}:${at}: ${taken.message}`)
    }
  }
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

function json(response: ServerResponse, value: unknown): void {
  const body = Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
  const headers = { "Content-Type": "application/json; charset=UTF-8", "Content-Length": body.length }
  response.writeHead(200, { ...headers, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff" })
  response.end(body)
}

function refuse(socket: Duplex, status: string, why: string): void {
  const body = Buffer.from(`${why}\n`)
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
  socket.end(Buffer.concat([Buffer.from(head), body]))
}
