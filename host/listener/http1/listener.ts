/** The HTTP/1.1 listener on `node:net`: accepts connections within their limits and closes them. What is on them: `connection.ts`. */
import { createServer, type Socket } from "node:net"
import { SharedRead } from "../../../runtimes/index.ts"
import { clientAddressOf, listenOn, urlOf } from "../listen-socket.ts"
import type { ListenAddress, Listener } from "../listener.ts"
import { Http1Connection } from "./connection.ts"
import type { ListenerServices } from "./services.ts"

/** How many of the oldest connections are looked at for an idle one to close, when there are too many. */
const LOOKED_AT_FOR_IDLE = 64
/** How long a client that is turned away may take to read why, in milliseconds. */
const TURNED_AWAY_MS = 1000
const SOCKET = { allowHalfOpen: true, highWaterMark: 64 * 1024 }

/** @throws PolyhostError HOST_LISTEN_FAILED */
export async function createHttp1Listener(
  address: ListenAddress,
  services: ListenerServices,
): Promise<Listener> {
  /** With the address that each is counted for. */
  const connections = new Map<Http1Connection, string>()
  const { count, settings } = services

  const shared = new SharedRead(SOCKET)
  let closed: (() => void) | null = null

  function accept(accepted: Socket): void {
    const peer = { address: clientAddressOf(accepted), scheme: "http" } as const
    // The clients behind a trusted proxy all have its address.
    const counted = settings.trustProxy.trusts(peer.address) ? "unix" : peer.address
    let verdict = count.add(counted)
    if (verdict === "total" && closeIdle()) verdict = count.add(counted)
    if (verdict !== "ok") {
      turnAway(accepted, peer.address)
      return
    }
    const socket = shared.adopt(accepted, (bytes) => connection.received(bytes))
    const connection = new Http1Connection(socket, peer, services, forget)
    connections.set(connection, counted)
  }

  function forget(connection: Http1Connection): void {
    const counted = connections.get(connection)
    if (counted === undefined) return
    connections.delete(connection)
    count.remove(counted)
    if (connections.size === 0) closed?.()
  }

  function turnAway(socket: Socket, clientAddress: string): void {
    const code = "TOO_MANY_CONNECTIONS"
    const requestId = services.ids.next()
    const page = services.errorPage(code, { app: null, requestId, accept: "", retryAfterSeconds: null })
    socket.on("error", () => socket.destroy())
    socket.resume()
    socket.end(`${page.head}Connection: close\r\n\r\n${page.body}`, "latin1")
    setTimeout(() => socket.destroy(), TURNED_AWAY_MS).unref()
    services.refused({ requestId, code, detail: "too many connections are open", clientAddress })
  }

  /** Makes room: a client between requests loses less than one that is turned away. */
  function closeIdle(): boolean {
    let looked = 0
    for (const connection of connections.keys()) {
      if (connection.isIdle) {
        connection.socket.destroy()
        // Its place is free now, not when its end is told.
        forget(connection)
        return true
      }
      if (++looked === LOOKED_AT_FOR_IDLE) return false
    }
    return false
  }

  const server = createServer({ ...SOCKET, noDelay: true, keepAlive: true, pauseOnConnect: true }, accept)
  await listenOn(server, address)
  return {
    url: urlOf(server, address),
    close: () =>
      new Promise((resolve) => {
        server.close()
        closed = resolve
        for (const connection of connections.keys()) connection.closeSoon()
        if (connections.size === 0) resolve()
      }),
    destroy() {
      for (const connection of connections.keys()) connection.socket.destroy()
    },
  }
}
