/**
 * What an isolate may reach by `fetch`: the rules of a manifest's `outbound`, parsed, and which URLs an origin rule means.
 * Owns their form; who checks an address against them, at each connection and redirect, is `isolate/egress/`.
 */

export type OutboundRule = { readonly kind: "network"; readonly network: OutboundNetwork } | OriginRule

export interface OriginRule {
  readonly kind: "origin"
  readonly scheme: "http" | "https"
  /** Lower case, as the URL standard writes it; `example.com` with `wildcard` stands for every name below it. */
  readonly host: string
  readonly wildcard: boolean
  readonly port: number
}

/** `public`: what is neither private, loopback, link-local, multicast nor reserved. */
export type OutboundNetwork = "public" | "private" | "loopback"

const NETWORKS: readonly OutboundNetwork[] = ["public", "private", "loopback"]

export function parseOutbound(text: string): OutboundRule | { readonly problem: string } {
  const network = NETWORKS.find((it) => it === text)
  if (network !== undefined) return { kind: "network", network }
  const wildcard = /^https?:\/\/\*\./.test(text)
  const url = parsed(wildcard ? text.replace("*.", "") : text)
  if (url === null) return { problem: FORM }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "" || /\/$/.test(text))
    return { problem: `an origin has no path, query or user: write "${url.protocol}//${url.host}"` }
  if (wildcard && isIpLiteral(url.hostname))
    return { problem: `an address has no names below it: write "${url.protocol}//${url.host}"` }
  const scheme = url.protocol === "https:" ? "https" : "http"
  return { kind: "origin", scheme, host: url.hostname, wildcard, port: portOf(url) }
}

/** Whether `url`, which is http or https, has the origin that `rule` means. The rule's host itself is not below a wildcard. */
export function meansOrigin(rule: OriginRule, url: URL): boolean {
  if (url.protocol !== `${rule.scheme}:` || portOf(url) !== rule.port) return false
  return rule.wildcard ? url.hostname.endsWith(`.${rule.host}`) : url.hostname === rule.host
}

/** A host as the URL standard writes it: IPv6 stands in brackets, and whatever ends in a number is IPv4. */
export function isIpLiteral(host: string): boolean {
  return host.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(host)
}

export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port)
  return url.protocol === "https:" ? 443 : 80
}

const FORM =
  'expected an origin such as "https://api.example.com" or "https://*.example.com", or one of public, private, loopback'

function parsed(text: string): URL | null {
  try {
    const url = new URL(text)
    return /^https?:$/.test(url.protocol) && !url.hostname.includes("*") ? url : null
  } catch {
    return null
  }
}
