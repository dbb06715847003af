/**
 * What the host tells the app of the client: the forwarded lines, written once for a connection and host name and copied from
 * then on; and what a trusted proxy says of the client behind it.
 */
import type { HttpSettings } from "../http-settings.ts"
import { type Authority, readAuthority } from "./authority.ts"
import type { RequestHeadReader } from "./request-head.ts"

export interface Peer {
  /** `127.0.0.1`, `::1`, or `unix`. */
  readonly address: string
  readonly scheme: "http" | "https"
  /** The certificate that a client of TLS has shown, as RFC 9440 writes it (`:base64:`), or "". */
  readonly clientCert: string
}

/** Who sends a request, and the header lines that say so, with the name of the last one: `X-Request-Id: `. */
export interface Client extends Omit<Peer, "clientCert"> {
  readonly authority: Authority
  readonly lines: Buffer
  /** Id that a trusted proxy gave the request, or "". */
  readonly requestId: string
}

/** A request of HTTP/1.0 may name no host; an app's URLs need one. */
const UNNAMED: Authority = { text: "localhost", name: "" }

export class Clients {
  readonly #peer: Peer
  readonly #trust: HttpSettings["trustProxy"] | null
  #last: Client | null = null
  #lastAuthority: Authority | null = null

  constructor(peer: Peer, settings: HttpSettings) {
    this.#peer = peer
    this.#trust = settings.trustProxy.trusts(peer.address) ? settings.trustProxy : null
  }

  /** Whether the peer's own forwarded lines are believed. */
  get trusted(): boolean {
    return this.#trust !== null
  }

  /** The client of the request that `reader` has read. */
  of(reader: RequestHeadReader): Client {
    const { authority } = reader
    if (this.#trust !== null) return this.#behindProxy(reader, this.#trust)
    if (this.#last !== null && this.#lastAuthority === authority) return this.#last
    const { address, scheme, clientCert } = this.#peer
    const named = authority.text === "" ? UNNAMED : authority
    this.#lastAuthority = authority
    this.#last = {
      address,
      scheme,
      authority: named,
      lines: forwardedLines({ chain: address, proto: scheme, host: named.text, clientCert }),
      requestId: "",
    }
    return this.#last
  }

  #behindProxy(reader: RequestHeadReader, trust: HttpSettings["trustProxy"]): Client {
    const { forwardedFor, forwardedProto, forwardedHost, requestId } = reader.fields
    const chain = forwardedFor.flatMap((value) => value.split(",").map((part) => part.trim()))
    const peer = this.#peer
    const hops = hopsOf(chain, trust)
    const proto = saidBy(hops, forwardedProto).toLowerCase()
    const scheme = proto === "http" || proto === "https" ? proto : peer.scheme
    const direct = reader.authority.text === "" ? UNNAMED : reader.authority
    const authority = readAuthority(saidBy(hops, forwardedHost)) ?? direct
    return {
      address: trust.clientOf(chain, peer.address),
      scheme,
      authority,
      lines: forwardedLines({
        chain: [...chain, peer.address].join(", "),
        proto: scheme,
        host: authority.text,
        // The certificate that such a proxy shows is its own; what it says of its client's passes as it is.
        clientCert: "",
      }),
      requestId: /^[\x21-\x7e]{1,128}$/.test(requestId) ? requestId : "",
    }
  }
}

/** How many trusted proxies the request came through: the one that the client itself spoke to is the last of them. */
function hopsOf(chain: readonly string[], trust: HttpSettings["trustProxy"]): number {
  let hops = 1
  while (hops < chain.length && trust.trusts(chain[chain.length - hops] as string)) hops++
  return hops
}

/** Each proxy adds its value at the end: the one that counts is the value of the proxy so many hops away, or the first. */
function saidBy(hops: number, list: string): string {
  const values = list.split(",")
  return (values[Math.max(0, values.length - hops)] ?? "").trim()
}

interface Forwarded {
  readonly chain: string
  readonly proto: string
  readonly host: string
  readonly clientCert: string
}

function forwardedLines({ chain, proto, host, clientCert }: Forwarded): Buffer {
  const cert = clientCert === "" ? "" : `Client-Cert: ${clientCert}\r\n`
  return Buffer.from(
    `${cert}X-Forwarded-For: ${chain}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${host}\r\nX-Request-Id: `,
    "latin1",
  )
}
