/**
 * AcceptedConnections: the open connections of one listener: counts them, turns clients away when there are too many, makes room
 * by closing idle ones, and ends them all. What is spoken on them is not its matter; the limits are shared by all listeners
 * (`connection-count.ts`).
 */
import type { Socket } from "node:net"
import type { ClientConnection } from "./client-connection.ts"
import type { ListenerServices } from "./http1/services.ts"
import { clientAddressOf } from "./listen-socket.ts"

/** How many of the oldest connections are looked at for an idle one to close, when there are too many. */
const LOOKED_AT_FOR_IDLE = 64
/** How long a client that is turned away may take to read why, in milliseconds. */
const TURNED_AWAY_MS = 1000

/** Of a connection that was let in. */
export interface Place {
  /** `127.0.0.1`, `::1`, or `unix`. */
  readonly clientAddress: string
  /** The address that it is counted for. */
  readonly countedFor: string
}

export class AcceptedConnections {
  readonly #services: ListenerServices
  readonly #isTls: boolean
  readonly #open = new Map<ClientConnection, string>()
  #allClosed: (() => void) | null = null

  /** `isTls`: clients that are turned away could not read why. */
  constructor(services: ListenerServices, isTls: boolean) {
    this.#services = services
    this.#isTls = isTls
  }

  /** Finds a place for a new connection; `add` must follow at once. Null: there is none, and the client was turned away. */
  admit(accepted: Socket): Place | null {
    const { count, settings } = this.#services
    const clientAddress = clientAddressOf(accepted)
    // The clients behind a trusted proxy all have its address.
    const countedFor = settings.trustProxy.trusts(clientAddress) ? "unix" : clientAddress
    let verdict = count.add(countedFor)
    if (verdict === "total" && this.#closeIdle()) verdict = count.add(countedFor)
    if (verdict === "ok") return { clientAddress, countedFor }
    this.#turnAway(accepted, clientAddress)
    return null
  }

  add(connection: ClientConnection, { countedFor }: Place): void {
    this.#open.set(connection, countedFor)
  }

  /** It is known by now what is spoken: `after` has the place of `before`. */
  replace(before: ClientConnection, after: ClientConnection): void {
    const countedFor = this.#open.get(before)
    if (countedFor === undefined) return
    this.#open.delete(before)
    this.#open.set(after, countedFor)
    if (this.#allClosed !== null) after.closeSoon()
  }

  /** The connection has ended. */
  readonly remove = (connection: ClientConnection): void => {
    const countedFor = this.#open.get(connection)
    if (countedFor === undefined) return
    this.#open.delete(connection)
    this.#services.count.remove(countedFor)
    if (this.#open.size === 0) this.#allClosed?.()
  }

  /** Resolves when all have ended. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#allClosed = resolve
      for (const connection of this.#open.keys()) connection.closeSoon()
      if (this.#open.size === 0) resolve()
    })
  }

  destroy(): void {
    for (const connection of this.#open.keys()) connection.socket.destroy()
  }

  #turnAway(socket: Socket, clientAddress: string): void {
    const { ids, errorPage, refused } = this.#services
    const code = "TOO_MANY_CONNECTIONS"
    const requestId = ids.next()
    socket.on("error", () => socket.destroy())
    if (this.#isTls) socket.destroy()
    else {
      const page = errorPage(code, { app: null, requestId, accept: "", retryAfterSeconds: null })
      socket.resume()
      socket.end(`${page.head}Connection: close\r\n\r\n${page.body}`, "latin1")
      setTimeout(() => socket.destroy(), TURNED_AWAY_MS).unref()
    }
    refused({ requestId, code, detail: "too many connections are open", clientAddress })
  }

  /** Makes room: a client between requests loses less than one that is turned away. */
  #closeIdle(): boolean {
    let looked = 0
    for (const connection of this.#open.keys()) {
      if (connection.isIdle) {
        connection.socket.destroy()
        // Its place is free now, not when its end is told.
        this.remove(connection)
        return true
      }
      if (++looked === LOOKED_AT_FOR_IDLE) return false
    }
    return false
  }
}
