/**
 * Route strings of a manifest: `host`, `host/path`, `/path`; a trailing `/*` is a prefix, `*.host` a wildcard.
 * Owns their form and the default routes. Matching requests to them is the router's.
 */
import { isIPv6 } from "node:net"
import { domainToASCII } from "node:url"
import type { Route } from "../../runtimes/app-spec.ts"

export const ROUTE_FORM = '"example.com", "example.com/path/*", "/path", "/path/*" or "*.example.com"'

/** The route, or the reason why `text` is none. */
export function parseRoute(text: string): Route | { readonly problem: string } {
  if (/^[a-z]+:\/\//i.test(text))
    return { problem: `a route has no scheme; write "${text.replace(/^[a-z]+:\/\//i, "")}"` }
  const slash = text.indexOf("/")
  const host = slash === 0 ? "*" : parseHost(slash === -1 ? text : text.slice(0, slash))
  if (typeof host !== "string") return host
  if (slash === -1) return { host, path: "/", prefix: true }
  const path = parsePath(text.slice(slash))
  return "problem" in path ? path : { host, ...path }
}

/** The route as a person would write it. */
export function formatRoute(route: Route): string {
  const host = route.host === "*" ? "" : route.host
  if (host !== "" && route.path === "/" && route.prefix) return host
  if (!route.prefix) return host + route.path
  return `${host}${route.path === "/" ? "" : route.path}/*`
}

/** Two routes with one key match the same requests. */
export function routeKey(route: Route): string {
  return `${route.host} ${route.path} ${route.prefix ? "prefix" : "exact"}`
}

/** Routes of an app that names none: all of it when it is alone, else `NAME.localhost` and `/NAME/*` (prefix stripped). */
export function defaultRoutes(name: string, isAlone: boolean): readonly Route[] {
  if (isAlone) return [{ host: "*", path: "/", prefix: true }]
  return [
    { host: `${name}.localhost`, path: "/", prefix: true },
    { host: "*", path: `/${name}`, prefix: true },
  ]
}

function parseHost(text: string): string | { readonly problem: string } {
  if (text === "*") return "*"
  if (/^\[.*\]$/.test(text)) {
    return isIPv6(text.slice(1, -1)) ? text.toLowerCase() : { problem: `"${text}" is not an IPv6 address` }
  }
  if (/:\d*$/.test(text))
    return { problem: 'a route has no port; name ports under "listen" of the host config' }
  const isWildcard = text.startsWith("*.")
  const name = (isWildcard ? text.slice(2) : text).replace(/\.$/, "")
  if (name.includes("*"))
    return { problem: 'in a host, "*" may only stand alone in front, as in "*.example.com"' }
  const ascii = /^[\w.-]+$/.test(name) ? name.toLowerCase() : domainToASCII(name)
  const labels = ascii.split(".")
  const isName =
    ascii.length <= 253 && labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))
  if (!isName) return { problem: `"${text}" is not a host name` }
  return isWildcard ? `*.${ascii}` : ascii
}

function parsePath(text: string): { path: string; prefix: boolean } | { readonly problem: string } {
  const prefix = text.endsWith("/*")
  const path = (prefix ? text.slice(0, -2) : text) || "/"
  if (path.includes("*")) {
    const fixed = `${path.replaceAll("*", "").replace(/\/+$/, "")}/*`
    return { problem: `in a path, "*" may only stand at the end after "/", as in "${fixed}"` }
  }
  if (/[?#]/.test(path)) return { problem: "a route has no query and no fragment" }
  if (hasUnsafeCharacter(path)) return { problem: "a path has no spaces, backslashes or control characters" }
  if (path.includes("//")) return { problem: 'a path has no empty segment ("//")' }
  if (/\/\.\.?(?:\/|$)/.test(path)) return { problem: 'a path has no "." or ".." segment' }
  if (/%(?![0-9a-f]{2})/i.test(path)) return { problem: '"%" in a path starts an escape of two hex digits' }
  if (/\p{Surrogate}/u.test(path)) return { problem: "a path holds half a character" }
  return { path: path.replace(/[\u0080-\u{10ffff}]+/gu, encodeURIComponent), prefix }
}

function hasUnsafeCharacter(path: string): boolean {
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index)
    if (code <= 0x20 || code === 0x7f || code === 0x5c) return true
  }
  return false
}

/** The routes of these texts, each once. */
export function uniqueRoutes(texts: readonly string[]): readonly Route[] {
  const routes = texts.map(parseRoute).filter((route): route is Route => !("problem" in route))
  return [...new Map(routes.map((route) => [`${route.host} ${route.path} ${route.prefix}`, route])).values()]
}
