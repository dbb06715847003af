/** Ends a connection so that its client cannot take the end for that of what it was sent. */
import type { Socket } from "node:net"

export function reset(socket: Socket): void {
  // Only TCP knows a reset. TLS tells an end that nobody meant by itself; on a unix socket nothing can.
  if ("encrypted" in socket || socket.remoteAddress === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
