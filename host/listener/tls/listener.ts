/**
 * The listener with TLS: node:tls makes the handshakes on sockets that are accepted here, so that places, deadlines and what is no
 * TLS at all are the host's matter. What a client is shown: `secure-contexts.ts`. Its counterpart is `../plain-listener.ts`.
 */
import { createServer, type Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import { AcceptedConnections, type Place } from "../accept-connections.ts"
import type { ClientConnection } from "../client-connection.ts"
import { FirstBytes } from "../first-bytes.ts"
import { Http1Connection } from "../http1/connection.ts"
import type { Peer } from "../http1/forwarded.ts"
import { type ListenerServices, overTls } from "../http1/services.ts"
import { createHttp2Connection } from "../http2-preface.ts"
import { leaving } from "../leaving.ts"
import { listenOn, SOCKET, urlOf } from "../listen-socket.ts"
import type { ListenAddress, Listener } from "../listener.ts"
import { isRecordWhole, isTls } from "./client-hello.ts"
import { HandshakeServers } from "./handshake-servers.ts"
import { Handshake, Handshakes, LONGEST_HANDSHAKE_MS } from "./handshakes.ts"
import { refusePlain } from "./refuse-plain.ts"
import type { Tls } from "./tls.ts"

/** @throws PolyhostError HOST_LISTEN_FAILED */
export async function createTlsListener(
  address: ListenAddress,
  plainServices: ListenerServices,
  tls: Tls,
): Promise<Listener> {
  const services = overTls(plainServices, tls.settings.hsts)
  const { certificates, failures } = tls
  const { clientAuth } = tls.settings
  const handshakeMs = Math.min(LONGEST_HANDSHAKE_MS, services.settings.headersMs)
  const connections = new AcceptedConnections(services, true)
  const handshakes = new Handshakes(services.wheel, handshakeMs, connections.remove)
  const offered = services.settings.http2.enabled ? ["h2", "http/1.1"] : ["http/1.1"]
  const servers = new HandshakeServers(tls, offered, { secure, proved, failed })

  function accept(accepted: Socket): void {
    const place = connections.admit(accepted)
    if (place === null) return
    const first = new FirstBytes(accepted, {
      wheel: services.wheel,
      ms: handshakeMs,
      isEnough: (bytes) => !isTls(bytes) || !certificates.needsHello || isRecordWhole(bytes),
      known: (bytes) => (isTls(bytes) ? begin(first, bytes, place) : refuse(first, bytes, place)),
      closed: connections.remove,
    })
    connections.add(first, place)
  }

  function begin(first: FirstBytes, bytes: Buffer, place: Place): void {
    const { socket } = first
    const server = servers.for(bytes)
    socket.unshift(bytes)
    const handshake = new Handshake(socket, place, (it) => void server.emit("connection", it))
    connections.replace(first, handshake)
    handshakes.add(handshake)
  }

  function refuse(first: FirstBytes, bytes: Buffer, { clientAddress }: Place): void {
    connections.replace(
      first,
      refusePlain(first.socket, bytes, { services, clientAddress, closed: connections.remove }),
    )
  }

  function secure(socket: TLSSocket): void {
    const handshake = handshakes.take(underlying(socket))
    if (handshake === null) {
      socket.destroy()
      return
    }
    const { clientAddress } = handshake.place
    const clientCert = clientAuth === null ? "" : clientCertOf(socket)
    if (clientCert === null) {
      failures.failed(clientAddress, refusedCert(socket))
      connections.remove(handshake)
      socket.destroy()
      return
    }
    connections.replace(handshake, spoken(socket, { address: clientAddress, scheme: "https", clientCert }))
  }

  function spoken(socket: TLSSocket, peer: Peer): ClientConnection {
    if (socket.alpnProtocol === "h2") return createHttp2Connection(socket, peer, services, connections.remove)
    const connection = new Http1Connection(socket, peer, services, connections.remove)
    socket.on("data", (bytes: Buffer) => connection.received(bytes))
    return connection
  }

  function proved(socket: TLSSocket): void {
    const handshake = handshakes.take(underlying(socket))
    if (handshake === null) socket.destroy()
    else connections.replace(handshake, leaving(socket, "", connections.remove))
  }

  function failed(socket: TLSSocket, error: Error): void {
    const handshake = handshakes.take(underlying(socket))
    if (handshake === null) return
    connections.remove(handshake)
    failures.failed(
      handshake.place.clientAddress,
      socket.authorizationError ? refusedCert(socket) : inWords(error),
    )
    socket.destroy()
  }

  const server = createServer({ ...SOCKET, noDelay: true, keepAlive: true, pauseOnConnect: true }, accept)
  await listenOn(server, address)
  return {
    url: urlOf(server, address),
    async close() {
      server.close()
      await connections.close()
      servers.close()
    },
    destroy: () => connections.destroy(),
  }
}

/** The socket that was accepted: node:tls gives no other way back to it. */
function underlying(socket: TLSSocket): Socket {
  return (socket as unknown as { _parent: Socket })._parent
}

/** As RFC 9440 2.1 writes it; "": the client has shown none. Null: it has shown one that is not accepted, or is over by now. */
function clientCertOf(socket: TLSSocket): string | null {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return ""
  // A resumed session was checked when it began.
  const isOver = new Date(certificate.validTo).getTime() < Date.now()
  return socket.authorized && !isOver ? `:${certificate.raw.toString("base64")}:` : null
}

function refusedCert(socket: TLSSocket): string {
  return `the client's certificate is refused: ${socket.authorizationError ?? "it has expired"}`
}

function inWords(error: Error & { code?: string; reason?: string }): string {
  return error.reason ?? (error.code === "ECONNRESET" ? "the client left" : error.message)
}
