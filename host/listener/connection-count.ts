/**
 * How many connections are open, in all and by client address. Owns the counts and the verdict; accepting, refusing and
 * closing are the listener's. Constant work for each connection; an address without connections is forgotten.
 */
import { ipv6Network64, parseIpAddress } from "./ip-address.ts"

export interface ConnectionLimits {
  /** Most connections in all. */
  readonly connections: number
  /** Most connections of one address; Infinity = not counted. */
  readonly connectionsPerAddress: number
}

export class ConnectionCount {
  readonly #limits: ConnectionLimits
  readonly #byClient = new Map<string, number>()
  #total = 0

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get total(): number {
    return this.#total
  }

  /** Addresses with open connections; 0 when they are not counted. */
  get addresses(): number {
    return this.#byClient.size
  }

  /** Counts a connection, if it is "ok"; else says which limit is reached, and counts nothing. */
  add(address: string): "ok" | "total" | "address" {
    const { connections, connectionsPerAddress } = this.#limits
    if (this.#total >= connections) return "total"
    const client = this.#clientOf(address)
    if (client !== null) {
      const count = this.#byClient.get(client) ?? 0
      if (count >= connectionsPerAddress) return "address"
      this.#byClient.set(client, count + 1)
    }
    this.#total++
    return "ok"
  }

  /** To be called once for each connection that was "ok", with the same address. */
  remove(address: string): void {
    this.#total--
    const client = this.#clientOf(address)
    if (client === null) return
    const count = this.#byClient.get(client) ?? 0
    if (count <= 1) this.#byClient.delete(client)
    else this.#byClient.set(client, count - 1)
  }

  /** Null: not counted by client. All clients of a unix socket look the same, so they are not one client. */
  #clientOf(address: string): string | null {
    if (this.#limits.connectionsPerAddress === Number.POSITIVE_INFINITY || address === "unix") return null
    const parsed = parseIpAddress(address)
    if (parsed === null) return address
    // Whoever has one IPv6 address has the 2^64 of its network.
    return parsed.family === "ipv6" ? ipv6Network64(parsed.text) : parsed.text
  }
}
