/**
 * Which network an IP address belongs to, by IANA's registries of special-purpose addresses. An IPv6 address that carries
 * an IPv4 one inside (mapped, 6to4, NAT64, Teredo) leads there, so it is judged by what it carries.
 * Owns the table only; what a network may be used for is `policy.ts`.
 */
import { isIP } from "node:net"

/** `special`: link-local and cloud metadata, carrier NAT, multicast, documentation, reserved: opened by no word, only by its own address. */
export type AddressNetwork = "public" | "private" | "loopback" | "special"

/** `address` is an IPv4 or IPv6 address without brackets; anything else is `special`. */
export function networkOf(address: string): AddressNetwork {
  const family = isIP(address)
  if (family === 4) return networkOfV4(address.split(".").map(Number))
  // A zone names an interface, which only addresses that stay on a link need.
  if (family === 6 && !address.includes("%")) return networkOfV6(groupsOf(address))
  return "special"
}

type Network = Exclude<AddressNetwork, "public">

/** Outside of these IPv4 is public. */
const V4: readonly (readonly [bytes: readonly number[], bits: number, network: Network])[] = [
  [[0], 8, "special"],
  [[10], 8, "private"],
  [[100, 64], 10, "special"],
  [[127], 8, "loopback"],
  [[168, 63, 129, 16], 32, "special"], // Azure's metadata and agent service
  [[169, 254], 16, "special"],
  [[172, 16], 12, "private"],
  [[192, 0, 0], 24, "special"],
  [[192, 0, 2], 24, "special"],
  [[192, 88, 99], 24, "special"],
  [[192, 168], 16, "private"],
  [[198, 18], 15, "special"],
  [[198, 51, 100], 24, "special"],
  [[203, 0, 113], 24, "special"],
  [[224], 3, "special"], // multicast, reserved and broadcast
]

/** The first match counts; outside of these IPv6 is public within 2000::/3, else special. */
const V6: readonly (readonly [groups: readonly number[], bits: number, network: Network])[] = [
  [[0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"],
  [[0x2001], 23, "special"],
  [[0x2001, 0xdb8], 32, "special"],
  [[0x3fff], 20, "special"],
  [[0xfd00, 0xec2], 32, "special"], // services of AWS, the metadata service among them
  [[0xfd20, 0xce], 32, "special"], // the same of Google
  [[0xfc00], 7, "private"],
]

function networkOfV4(bytes: readonly number[]): AddressNetwork {
  for (const [start, bits, network] of V4) if (isWithin(bytes, start, bits, 8)) return network
  return "public"
}

function networkOfV6(groups: readonly number[]): AddressNetwork {
  const carried = carriedV4(groups)
  if (carried.length > 0) return strictest(carried.map((bytes) => networkOfV4(bytes)))
  for (const [start, bits, network] of V6) if (isWithin(groups, start, bits, 16)) return network
  return isWithin(groups, [0x2000], 3, 16) ? "public" : "special"
}

/** The IPv4 addresses inside an IPv6 one. Teredo has two: its server's and, inverted, the client's. */
function carriedV4(groups: readonly number[]): number[][] {
  const at = (index: number, flip = 0) =>
    [groups[index] ?? 0, groups[index + 1] ?? 0].flatMap((it) => [(it ^ flip) >> 8, (it ^ flip) & 0xff])
  if (isWithin(groups, [0, 0, 0, 0, 0, 0xffff], 96, 16)) return [at(6)]
  if (isWithin(groups, [0, 0, 0, 0, 0xffff, 0], 96, 16)) return [at(6)]
  if (isWithin(groups, [0x64, 0xff9b, 0, 0, 0, 0], 96, 16)) return [at(6)]
  if (isWithin(groups, [0x2002], 16, 16)) return [at(1)]
  if (isWithin(groups, [0x2001, 0], 32, 16)) return [at(2), at(6, 0xffff)]
  return []
}

function strictest(networks: readonly AddressNetwork[]): AddressNetwork {
  const order: readonly AddressNetwork[] = ["special", "loopback", "private"]
  return order.find((network) => networks.includes(network)) ?? "public"
}

/** Whether the first `bits` of `parts`, of `size` bits each, are those of `start` (missing parts are 0). */
function isWithin(parts: readonly number[], start: readonly number[], bits: number, size: number): boolean {
  for (let at = 0; at * size < bits; at++) {
    const ignored = Math.max(0, (at + 1) * size - bits)
    if ((parts[at] ?? 0) >> ignored !== (start[at] ?? 0) >> ignored) return false
  }
  return true
}

/** The 8 groups of an IPv6 address; the URL parser writes out its other spellings (`::`, IPv4 at the end). */
function groupsOf(address: string): number[] {
  const [left = "", right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::")
  const groups = (text: string) => (text === "" ? [] : text.split(":").map((it) => Number.parseInt(it, 16)))
  const [before, after] = [groups(left), groups(right ?? "")]
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}
