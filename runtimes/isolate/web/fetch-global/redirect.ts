/** "HTTP-redirect fetch" of the fetch standard: the request that a redirect asks for. */
import type { HeaderPair } from "../fetch/index.ts"
import { parseUrl, withoutFragment } from "../url/index.ts"
import type { Answer, HopRequest } from "./hop.ts"

export interface Redirect {
  readonly request: HopRequest
  /** With its fragment. */
  readonly href: string
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** What describes a body goes when the body goes. */
const OF_BODY: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
])
/** Meant for the server that they were given for. */
const SECRET: ReadonlySet<string> = new Set(["authorization", "cookie", "host", "proxy-authorization"])

/** Null: no redirect. A text: why it cannot be followed. `from` is the URL with its fragment. */
export function redirectOf(answer: Answer, request: HopRequest, from: string): Redirect | string | null {
  const { status } = answer
  if (!REDIRECTS.has(status)) return null
  const locations = answer.pairs.filter(([name]) => name === "location")
  const [first] = locations
  if (first === undefined) return null
  const target = locations.length === 1 ? parseUrl(utf8OfLatin1(first[1]), request.url) : null
  if (target === null) return "the server redirected to what is no URL"
  if (!/^https?:/.test(target.href)) return `the server redirected to ${target.scheme}:`
  if (target.hasCredentials) return "the server redirected to a URL with a user name or a password in it"
  if (status !== 303 && request.body !== null && !request.body.isRepeatable)
    return `the server redirected with ${status}, and a stream as body cannot be sent again`

  const { method } = request
  const becomesGet =
    ((status === 301 || status === 302) && method === "POST") ||
    (status === 303 && method !== "GET" && method !== "HEAD")
  const isForeign = originOf(target.href) !== originOf(request.url)
  const headers = request.headers.filter(
    ([name]: HeaderPair) => !(becomesGet && OF_BODY.has(name)) && !(isForeign && SECRET.has(name)),
  )
  const next: HopRequest = {
    url: withoutFragment(target.href),
    method: becomesGet ? "GET" : method,
    headers,
    body: becomesGet ? null : request.body,
  }
  const fragmentAt = from.indexOf("#")
  const inherits = !target.href.includes("#") && fragmentAt !== -1
  return { request: next, href: inherits ? target.href + from.slice(fragmentAt) : target.href }
}

/** Scheme, host and port of a URL as the standard writes it, which leaves default ports out. */
function originOf(href: string): string {
  return /^[^/]*\/\/[^/?#]*/.exec(href)?.[0] ?? href
}

/** Servers send UTF-8 here, which came as one character a byte. */
function utf8OfLatin1(text: string): string {
  if (!/[\u0080-\u00ff]/.test(text)) return text
  const escaped = text.replace(/[\u0080-\u00ff]/g, (it) => `%${it.charCodeAt(0).toString(16)}`)
  return escaped
}
