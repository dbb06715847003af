/**
 * What one app may connect to: the rules of its `outbound` applied to a URL before anything is asked of the network, and
 * to each address that its host name stands for. Owns no sockets; `lookup.ts` and `http-client.ts` ask here.
 */
import { isIpLiteral, meansOrigin, type OutboundRule, portOf } from "../../outbound.ts"
import { type AddressNetwork, networkOf } from "./address.ts"

/** What is allowed of one URL. */
export interface Grant {
  /** Whether a connection to `address`, which the URL's host stands for, is allowed. */
  permits(address: string): boolean
  /** Why `address` is not, for the app's developer. No address is named: names inside of a network are not the app's to explore. */
  refusal(address: string): string
}

export interface OutboundPolicy {
  /** @returns the reason when nothing at this URL is allowed, whatever its address: its name is then not even looked up. */
  grant(url: URL): Grant | { readonly refused: string }
}

export function createOutboundPolicy(rules: readonly OutboundRule[], app: string): OutboundPolicy {
  const networks = new Set<AddressNetwork>()
  for (const rule of rules) if (rule.kind === "network") networks.add(rule.network)
  const refusal = (url: URL, why: string, keys: readonly string[]) => {
    if (keys.length === 0) return `${url.origin} is refused: ${why}`
    const wanted = keys.map((key) => `"${key}"`).join(" or ")
    return `${url.origin} is refused: ${why}. To allow it, add ${wanted} to "outbound" in the manifest of app "${app}"`
  }

  return {
    grant(url) {
      const named = rules.some((rule) => rule.kind === "origin" && meansOrigin(rule, url))
      if (!named && BAD_PORTS.has(portOf(url)))
        return { refused: refusal(url, `port ${portOf(url)} belongs to another protocol`, [url.origin]) }
      const allowed = named ? allowedByName(url, networks) : networks
      if (allowed.size === 0) return { refused: refusal(url, notListed(rules), keysFor(url, expected(url))) }
      return {
        permits: (address) => allowed.has(networkOf(address)),
        refusal: (address) => {
          const network = networkOf(address)
          const subject = isIpLiteral(url.hostname) ? "it is" : "its name stands for"
          return refusal(url, `${subject} ${KINDS[network]}`, keysFor(url, network))
        },
      }
    },
  }
}

const EVERYTHING: ReadonlySet<AddressNetwork> = new Set(["public", "private", "loopback", "special"])

const KINDS: Readonly<Record<AddressNetwork, string>> = {
  public: "a public address",
  private: "a private address",
  loopback: "a loopback address",
  special: "an address for special use (link-local, metadata, carrier NAT, multicast or reserved)",
}

/** A listed address permits itself, a listed name what the world can resolve it to, and `localhost` what it always means. */
function allowedByName(url: URL, networks: ReadonlySet<AddressNetwork>): ReadonlySet<AddressNetwork> {
  if (isIpLiteral(url.hostname)) return EVERYTHING
  return new Set<AddressNetwork>([...networks, expected(url)])
}

/** The words that would allow this URL at an address of `network`. To list a name opens nothing but public addresses. */
function keysFor(url: URL, network: AddressNetwork): readonly string[] {
  const word = network === "special" ? [] : [network]
  return isIpLiteral(url.hostname) || network === expected(url) ? [url.origin, ...word] : word
}

/** The network of an address, and of a name before anybody looked it up. */
function expected(url: URL): AddressNetwork {
  if (isIpLiteral(url.hostname)) return networkOf(url.hostname.replace(/^\[|\]$/g, ""))
  return url.hostname === "localhost" ? "loopback" : "public"
}

function notListed(rules: readonly OutboundRule[]): string {
  return rules.length === 0 ? "the app may reach nothing outside" : "the app may not reach this origin"
}

/** Ports that the fetch standard blocks ("port blocking"), so that no HTTP request is taken for a mail or a print job. */
const BAD_PORTS: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
  109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
  526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
  3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
])
