/**
 * Addresses of the sockets that a captured server accepts. A unix socket has none, and much middleware crashes on `undefined`
 * (proxy-addr, rate limiters): report what a server behind a local proxy sees.
 */
import type { Undo } from "./undo.ts"

const LOOPBACK = "127.0.0.1"
const PEER = "_getpeername"
const OWN = "_getsockname"

interface AnySocket {
  readonly server?: object | null
  readonly _server?: object | null
}

interface Emitter {
  emit(event: string | symbol, ...args: unknown[]): boolean
}

type AddressReader = (this: AnySocket) => { readonly address?: string }

/** For net.Socket: all six properties and `address()` are read through these two methods, in every version. */
export function loopbackSockets(
  prototype: object,
  portOf: (server: object) => number | null,
  undo: Undo,
): void {
  const remotePort = remotePorts()
  const patch = (key: string, port: (socket: AnySocket, serverPort: number) => number): void => {
    const original = (prototype as Record<string, AddressReader | undefined>)[key]
    if (typeof original !== "function") return
    const reader: AddressReader = function () {
      const real = original.call(this)
      if (real?.address) return real
      const server = this.server ?? this._server
      const serverPort = server ? portOf(server) : null
      return serverPort === null ? real : { address: LOOPBACK, family: "IPv4", port: port(this, serverPort) }
    }
    undo.replace(prototype, key, { value: reader })
  }
  patch(PEER, remotePort)
  patch(OWN, (_socket, serverPort) => serverPort)
}

/**
 * For http servers whose sockets are not net.Sockets: Bun, and Deno before 2.9. Their class is not exported, so it is met with
 * the first connection or request.
 */
export function ownSocketAddresses(server: object, localPort: number, undo: Undo): void {
  const isBun = "Bun" in globalThis
  if (!isBun && !("_serve" in server)) return
  const emitter = server as Emitter
  const emit = emitter.emit
  const remotePort = remotePorts()
  emitter.emit = function (event, ...args) {
    const socket = event === "connection" ? args[0] : (args[0] as { socket?: unknown } | undefined)?.socket
    if (
      typeof socket === "object" &&
      socket !== null &&
      (event === "connection" || event === "request" || event === "upgrade")
    ) {
      const fake = {
        remoteAddress: LOOPBACK,
        remoteFamily: "IPv4",
        remotePort,
        localAddress: LOOPBACK,
        localFamily: "IPv4",
        localPort,
      }
      if (isBun) {
        Reflect.deleteProperty(emitter, "emit")
        fillPrototype(Object.getPrototypeOf(socket) as object, fake, undo)
      } else fillOwn(socket, fake)
    }
    return emit.call(this, event, ...args)
  }
}

type Fake = Readonly<Record<string, string | number | ((socket: object) => number)>>

/** Accessors of a class, in all its instances: every http server of the process listens on a private socket. */
function fillPrototype(prototype: object, fake: Fake, undo: Undo): void {
  for (const [key, value] of Object.entries(fake)) {
    const before = Object.getOwnPropertyDescriptor(prototype, key)
    if (before !== undefined && before.configurable !== true) continue
    undo.replace(prototype, key, {
      get(this: object) {
        return typeof value === "function" ? value(this) : value
      },
    })
  }
}

function fillOwn(socket: object, fake: Fake): void {
  const fields = socket as Record<string, unknown>
  for (const [key, value] of Object.entries(fake)) {
    if (!fields[key])
      Object.defineProperty(fields, key, {
        value: typeof value === "function" ? value(socket) : value,
        configurable: true,
        writable: true,
      })
  }
}

/** A port for each socket that stays the same as long as the socket lives. */
function remotePorts(): (socket: object) => number {
  const ports = new WeakMap<object, number>()
  let next = 32768
  return (socket) => {
    const known = ports.get(socket)
    if (known !== undefined) return known
    next = next >= 60999 ? 32768 : next + 1
    ports.set(socket, next)
    return next
  }
}
