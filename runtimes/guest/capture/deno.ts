/**
 * Capture of Deno.serve, in all its overloads. node:http on Deno is node.ts's. `deno serve` does not pass here: it is redirected by
 * DENO_SERVE_ADDRESS (runtimes/deno/command-line.ts); what requests and handlers are told about addresses is put right here for both.
 */
import { type Asked, describe } from "./asked.ts"
import type { Ledger } from "./ledger.ts"
import type { Undo } from "./undo.ts"

interface DenoGlobal {
  serve(...args: unknown[]): DenoServer
}

type DenoServer = object
type DenoOptions = Readonly<Record<string, unknown>>
type Handler = (this: unknown, request: unknown, info: HandlerInfo) => unknown

interface HandlerInfo {
  readonly remoteAddr: { readonly transport?: string }
  readonly completed: Promise<void>
}

interface NetAddr {
  readonly transport: "tcp"
  readonly hostname: string
  readonly port: number
}

const DEFAULT_PORT = 8000
const CLIENT: NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 32768 }

export function captureDeno(ledger: Ledger, undo: Undo): void {
  const deno = (globalThis as { Deno?: DenoGlobal }).Deno
  if (deno === undefined) return
  plainUrls(undo)
  const serve = deno.serve
  const captured = (...args: unknown[]): DenoServer => {
    const call = readServeCall(args)
    if (call === null) return serve.apply(deno, args)
    const { options, handler } = call
    const asked = askedOf(options)
    const address = addressOf(asked, ledger)
    const path = ledger.pathFor(asked)
    const changed = onUnixSocket(options, { path, address })
    let server: DenoServer
    try {
      server = serve.call(deno, changed, withClientAddress(handler))
    } catch (error) {
      const message = `the app's listen on ${describe(asked)} failed: ${error instanceof Error ? error.message : String(error)}`
      ledger.failure({ kind: "bind", by: "Deno.serve", asked: describe(asked), message })
      throw error
    }
    if (address !== null) {
      Object.defineProperty(server, "addr", { value: address, configurable: true, enumerable: true })
    }
    const speaks = "cert" in options || "key" in options ? "tls" : "http"
    const given = typeof args[0] === "object" ? args[0] : handler
    ledger.bound({ path, by: "Deno.serve", asked, options: given, speaks, isOpen: () => true })
    return server
  }
  undo.replace(deno, "serve", { value: captured })
}

/** `serve(handler)`, `serve(options, handler)`, `serve({ handler, … })`. @returns null where Deno itself shall complain. */
function readServeCall(args: readonly unknown[]): { options: DenoOptions; handler: Handler } | null {
  const [first, second] = args
  if (typeof first === "function")
    return { options: isObject(second) ? second : {}, handler: first as Handler }
  if (!isObject(first)) return null
  const handler = typeof second === "function" ? second : first["handler"]
  return typeof handler === "function" ? { options: first, handler: handler as Handler } : null
}

function askedOf(options: DenoOptions): Asked {
  const { path, hostname, port } = options
  if (typeof path === "string") return { kind: "path", path }
  return {
    kind: "tcp",
    host: typeof hostname === "string" ? hostname : null,
    port: Number(port ?? DEFAULT_PORT) || 0,
  }
}

function addressOf(asked: Asked, ledger: Ledger): NetAddr | null {
  if (asked.kind !== "tcp") return null
  const port = asked.port === 0 ? ledger.nextFakePort() : asked.port
  return { transport: "tcp", hostname: asked.host ?? "0.0.0.0", port }
}

interface Place {
  readonly path: string
  readonly address: NetAddr | null
}

function onUnixSocket(options: DenoOptions, { path, address }: Place): DenoOptions {
  const dropped = new Set([
    "hostname",
    "port",
    "reusePort",
    "cert",
    "key",
    "transport",
    "handler",
    "tcpBacklog",
  ])
  const kept = Object.fromEntries(Object.entries(options).filter(([key]) => !dropped.has(key)))
  const own = options["onListen"]
  const onListen = (real: unknown): unknown => {
    const told = address ?? real
    if (typeof own === "function") return (own as (addr: unknown) => unknown).call(options, told)
    return undefined
  }
  return { ...kept, path, onListen }
}

/** Handlers are told of a client at 127.0.0.1, as behind a local proxy. */
function withClientAddress(handler: Handler): Handler {
  return function (request, info) {
    return handler.call(this, request, new LoopbackInfo(info))
  }
}

class LoopbackInfo {
  readonly remoteAddr = CLIENT
  readonly #real: HandlerInfo

  constructor(real: HandlerInfo) {
    this.#real = real
  }

  get completed(): Promise<void> {
    return this.#real.completed
  }
}

/** On a unix socket Deno makes `request.url` start with `http+unix://`, which no app expects. */
function plainUrls(undo: Undo): void {
  const prototype = (globalThis as unknown as { Request: { prototype: object } }).Request.prototype
  const read = Object.getOwnPropertyDescriptor(prototype, "url")?.get
  if (read === undefined) return
  undo.replace(prototype, "url", {
    get(this: object): unknown {
      const url: unknown = read.call(this)
      return typeof url === "string" && url.startsWith("http+unix:")
        ? `http:${url.slice("http+unix:".length)}`
        : url
    },
  })
}

function isObject(value: unknown): value is DenoOptions {
  return typeof value === "object" && value !== null
}
