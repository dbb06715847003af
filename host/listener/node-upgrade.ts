/**
 * Upgrades of somebody's own `node:http` server (its event `upgrade`): the server gives the connection away, so it becomes one like
 * those of a listener, which begins with the head that was read already, and ends with the answer or the tunnel.
 */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Http1Connection } from "./http1/connection.ts"
import type { ListenerServices } from "./http1/services.ts"
import { clientAddressOf } from "./listen-socket.ts"
import { headOf, schemeOf } from "./message-head.ts"

export class NodeUpgrades {
  readonly #services: ListenerServices
  readonly #open = new Set<Http1Connection>()

  constructor(services: ListenerServices) {
    this.#services = services
  }

  /** For `server.on("upgrade", …)`. */
  readonly upgrade = (message: IncomingMessage, stream: Duplex, head: Buffer): void => {
    // The servers of `node:http` and `node:https` give no other streams than sockets.
    const socket = stream as Socket
    if (socket.destroyed) return
    const peer = { address: clientAddressOf(socket), scheme: schemeOf(socket), clientCert: "" }
    const connection = new Http1Connection(socket, peer, this.#services, (it) => this.#open.delete(it))
    this.#open.add(connection)
    connection.received(headOf(message))
    // Further requests would pass by the server's own handlers.
    connection.closeSoon()
    if (head.length > 0) connection.received(head)
    socket.on("data", (bytes: Buffer) => connection.received(bytes))
  }

  /** Ends what is left. */
  destroy(): void {
    for (const { socket } of this.#open) socket.destroy()
  }
}
