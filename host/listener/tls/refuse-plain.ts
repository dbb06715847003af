/** What a client gets that speaks to a port of TLS without TLS: an answer that it understands when it is HTTP, else an end. */
import type { Socket } from "node:net"
import type { ClientConnection } from "../client-connection.ts"
import type { ListenerServices } from "../http1/services.ts"
import { leaving } from "../leaving.ts"

const BODY = "This port speaks HTTPS: ask for https:// instead of http://\n"

interface Refused {
  readonly services: ListenerServices
  readonly clientAddress: string
  readonly closed: (it: ClientConnection) => void
}

/** `bytes`: those that the client began with. */
export function refusePlain(socket: Socket, bytes: Buffer, refused: Refused): ClientConnection {
  const { services, clientAddress, closed } = refused
  if (!isText(bytes)) return leaving(socket, "", closed)
  const requestId = services.ids.next()
  const detail = "a request without TLS on a port that speaks TLS"
  services.refused({ requestId, code: "BAD_REQUEST", detail, clientAddress })
  const answer =
    `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: ${BODY.length}\r\n` +
    `X-Request-Id: ${requestId}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${BODY}`
  return leaving(socket, answer, closed)
}

/** A request of HTTP begins with letters. */
function isText(bytes: Buffer): boolean {
  const first = bytes[0]! | 32
  return first >= 97 && first <= 122
}
