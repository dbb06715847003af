/**
 * URLs that already are as the URL standard writes them: most that a server meets. Seen by one regular expression instead of the
 * standard's state machine (a twentieth of the time); whatever does not fit goes through the machine.
 */

const QUAD = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
/** A name whose last label is no number, or an IPv4 address. */
const HOST = `(?:(?:[a-z0-9_-]+\\.)*[a-z][a-z0-9_-]*|${QUAD}(?:\\.${QUAD}){3})`
const PORT = "(?::(?:[1-9]\\d{0,3}|[1-5]\\d{4}))?"
const PATH = "\\/[\\w\\-~!$&'()*+,;=:@%./]*"
const QUERY = "(?:\\?[\\w\\-~!$&()*+,;=:@%./?]*)?"
const FRAGMENT = "(?:#[\\w\\-~!$&'()*+,;=:@%./?]*)?"
const ABSOLUTE = new RegExp(`^https?:\\/\\/${HOST}${PORT}${PATH}${QUERY}${FRAGMENT}$`)
const RELATIVE = new RegExp(`^(?!\\/\\/)${PATH}${QUERY}${FRAGMENT}$`)
/** Segments that go away, and default ports. */
const UNFINISHED = /\/\.|%2e|^http:\/\/[^/]*:80\/|^https:\/\/[^/]*:443\//i

/** The URL if it is plain, else null. Of `base` only the origin counts, so only paths from the root are looked at. */
export function plainUrl(input: string, base?: string): string | null {
  if (base === undefined) return isPlain(input) ? input : null
  if (!isPlain(base) || !RELATIVE.test(input) || UNFINISHED.test(input)) return null
  return base.slice(0, pathAt(base)) + input
}

function isPlain(input: string): boolean {
  return ABSOLUTE.test(input) && !UNFINISHED.test(input)
}

// Parts of a plain URL

export function originOf(href: string): string {
  return href.slice(0, pathAt(href))
}

export function protocolOf(href: string): string {
  return href.startsWith("https") ? "https:" : "http:"
}

export function hostOf(href: string): string {
  return href.slice(href.indexOf("//") + 2, pathAt(href))
}

export function hostnameOf(href: string): string {
  const host = hostOf(href)
  const colon = host.indexOf(":")
  return colon === -1 ? host : host.slice(0, colon)
}

export function portOf(href: string): string {
  const host = hostOf(href)
  const colon = host.indexOf(":")
  return colon === -1 ? "" : host.slice(colon + 1)
}

export function pathnameOf(href: string): string {
  return href.slice(pathAt(href), Math.min(queryAt(href), fragmentAt(href)))
}

export function searchOf(href: string): string {
  const search = href.slice(queryAt(href), fragmentAt(href))
  return search === "?" ? "" : search
}

export function hashOf(href: string): string {
  const hash = href.slice(fragmentAt(href))
  return hash === "#" ? "" : hash
}

function pathAt(href: string): number {
  return href.indexOf("/", 8)
}

function queryAt(href: string): number {
  const at = href.indexOf("?")
  const end = fragmentAt(href)
  return at === -1 || at > end ? end : at
}

function fragmentAt(href: string): number {
  const at = href.indexOf("#")
  return at === -1 ? href.length : at
}
