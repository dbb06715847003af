/** The HTTP/1.1 listener on `node:net`: accepts connections within their limits and closes them. What is on them: `connection.ts`. */
import { createServer, type Socket } from "node:net"
import { clientAddressOf, listenOn, urlOf } from "../listen-socket.ts"
import type { ListenAddress, Listener } from "../listener.ts"
import { Http1Connection } from "./connection.ts"
import type { ListenerServices } from "./services.ts"

/** How many of the oldest connections are looked at for an idle one to close, when there are too many. */
const LOOKED_AT_FOR_IDLE = 64
const SOCKET = { allowHalfOpen: true, noDelay: true, keepAlive: true, highWaterMark: 64 * 1024 }

/** @throws PolyhostError HOST_LISTEN_FAILED */
export async function createHttp1Listener(
  address: ListenAddress,
  services: ListenerServices,
): Promise<Listener> {
  const connections = new Set<Http1Connection>()
  const { count, settings } = services

  function accept(socket: Socket): void {
    const peer = { address: clientAddressOf(socket), scheme: "http" } as const
    // The clients behind a trusted proxy all have its address.
    const counted = settings.trustProxy.trusts(peer.address) ? "unix" : peer.address
    let verdict = count.add(counted)
    if (verdict === "total" && closeIdle()) verdict = count.add(counted)
    const connection = new Http1Connection(socket, peer, services, (it) => {
      if (connections.delete(it)) count.remove(counted)
    })
    if (verdict === "ok") connections.add(connection)
    else connection.refuse()
  }

  /** Makes room: a client between requests loses less than one that is turned away. */
  function closeIdle(): boolean {
    let looked = 0
    for (const connection of connections) {
      if (connection.isIdle) {
        connection.socket.destroy()
        return true
      }
      if (++looked === LOOKED_AT_FOR_IDLE) return false
    }
    return false
  }

  const server = createServer(SOCKET, accept)
  await listenOn(server, address)
  return {
    url: urlOf(server, address),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const connection of connections) connection.closeSoon()
      }),
    destroy() {
      for (const connection of connections) connection.socket.destroy()
    },
  }
}
