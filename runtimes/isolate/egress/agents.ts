/**
 * Connections of one app that wait for its next request. They are never another app's: what a server knows of a connection
 * (its TLS session, an authentication of the connection) belongs to the app that opened it.
 */
import { Agent as HttpAgent } from "node:http"
import { Agent as HttpsAgent } from "node:https"
import type { Socket } from "node:net"

/** Connections of one app that may wait, over all servers: without a bound each server that an app ever asked would cost a socket. */
const MOST_WAITING = 16
const WAIT_MS = 15_000

export interface Agents {
  of(url: URL): HttpAgent | HttpsAgent
  close(): void
}

/** `ca`: certificates to trust in place of the system's (tests have their own). */
export function createAgents(ca: string | undefined): Agents {
  const waiting = () => countFree(plain) + countFree(secure)
  const options = { keepAlive: true, timeout: WAIT_MS, scheduling: "lifo" } as const
  const plain = new BoundedHttpAgent(options)
  const secure = new BoundedHttpsAgent({
    ...options,
    // Stated, because the environment of the host can turn it off (NODE_TLS_REJECT_UNAUTHORIZED).
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
  })
  plain.hasRoom = () => waiting() < MOST_WAITING
  secure.hasRoom = plain.hasRoom
  return {
    of: (url) => (url.protocol === "https:" ? secure : plain),
    close() {
      plain.destroy()
      secure.destroy()
    },
  }
}

class BoundedHttpAgent extends HttpAgent {
  hasRoom = (): boolean => true

  override keepSocketAlive(socket: Socket): boolean {
    // Of Node's own agent, which `@types/node` declares without its result.
    return this.hasRoom() && (super.keepSocketAlive(socket) as unknown as boolean)
  }
}

class BoundedHttpsAgent extends HttpsAgent {
  hasRoom = (): boolean => true

  override keepSocketAlive(socket: Socket): boolean {
    return this.hasRoom() && (super.keepSocketAlive(socket) as unknown as boolean)
  }
}

function countFree(agent: HttpAgent): number {
  let count = 0
  for (const sockets of Object.values(agent.freeSockets)) count += sockets?.length ?? 0
  return count
}
