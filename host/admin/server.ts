/**
 * The admin API's servers: one on the unix socket of the state directory, one on TCP when asked for. Owns their sockets;
 * what a call does is `calls.ts`, who may call is `guard.ts`. Its counterpart is `client.ts`.
 */
import { randomBytes } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { isIPv6 } from "node:net"
import type { Duplex } from "node:stream"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import { type AdminHost, answerCall } from "./calls.ts"
import { checkCaller, type Guard } from "./guard.ts"
import { type InspectCalls, type InspectHost, inspectCalls, refuseUpgrade } from "./inspect-calls.ts"
import { sendJson, sendProblem } from "./problem.ts"
import { claimSocket, type SocketPlace } from "./socket-place.ts"

export interface AdminServer {
  /** Closes at once; calls in progress are cut. Removes the socket. */
  close(): Promise<void>
}

export interface TcpAdminServer extends AdminServer {
  readonly url: string
  readonly token: string
}

/** On `STATE_DIR/admin.sock`. The caller holds the state directory's lock: a socket that is there is a dead host's. */
export async function serveAdminSocket(
  host: AdminHost & InspectHost,
  stateDir: string,
): Promise<AdminServer> {
  const place = await claimSocket(stateDir)
  const answering = adminServer(host, null)
  await listenOnPath(answering.server, place)
  await place.publish()
  return {
    async close() {
      await closeServer(answering)
      await place.remove()
    },
  }
}

/** @throws PolyhostError HOST_LISTEN_FAILED */
export async function serveAdminTcp(
  host: AdminHost & InspectHost,
  address: { readonly host: string; readonly port: number },
): Promise<TcpAdminServer> {
  const token = randomBytes(24).toString("base64url")
  const answering = adminServer(host, { token, listenHost: address.host })
  const { server } = answering
  await listening(server, () => server.listen(address.port, address.host === "" ? undefined : address.host))
  const bound = server.address()
  if (bound === null || typeof bound === "string") throw new Error("the admin server has no address")
  const name = isIPv6(bound.address) ? `[${bound.address}]` : bound.address
  return { url: `http://${name}:${bound.port}`, token, close: () => closeServer(answering) }
}

interface Answering {
  readonly server: Server
  readonly inspects: InspectCalls
}

function adminServer(host: AdminHost & InspectHost, guard: Guard | null): Answering {
  const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 30_000 }, (message, response) => {
    response.on("error", () => undefined)
    message.on("error", () => undefined)
    answer(message, response).catch((error: unknown) => sendProblem(response, error))
  })
  server.on("clientError", (_error, socket: Duplex) => {
    if (socket.writable)
      socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    else socket.destroy()
  })

  const inspects = inspectCalls(host)
  server.on("upgrade", (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => undefined)
    upgrade(message, socket, head).catch((error: unknown) => refuseUpgrade(socket, error))
  })

  async function upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (guard !== null) checkCaller(message, guard)
    await inspects.upgrade(message, socket, head)
  }

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    if (guard !== null) checkCaller(message, guard)
    if (await inspects.answer(message, response)) return
    const path = (message.url ?? "/").replace(/[?#].*$/s, "")
    sendJson(response, await answerCall(host, message.method ?? "GET", path))
  }
  return { server, inspects }
}

async function listenOnPath(server: Server, place: SocketPlace): Promise<void> {
  // The socket is made while `listen` runs: nobody else may connect even for a moment.
  const mask = process.umask(0o177)
  try {
    await listening(server, () => {
      server.listen(place.bindPath)
      process.umask(mask)
    })
  } finally {
    process.umask(mask)
  }
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(
        new PolyhostError("HOST_LISTEN_FAILED", `the admin API cannot listen: ${messageOf(error)}`, {
          cause: error,
        }),
      ),
    )
    server.once("listening", resolve)
    listen()
  })
}

function closeServer({ server, inspects }: Answering): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    inspects.close()
    server.closeAllConnections()
  })
}
