/**
 * Capture of `net.Server#listen`: node:http, node:http2, node:net and all that is built on them (Express, Fastify, Koa, …), on
 * Node, Bun and Deno. Addresses of accepted sockets: node-sockets.ts.
 */
import { errorMonitor } from "node:events"
import { type Asked, addressOf, describe, type ListenCall, readListenCall } from "./asked.ts"
import type { Ledger } from "./ledger.ts"
import { loopbackSockets, ownSocketAddresses } from "./node-sockets.ts"
import type { Undo } from "./undo.ts"

/** The modules, given from outside so that they are loaded only when there is something to capture. */
interface NodeModules {
  readonly http: { readonly Server: ServerClass }
  readonly net: { readonly Server: ServerClass; readonly Socket: { readonly prototype: object } }
  readonly undo: Undo
}

type ServerClass = (abstract new (...args: never) => object) & { readonly prototype: object }

/** What is used of net.Server, and of the classes that stand in for it in Bun and Deno. */
interface AnyServer {
  readonly listening: boolean
  address(): unknown
  listen(...args: unknown[]): unknown
  emit(event: string | symbol, ...args: unknown[]): boolean
  listenerCount(event: string): number
  listeners(event: string): readonly unknown[]
  prependOnceListener(event: string | symbol, listener: (...args: never[]) => void): unknown
  removeListener(event: string | symbol, listener: (...args: never[]) => void): unknown
  setSecureContext?: unknown
  _encrypted?: unknown
  /** node:http: `null` stands for 1000; 0 for any number. */
  maxHeadersCount?: number | null
  _additionalServeOptions?: () => object
}

interface Seen {
  readonly asked: Asked
  readonly port: number
}

/** Sees an error without counting as its handler. */
const ERROR_MONITOR = errorMonitor ?? Symbol("no errorMonitor in this runtime")

export function captureNode(modules: NodeModules & { readonly ledger: Ledger }): void {
  const { http, net, ledger, undo } = modules
  const seen = new WeakMap<object, Seen>()
  const kind = serverKinds(http.Server)
  const anyHost = "Deno" in globalThis ? "0.0.0.0" : "::"
  for (const prototype of serverPrototypes(modules)) {
    const original = (prototype as AnyServer).listen
    const listen = function (this: AnyServer, ...args: unknown[]): unknown {
      const call = readListenCall(args)
      const speaks = kind(this)
      // A bare socket server on a path is the app's own affair (tsx, test runners and clusters talk to their children so).
      const leave = call === null || (call.asked.kind === "path" && speaks === "raw")
      if (leave || (call.asked.kind === "path" && ledger.isPrivate(call.asked.path)))
        return original.apply(this, args)
      return redirect(this, call, speaks)
    }
    undo.replace(prototype, "listen", { value: listen })
    reportAskedAddress({ prototype, seen, anyHost, undo })

    const redirect = (server: AnyServer, call: ListenCall, speaks: ReturnType<typeof kind>): unknown => {
      const { asked } = call
      const path = ledger.pathFor(asked)
      const port = asked.kind === "tcp" && asked.port !== 0 ? asked.port : ledger.nextFakePort()
      // A cluster's primary takes the handle out of the server.
      const isOpen = (): boolean => server.listening || isClusterServer(server)
      const bound = (): void => {
        server.removeListener(ERROR_MONITOR, failed)
        ledger.bound({ path, by: "node:net", asked, speaks, isOpen })
      }
      const failed = (error: { message?: string }): void => {
        server.removeListener("listening", bound)
        const message = `the app's listen on ${describe(asked)} failed: ${error?.message}`
        ledger.failure({ kind: "bind", by: "node:net", asked: describe(asked), message })
      }
      server.prependOnceListener("listening", bound)
      server.prependOnceListener(ERROR_MONITOR, failed)
      // The host bounds the number of header lines, and adds some of its own.
      if (server.maxHeadersCount === null) server.maxHeadersCount = 0
      const before = seen.get(server)
      seen.set(server, { asked, port })
      ownSocketAddresses(server, port, undo)
      try {
        return original.apply(server, privateArguments(server, path, call))
      } catch (error) {
        server.removeListener("listening", bound)
        server.removeListener(ERROR_MONITOR, failed)
        if (before !== undefined) seen.set(server, before)
        throw error
      }
    }
  }
  loopbackSockets(net.Socket.prototype, (server) => seen.get(server)?.port ?? null, undo)
}

