/** What an app asked of `listen`, read from every form of its arguments. Owns no patch. */

export type Asked =
  | { readonly kind: "tcp"; readonly host: string | null; readonly port: number }
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "fd"; readonly fd: number }
  | { readonly kind: "handle" }

export interface ListenCall {
  readonly asked: Asked
  readonly callback: ((...args: unknown[]) => unknown) | null
  /** Options that keep their meaning on a unix socket. */
  readonly kept: Readonly<Record<string, unknown>>
}

/** @returns null where the arguments are not valid: the runtime's own `listen` then says so in its own words. */
export function readListenCall(args: readonly unknown[]): ListenCall | null {
  const [head, second, third] = args
  const last = args.length > 0 ? args[args.length - 1] : undefined
  const callback = typeof last === "function" ? (last as ListenCall["callback"]) : null
  if (typeof head === "object" && head !== null) {
    const options = head as Record<string, unknown>
    const asked = askedByOptions(options)
    const kept = pick({ backlog: options["backlog"] ?? numberOrNothing(second), signal: options["signal"] })
    return asked && { asked, callback, kept }
  }
  if (typeof head === "string" && Number.isNaN(Number(head))) {
    return { asked: { kind: "path", path: head }, callback, kept: pick({ backlog: numberOrNothing(second) }) }
  }
  const port = typeof head === "function" ? 0 : readPort(head ?? 0)
  if (port === null) return null
  const host = typeof second === "string" && second !== "" ? second : null
  const backlog = numberOrNothing(second) ?? numberOrNothing(third)
  return { asked: { kind: "tcp", host, port }, callback, kept: pick({ backlog }) }
}

function askedByOptions(options: Record<string, unknown>): Asked | null {
  if (options["_handle"] || options["handle"]) return { kind: "handle" }
  const { fd, path, host } = options
  if (typeof fd === "number" && fd >= 0) return { kind: "fd", fd }
  if ("port" in options && (options["port"] !== undefined || path === undefined)) {
    const port = readPort(options["port"] ?? 0)
    return port === null
      ? null
      : { kind: "tcp", host: typeof host === "string" && host !== "" ? host : null, port }
  }
  return typeof path === "string" && path !== "" ? { kind: "path", path } : null
}

/** As messages and logs show it. */
export function describe(asked: Asked): string {
  if (asked.kind === "tcp") {
    const host = asked.host ?? "0.0.0.0"
    return host.includes(":") ? `[${host}]:${asked.port}` : `${host}:${asked.port}`
  }
  return asked.kind === "path"
    ? `unix:${asked.path}`
    : asked.kind === "fd"
      ? `fd:${asked.fd}`
      : "an open handle"
}

export interface TcpAddress {
  readonly address: string
  readonly family: "IPv4" | "IPv6"
  readonly port: number
}

/** What `server.address()` answers: what the app would have seen on its own. */
export function addressOf(asked: Asked, port: number, anyHost: string): TcpAddress | string {
  if (asked.kind === "path") return asked.path
  const host = asked.kind === "tcp" ? (asked.host ?? anyHost) : anyHost
  const address = host.includes(":") || /^[\d.]+$/.test(host) ? host : "127.0.0.1"
  return { address, family: address.includes(":") ? "IPv6" : "IPv4", port }
}

function readPort(value: unknown): number | null {
  if (typeof value === "string" ? value.trim() === "" : typeof value !== "number") return null
  const port = Number(value)
  return Number.isInteger(port) && port >= 0 && port <= 65535 ? port : null
}

function numberOrNothing(value: unknown): number | undefined {
  const number = typeof value === "number" || typeof value === "string" ? Number(value) : Number.NaN
  return number > 0 ? number : undefined
}

function pick(options: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
