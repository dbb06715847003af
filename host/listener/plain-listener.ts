/**
 * The listener without TLS, on `node:net`: HTTP/1.1, and HTTP/2 for clients that begin with its preface where that is allowed
 * (`http2.cleartext`). Its counterpart is `tls/listener.ts`.
 */
import { createServer, type Socket } from "node:net"
import { SharedRead } from "../../runtimes/index.ts"
import { AcceptedConnections, type Place } from "./accept-connections.ts"
import type { ClientConnection } from "./client-connection.ts"
import { FirstBytes } from "./first-bytes.ts"
import { Http1Connection } from "./http1/connection.ts"
import type { Peer } from "./http1/forwarded.ts"
import type { ListenerServices } from "./http1/services.ts"
import { createHttp2Connection, isHttp2Preface, mayBeHttp2Preface } from "./http2-preface.ts"
import { listenOn, SOCKET, urlOf } from "./listen-socket.ts"
import type { ListenAddress, Listener } from "./listener.ts"

/** @throws PolyhostError HOST_LISTEN_FAILED */
export async function createPlainListener(
  address: ListenAddress,
  services: ListenerServices,
): Promise<Listener> {
  const connections = new AcceptedConnections(services, false)
  const shared = new SharedRead(SOCKET)

  function accept(accepted: Socket): void {
    const place = connections.admit(accepted)
    if (place === null) return
    if (services.settings.http2.cleartext) acceptEither(accepted, place)
    else connections.add(http1(accepted, peerAt(place)), place)
  }

  function http1(accepted: Socket, peer: Peer, first: Buffer | null = null): ClientConnection {
    const socket = shared.adopt(accepted, (bytes) => connection.received(bytes))
    const connection = new Http1Connection(socket, peer, services, connections.remove)
    if (first !== null) connection.received(first)
    return connection
  }

  /** RFC 9113 3.3: with prior knowledge the client begins with the preface, which is no request of HTTP/1. */
  function acceptEither(accepted: Socket, place: Place): void {
    const known = (bytes: Buffer): void => {
      const peer = peerAt(place)
      if (isHttp2Preface(bytes)) {
        accepted.unshift(bytes)
        connections.replace(first, createHttp2Connection(accepted, peer, services, connections.remove))
      } else connections.replace(first, http1(accepted, peer, bytes))
    }
    const first = new FirstBytes(accepted, {
      wheel: services.wheel,
      ms: services.settings.headersMs,
      isEnough: (bytes) => isHttp2Preface(bytes) || !mayBeHttp2Preface(bytes),
      known,
      closed: connections.remove,
    })
    connections.add(first, place)
  }

  const server = createServer({ ...SOCKET, noDelay: true, keepAlive: true, pauseOnConnect: true }, accept)
  await listenOn(server, address)
  return {
    url: urlOf(server, address),
    close() {
      server.close()
      return connections.close()
    },
    destroy: () => connections.destroy(),
  }
}

function peerAt({ clientAddress }: Place): Peer {
  return { address: clientAddress, scheme: "http", clientCert: "" }
}
