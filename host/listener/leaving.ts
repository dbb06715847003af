/** A connection on which all is said: it stays until the client has read that, but not for long. */
import type { Socket } from "node:net"
import type { ClientConnection } from "./client-connection.ts"

const LEAVES_IN_MS = 1000

/** `last` is written before the end. The client's bytes are dropped: a reset would take the answer away. */
export function leaving(
  socket: Socket,
  last: string,
  closed: (it: ClientConnection) => void,
): ClientConnection {
  const connection: ClientConnection = { socket, isIdle: true, closeSoon: () => socket.destroy() }
  const timer = setTimeout(() => socket.destroy(), LEAVES_IN_MS).unref()
  socket.once("close", () => {
    clearTimeout(timer)
    closed(connection)
  })
  socket.on("error", () => socket.destroy())
  socket.resume()
  socket.end(last, "latin1")
  return connection
}
