/**
 * What an isolate may reach by `fetch`: the rules of a manifest's `outbound`, parsed. Owns their form; who checks an address
 * against them, at each connection and redirect, is `isolate/egress/`.
 */

export type OutboundRule =
  | { readonly kind: "network"; readonly network: OutboundNetwork }
  | {
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
  const scheme = url.protocol === "https:" ? "https" : "http"
  const port = url.port === "" ? (scheme === "https" ? 443 : 80) : Number(url.port)
  return { kind: "origin", scheme, host: url.hostname, wildcard, port }
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
