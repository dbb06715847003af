/** Addresses that the host listens on, as text: `HOST:PORT`, `:PORT`, `PORT` (loopback), `unix:PATH`, `./PATH`, `/PATH`. */
import { isIPv6 } from "node:net"
import { resolve } from "node:path"

/** `host` is "" for every address of the machine. */
export type ListenAddress =
  | { readonly host: string; readonly port: number; readonly tls?: boolean }
  | { readonly path: string }

export const LISTEN_FORM =
  '"127.0.0.1:8080", "[::1]:8080", ":8080" (every address), "8080" (loopback), "unix:/path.sock", or with TLS "https://:8443"'
export const DEFAULT_LISTEN = "127.0.0.1:8080"

/** The address, or the reason why `text` is none. */
export function parseListen(text: string): ListenAddress | { readonly problem: string } {
  const path = text.startsWith("unix:") ? text.slice(5) : /^\.{0,2}\//.test(text) ? text : null
  if (path !== null) {
    if (path === "") return { problem: 'a path is expected after "unix:"' }
    if (path.includes("\0")) return { problem: "a path holds no NUL" }
    return { path }
  }
  const scheme = /^([a-z][a-z0-9]*):\/\//i.exec(text)
  if (scheme !== null) return withScheme(scheme[1]!.toLowerCase(), text.slice(scheme[0].length))
  const match = /^(?:(\[[^\]]*\]|[^:[\]]*):)?(\d{1,5})$/.exec(text)
  if (match === null) return { problem: `expected ${LISTEN_FORM}` }
  const port = Number(match[2])
  if (port > 65535) return { problem: `port ${port} is above 65535` }
  const host = match[1]
  if (host === undefined) return { host: "127.0.0.1", port }
  if (host === "" || host === "*") return { host: "", port }
  if (!host.startsWith("[")) {
    return /^[\w.-]+$/.test(host)
      ? { host, port }
      : { problem: `"${host}" is not a host name or an IPv4 address` }
  }
  const address = host.slice(1, -1)
  return isIPv6(address) ? { host: address, port } : { problem: `"${address}" is not an IPv6 address` }
}

/** `https://:8443`, `http://0.0.0.0`; the usual port of the scheme need not be said. */
function withScheme(scheme: string, rest: string): ListenAddress | { readonly problem: string } {
  if (scheme !== "http" && scheme !== "https")
    return { problem: `an address begins with https://, http:// or none of them, not with ${scheme}://` }
  const place = rest.replace(/\/$/, "")
  const hasPort = /:\d*$/.test(place) && !/^\[[^\]]*\]$/.test(place)
  const address = parseListen(hasPort ? place : `${place}:${scheme === "https" ? 443 : 80}`)
  if ("problem" in address || "path" in address)
    return "path" in address ? { problem: `expected ${LISTEN_FORM}` } : address
  return scheme === "https" ? { ...address, tls: true } : address
}

/** The same text with a relative socket path made absolute. */
export function anchorListen(text: string, root: string): string {
  const address = parseListen(text)
  return "path" in address ? `unix:${resolve(root, address.path)}` : text
}

/** Addresses without those that another text names already: `8080` is `127.0.0.1:8080`. */
export function uniqueListen(texts: readonly string[]): readonly string[] {
  const byAddress = new Map<string, string>()
  for (const text of texts) {
    const key = JSON.stringify(parseListen(text))
    if (!byAddress.has(key)) byAddress.set(key, text)
  }
  return [...byAddress.values()]
}
