/**
 * Which peers may say who the client is (`trustProxy` of the host config). Owns the entries of that list and the walk
 * along a chain of forwarded addresses; which header lines make the chain is the listener's.
 */
import { BlockList } from "node:net"
import { PolyhostError } from "../../protocol/errors.ts"
import { type IpAddress, parseIpAddress, parseIpEndpoint } from "./ip-address.ts"

export interface TrustedProxies {
  /** False when nobody is trusted: forwarded lines of clients are then never looked at. */
  readonly any: boolean
  /** `address` is that of a peer: `127.0.0.1`, `::1`, `::ffff:127.0.0.1`, or `unix` for a unix socket. */
  trusts(address: string): boolean
  /**
   * The client behind `peer`: the first untrusted address from the right of the chain and the peer, or the leftmost when
   * all are trusted. What is no address ends the walk at the last good one. Addresses come without port and brackets.
   */
  clientOf(chain: readonly string[], peer: string): string
}

export const TRUST_PROXY_FORM =
  'an address or network such as "10.0.0.0/8", "192.0.2.7" or "fd00::/8", or one of "loopback", "private", "unix"'

interface Network {
  readonly address: IpAddress
  readonly bits: number
}

type TrustEntry = { readonly networks: readonly Network[] } | "unix"

/** Throws CONFIG_INVALID for an entry that `trustProxyProblem` has something to say about. */
export function createTrustedProxies(list: readonly string[]): TrustedProxies {
  // A list for each family: an IPv6 network such as ::/0 says nothing about IPv4.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  let trustsUnix = false
  for (const text of list) {
    const entry = parseEntry(text)
    if (typeof entry === "object" && "problem" in entry)
      throw new PolyhostError(
        "CONFIG_INVALID",
        `"trustProxy" holds ${JSON.stringify(text)}; ${entry.problem}`,
      )
    if (entry === "unix") trustsUnix = true
    else
      for (const { address, bits } of entry.networks)
        lists[address.family].addSubnet(address.text, bits, address.family)
  }
  const holds = (address: IpAddress): boolean => lists[address.family].check(address.text, address.family)
  const any = list.length > 0
  const trusts = (peer: string): boolean => {
    if (!any) return false
    if (peer === "unix") return trustsUnix
    const address = parseIpAddress(peer)
    return address !== null && holds(address)
  }
  return {
    any,
    trusts,
    clientOf(chain, peer) {
      let client = parseIpAddress(peer)?.text ?? peer
      if (!trusts(peer)) return client
      const first = Math.max(0, chain.length - MAX_HOPS)
      for (let index = chain.length - 1; index >= first; index--) {
        const address = parseIpEndpoint(chain[index]!.trim())
        if (address === null) break
        client = address.text
        if (!holds(address)) break
      }
      return client
    },
  }
}

/** Why an entry of `trustProxy` cannot be used, or null. */
export function trustProxyProblem(text: string): string | null {
  const entry = parseEntry(text)
  return typeof entry === "object" && "problem" in entry ? entry.problem : null
}

/** A chain longer than this is nobody's network; a hostile one costs no more than this. */
const MAX_HOPS = 100

const WORDS: ReadonlyMap<string, readonly string[]> = new Map([
  ["loopback", ["127.0.0.0/8", "::1/128"]],
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"]],
])

function parseEntry(text: string): TrustEntry | { readonly problem: string } {
  if (text === "unix") return "unix"
  const networks: Network[] = []
  for (const one of WORDS.get(text) ?? [text]) {
    const network = parseNetwork(one)
    if ("problem" in network) return network
    networks.push(network)
  }
  return { networks }
}

function parseNetwork(text: string): Network | { readonly problem: string } {
  const slash = text.indexOf("/")
  const base = slash === -1 ? text : text.slice(0, slash)
  const address = base.includes("%") ? null : parseIpAddress(base)
  if (address === null) return { problem: `expected ${TRUST_PROXY_FORM}` }
  const isMapped = address.family === "ipv4" && base.includes(":")
  const most = address.family === "ipv4" && !isMapped ? 32 : 128
  if (slash === -1) return { address, bits: isMapped ? 32 : most }
  const written = text.slice(slash + 1)
  const bits = /^\d{1,3}$/.test(written) ? Number(written) : Number.NaN
  const least = isMapped ? 96 : 0
  if (!(bits >= least && bits <= most))
    return { problem: `expected a number of bits from ${least} to ${most} after "${base}/"` }
  return { address, bits: isMapped ? bits - 96 : bits }
}
