/** The authority of a request: what `Host` or an absolute target may say, and the name in it that routes are found by. */
import { isIPv4, isIPv6 } from "node:net"
import { domainToASCII } from "node:url"

export interface Authority {
  /** As the client sent it: `Example.com:8080`. */
  readonly text: string
  /** Lower case, without port and trailing dot: `example.com`, `[::1]`. */
  readonly name: string
}

/** What a request of HTTP/1.0 without Host says. */
export const NO_AUTHORITY: Authority = { text: "", name: "" }

/** A DNS name is at most 253 characters long; a port has five digits. */
const LONGEST_BYTES = 300
const LONGEST_NAME = 253
/**
 * RFC 3986 3.2.2 without what no host name has: sub-delimiters and percent-encoding would only mean different names to
 * different readers. Labels are not empty; one dot may end the name.
 */
const NAME = /^(?:[A-Za-z0-9_~-]+\.)*[A-Za-z0-9_~-]+\.?$/

/** The authority that `text` is, or null when it is malformed (400). */
export function readAuthority(text: string): Authority | null {
  if (text === "" || text.length > LONGEST_BYTES) return null
  const nameEnd = text.startsWith("[") ? text.indexOf("]") + 1 : endOfName(text)
  const host = text.slice(0, nameEnd)
  if (!isPort(text.slice(nameEnd))) return null
  if (host.startsWith("[")) {
    return isIPv6(host.slice(1, -1)) && !host.includes("%") ? { text, name: host.toLowerCase() } : null
  }
  if (host.length > LONGEST_NAME + 1 || !NAME.test(host)) return null
  const lower = host.toLowerCase()
  const name = lower.endsWith(".") ? lower.slice(0, -1) : lower
  return isPossible(name) ? { text, name } : null
}

/**
 * What no URL can name: a name that ends in a number and is no IPv4 address as it is usually written (the URL standard reads
 * `0x7f.1` as 127.0.0.1, others do not), and punycode that is none.
 */
function isPossible(name: string): boolean {
  if (NUMBER_AT_END.test(name)) return isIPv4(name)
  return !name.includes("xn--") || domainToASCII(name) !== ""
}

const NUMBER_AT_END = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/

function endOfName(text: string): number {
  const colon = text.indexOf(":")
  return colon === -1 ? text.length : colon
}

/** Nothing, or a colon and the number of a port, which may be missing (RFC 3986 3.2.3). */
function isPort(text: string): boolean {
  return text === "" || (/^:\d{0,5}$/.test(text) && Number(text.slice(1)) <= 65_535)
}
