/** How a connection of HTTP/2 is told from others, and made. What is spoken on it then is `http2/connection.ts`. */
import type { Socket } from "node:net"
import type { ClientConnection } from "./client-connection.ts"
import type { Peer } from "./http1/forwarded.ts"
import type { ListenerServices } from "./http1/services.ts"
import { Http2Connection } from "./http2/connection.ts"

/** RFC 9113 3.4: what a client of HTTP/2 sends first. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1")

export function isHttp2Preface(bytes: Buffer): boolean {
  return bytes.length >= PREFACE.length && mayBeHttp2Preface(bytes)
}

/** `bytes`, as far as they have come, are those of the preface. */
export function mayBeHttp2Preface(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, PREFACE.length)
  return PREFACE.compare(bytes, 0, length, 0, length) === 0
}

/** On a socket of TLS with ALPN h2, or one that begins with the preface. Its bytes are still to be read, also those that came. */
export function createHttp2Connection(
  socket: Socket,
  peer: Peer,
  services: ListenerServices,
  closed: (it: ClientConnection) => void,
): ClientConnection {
  return new Http2Connection(socket, peer, services, closed)
}