/**
 * In a `node:cluster` worker: the primary binds (captured there), so listens go on as they are, but never around the primary
 * (`exclusive`, `reusePort`).
 */
export function captureNodeWorker({ http, net, undo }: NodeModules): void {
  const seen = new WeakMap<object, Seen>()
  const { listen: original } = net.Server.prototype as AnyServer
  const kind = serverKinds(http.Server)
  const listen = function (this: AnyServer, ...args: unknown[]): unknown {
    const call = readListenCall(args)
    if (call === null || (call.asked.kind === "path" && kind(this) === "raw"))
      return original.apply(this, args)
    seen.set(this, { asked: call.asked, port: (call.asked.kind === "tcp" && call.asked.port) || 49152 })
    const [head, ...rest] = args
    const shared =
      typeof head === "object" ? [{ ...head, exclusive: false, reusePort: false }, ...rest] : args
    return original.apply(this, shared)
  }
  undo.replace(net.Server.prototype, "listen", { value: listen })
  reportAskedAddress({ prototype: net.Server.prototype, seen, anyHost: "::", undo })
  loopbackSockets(net.Socket.prototype, (server) => seen.get(server)?.port ?? null, undo)
}

/** `http.Server` extends `net.Server` in Node and newer Deno, and stands alone in Bun and older Deno. */
function serverPrototypes({ http, net }: NodeModules): readonly object[] {
  const derived = http.Server.prototype instanceof net.Server
  return derived ? [net.Server.prototype] : [net.Server.prototype, http.Server.prototype]
}

function serverKinds(httpServer: ServerClass): (server: AnyServer) => "http" | "raw" | "tls" | "http2" {
  return (server) => {
    if (typeof server.setSecureContext === "function" || server._encrypted === true) return "tls"
    if (server.constructor.name === "Http2Server") return "http2"
    if (server instanceof httpServer || server.listenerCount("request") > 0) return "http"
    return isClusterServer(server) ? "http" : "raw"
  }
}

/** The primary of node:cluster binds for its workers with `net.createServer(assert.fail)`. */
function isClusterServer(server: AnyServer): boolean {
  const [only, ...others] = server.listeners("connection") as { readonly name?: string }[]
  return only?.name === "fail" && others.length === 0
}

function privateArguments(server: AnyServer, path: string, { kept, callback }: ListenCall): unknown[] {
  const callbacks = callback === null ? [] : [callback]
  if (!isServedByDenoServe(server)) return [{ ...kept, path }, ...callbacks]
  // Deno before 2.9: http.Server hands these options to Deno.serve and knows no unix path of its own.
  const own = server._additionalServeOptions
  server._additionalServeOptions = () => ({ ...own?.call(server), path })
  return [{ ...kept, port: 0 }, ...callbacks]
}

function isServedByDenoServe(server: object): boolean {
  return "Deno" in globalThis && "_serve" in server
}

interface AddressPatch {
  readonly prototype: object
  readonly seen: WeakMap<object, Seen>
  readonly anyHost: string
  readonly undo: Undo
}

function reportAskedAddress({ prototype, seen, anyHost, undo }: AddressPatch): void {
  const original = (prototype as AnyServer).address
  undo.replace(prototype, "address", {
    value: function address(this: AnyServer): unknown {
      const { asked, port } = seen.get(this) ?? {}
      if (asked === undefined || port === undefined) return original.call(this)
      return this.listening ? addressOf(asked, port, anyHost) : null
    },
  })
}
