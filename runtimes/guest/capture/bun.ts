/**
 * Capture of Bun.serve (which also serves `export default { fetch }` and node:http) and of Bun.listen.
 * A listen that node.ts redirected already arrives here with its private path and passes through.
 */
import { type Asked, describe } from "./asked.ts"
import type { Ledger } from "./ledger.ts"
import type { Undo } from "./undo.ts"

interface BunGlobal {
  serve(options: BunOptions): BunServer
  listen?(options: BunOptions): object
}

type BunOptions = Readonly<Record<string, unknown>>
type BunServer = object

const DEFAULT_PORT = 3000

export function captureBun(ledger: Ledger, undo: Undo): void {
  const bun = (globalThis as { Bun?: BunGlobal }).Bun
  if (bun === undefined) return
  const { serve, listen } = bun
  const capturedServe = (options: BunOptions, ...rest: unknown[]): BunServer => {
    const call = serve as (...args: unknown[]) => BunServer
    const isNode = isObject(options) && ledger.isPrivate(options["unix"])
    if (isNode && hasTls(options["tls"])) ledger.speaksTls(String(options["unix"]))
    const asked = isObject(options) ? askedOf(options) : null
    if (isNode || asked === null) return call.call(bun, options, ...rest)
    const path = ledger.pathFor(asked)
    const server = attempt(ledger, asked, () => call.call(bun, onUnixSocket(options, path), ...rest))
    answerAsAsked(server, asked, ledger)
    const speaks = hasTls(options["tls"]) ? "tls" : "http"
    ledger.bound({ path, by: "Bun.serve", asked, options, speaks, isOpen: () => true })
    return server
  }
  undo.replace(bun, "serve", { value: capturedServe })
  if (listen === undefined) return
  const capturedListen = (options: BunOptions): object => {
    const untouched = options?.["unix"] !== undefined || typeof options?.["port"] !== "number"
    if (untouched) return listen.call(bun, options)
    const asked: Asked = { kind: "tcp", host: textOrNull(options["hostname"]), port: Number(options["port"]) }
    const path = ledger.pathFor(asked)
    const listener = attempt(ledger, asked, () => listen.call(bun, onUnixSocket(options, path)))
    const port = asked.port === 0 ? ledger.nextFakePort() : asked.port
    own(listener, { port, hostname: asked.host ?? "0.0.0.0" })
    const speaks = hasTls(options["tls"]) ? "tls" : "raw"
    ledger.bound({ path, by: "Bun.serve", asked, options, speaks, isOpen: () => true })
    return listener
  }
  undo.replace(bun, "listen", { value: capturedListen })
}

/**
 * Bun reads the port from the options, then from these variables of the app's environment.
 * @returns null where the port is not valid: Bun then says so in its own words.
 */
function askedOf(options: BunOptions): Asked | null {
  const { unix, fd } = options
  if (typeof unix === "string" && unix !== "") return { kind: "path", path: unix }
  if (typeof fd === "number") return { kind: "fd", fd }
  const env = (globalThis as { process?: { env: Record<string, string | undefined> } }).process?.env ?? {}
  const port = Number(options["port"] ?? env["BUN_PORT"] ?? env["PORT"] ?? env["NODE_PORT"] ?? DEFAULT_PORT)
  const isValid = Number.isInteger(port) && port >= 0 && port <= 65535
  return isValid ? { kind: "tcp", host: textOrNull(options["hostname"]), port } : null
}

/** Bun serves plain HTTP where none of the options has a value: libraries pass `{ key: undefined, cert: undefined }`. */
function hasTls(tls: unknown): boolean {
  if (Array.isArray(tls)) return tls.some(hasTls)
  return isObject(tls) && Object.values(tls).some((value) => value !== undefined && value !== null)
}

/** A copy whose address is the private socket. The app's own object may be frozen, or a class instance with private fields. */
function onUnixSocket(options: BunOptions, path: string): BunOptions {
  const copy: Record<string, unknown> = {}
  for (const key of [...Object.keys(options), ...INHERITABLE]) {
    if (!ADDRESS_OPTIONS.has(key) && key in options) copy[key] = options[key]
  }
  if (isObject(copy["websocket"])) copy["websocket"] = withHandler(copy["websocket"])
  return { ...copy, unix: path }
}

/** Bun before 1.4 refuses handlers without any of its own; crossws hooks, which it is not to call, may have none of those. */
function withHandler(handlers: BunOptions): BunOptions {
  const has = ["open", "message", "close"].some((name) => typeof handlers[name] === "function")
  return has ? handlers : { ...handlers, message: () => undefined }
}

const ADDRESS_OPTIONS = new Set(["port", "hostname", "reusePort", "ipv6Only", "fd", "unix"])

/** Options that a default export which is a class instance has from its class. */
const INHERITABLE = ["fetch", "error", "websocket", "routes", "static", "tls", "development", "idleTimeout"]

function attempt<T>(ledger: Ledger, asked: Asked, listen: () => T): T {
  try {
    return listen()
  } catch (error) {
    const message = `the app's listen on ${describe(asked)} failed: ${error instanceof Error ? error.message : String(error)}`
    ledger.failure({ kind: "bind", by: "Bun.serve", asked: describe(asked), message })
    throw error
  }
}

/** The real server object, with own properties over the accessors that a unix socket leaves undefined. */
function answerAsAsked(server: BunServer, asked: Asked, ledger: Ledger): void {
  if (asked.kind !== "tcp") return
  const port = asked.port === 0 ? ledger.nextFakePort() : asked.port
  const hostname = asked.host ?? "localhost"
  const shown =
    hostname === "0.0.0.0" || hostname === "::"
      ? "localhost"
      : hostname.includes(":")
        ? `[${hostname}]`
        : hostname
  const url = new URL(`http://${shown}:${port}/`)
  const address = { address: hostname.includes(":") ? hostname : "127.0.0.1", family: "IPv4", port }
  own(server, {
    port,
    hostname,
    url,
    address,
    requestIP: () => ({ address: "127.0.0.1", family: "IPv4", port: 32768 }),
  })
}

function own(target: object, values: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(values)) {
    Object.defineProperty(target, key, { value, configurable: true, enumerable: false, writable: true })
  }
}

function isObject(value: unknown): value is BunOptions {
  return typeof value === "object" && value !== null
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null
}
