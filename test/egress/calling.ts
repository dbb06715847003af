/**
 * An app's `fetch` as it is inside of an isolate, joined to an egress as it is in a cell, by a channel in memory; and servers
 * on loopback to fetch from. Each test closes what it opened by `closeAll`.
 */
import { createServer, type RequestListener, type Server } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { type AddressInfo, createServer as createSocketServer, type Socket } from "node:net"
import { connectCalls, serveCalls } from "../../protocol/calls/call-connection.ts"
import { createChannelPair } from "../../protocol/memory-channel.ts"
import { createEgress, type EgressOptions } from "../../runtimes/isolate/egress/egress.ts"
import { createFetch, type Fetch } from "../../runtimes/isolate/web/fetch-global.ts"
import { parseOutbound } from "../../runtimes/outbound.ts"

export interface Calling {
  readonly fetch: Fetch
  /** Calls of the app that the cell has not ended. */
  readonly open: () => number
  close(): void
}

/** `outbound` as in a manifest. */
export function callingFrom(outbound: readonly string[], options: Partial<EgressOptions> = {}): Calling {
  const rules = outbound.map((text) => {
    const rule = parseOutbound(text)
    if ("problem" in rule) throw new Error(`${text}: ${rule.problem}`)
    return rule
  })
  const egress = createEgress({ rules, app: "shop", version: "1.2.3", ...options })
  const [inside, cell] = createChannelPair((run) => void setImmediate(run))
  const schedule = (flush: () => void): void => void setImmediate(flush)
  const violations: string[] = []
  const server = serveCalls(
    cell,
    {
      call: (call) => egress.call(call),
      store: () => violations.push("a store request"),
      closed: (reason, violated) => {
        if (violated) violations.push(reason)
      },
    },
    schedule,
  )
  const client = connectCalls(inside, schedule)
  const close = (): void => {
    egress.close()
    inside.close("the test is over")
    if (violations.length > 0) throw new Error(`violations: ${violations.join("; ")}`)
  }
  opened.push(close)
  return { fetch: createFetch(() => client), open: () => server.size, close }
}

const opened: (() => void | Promise<void>)[] = []

export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0)) await close()
}

/** @returns the origin, `http://127.0.0.1:PORT`. */
export async function serve(listener: RequestListener, host = "127.0.0.1"): Promise<string> {
  return listen(createServer(listener), "http", host)
}

export async function serveSecurely(
  tls: { key: string; cert: string },
  listener: RequestListener,
): Promise<string> {
  return listen(createSecureServer(tls, listener), "https", "127.0.0.1")
}

/** A server that speaks no HTTP of its own: `connected` writes what it likes. */
export async function serveBytes(connected: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createSocketServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => undefined)
    connected(socket)
  })
  opened.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  opened.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function listen(server: Server, scheme: string, host: string): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  opened.push(() => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`
}

/** The reason that an app finds when a fetch fails. */
export async function reasonOf(fetched: Promise<unknown>): Promise<string> {
  const error: unknown = await fetched.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (!(error instanceof TypeError) || !(error.cause instanceof Error))
    throw new Error("it did not fail as a fetch fails", { cause: error })
  return `${error.message}: ${error.cause.message}`
}

/** Something that will happen once. */
export function moment(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
