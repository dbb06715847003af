/** Listening sockets: TCP (IPv4, IPv6) and unix, and the addresses at both ends of them. */
import { rm } from "node:fs/promises"
import { connect, isIPv6, type Server, type Socket } from "node:net"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import type { ListenAddress } from "./listener.ts"

/** Of every socket of a client. */
export const SOCKET = { allowHalfOpen: true, highWaterMark: 64 * 1024 }

/** Has `server` listen. A socket file that nobody answers on is removed first. @throws PolyhostError HOST_LISTEN_FAILED */
export async function listenOn(server: Server, address: ListenAddress): Promise<void> {
  if ("path" in address) await removeStaleSocket(address.path)
  const where = "path" in address ? address.path : `${address.host}:${address.port}`
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new PolyhostError("HOST_LISTEN_FAILED", `cannot listen on ${where}: ${messageOf(cause)}`, { cause }),
      ),
    )
    server.listen(
      "path" in address ? { path: address.path } : { host: address.host, port: address.port },
      resolve,
    )
  })
}

/** `http://127.0.0.1:8080`, `https://127.0.0.1:8443`, `unix:/run/x.sock`. */
export function urlOf(server: Server, address: ListenAddress): string {
  const bound = server.address()
  if ("path" in address || bound === null || typeof bound === "string") {
    return `unix:${"path" in address ? address.path : String(bound)}`
  }
  const host = isIPv6(bound.address) ? `[${bound.address}]` : bound.address
  return `${address.tls === true ? "https" : "http"}://${host}:${bound.port}`
}

/** Address of the client without its port, or `unix`. */
export function clientAddressOf(socket: Socket): string {
  const address = socket.remoteAddress
  if (address === undefined) return "unix"
  // An IPv4 client on a dual-stack socket.
  return address.startsWith("::ffff:") ? address.slice(7) : address
}

/** One that is served is left, and `listen` then fails. */
async function removeStaleSocket(path: string): Promise<void> {
  const served = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"))
  })
  if (!served) await rm(path, { force: true })
}
