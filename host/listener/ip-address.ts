/** IP addresses as text: one spelling for each, and their bits where a rule needs them. Names are not resolved here. */
import { isIPv4, isIPv6 } from "node:net"

export interface IpAddress {
  readonly family: "ipv4" | "ipv6"
  /** Without zone; an IPv4-mapped IPv6 address is the IPv4 one. */
  readonly text: string
}

const MAX_TEXT = 64

/** The address, or null when `text` is none: `127.0.0.1`, `::1`, `fe80::1%eth0`, `::ffff:10.0.0.1`. */
export function parseIpAddress(text: string): IpAddress | null {
  if (text.length > MAX_TEXT) return null
  if (isIPv4(text)) return { family: "ipv4", text }
  if (!isIPv6(text)) return null
  const zone = text.indexOf("%")
  const plain = zone === -1 ? text : text.slice(0, zone)
  const groups = ipv6Groups(plain)
  if (!isMapped(groups)) return { family: "ipv6", text: plain }
  const [high, low] = [groups[6]!, groups[7]!]
  return { family: "ipv4", text: `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}` }
}

/** The same with an optional port or brackets, as proxies write it: `10.0.0.1:4711`, `[::1]`, `[::1]:4711`. */
export function parseIpEndpoint(text: string): IpAddress | null {
  const match = /^(?:\[([^[\]]{1,64})\]|([\d.]{1,15}))(?::\d{1,5})?$/.exec(text)
  const inside = match?.[1]
  if (inside !== undefined) return isIPv6(inside) ? parseIpAddress(inside) : null
  return parseIpAddress(match?.[2] ?? text)
}

/** The first 64 bits of an IPv6 address: what one client is usually given whole. */
export function ipv6Network64(text: string): string {
  return ipv6Groups(text)
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")
}

/** The eight groups of a valid IPv6 address. */
function ipv6Groups(text: string): readonly number[] {
  const [left = "", right] = text.split("::")
  const head = groupsOf(left)
  if (right === undefined) return head
  const tail = groupsOf(right)
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

function groupsOf(part: string): readonly number[] {
  if (part === "") return []
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

function isMapped(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)
}
