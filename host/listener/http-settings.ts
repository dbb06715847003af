/** Limits and deadlines of the HTTP listener, as numbers. `host/config/` makes them of the host config; the listener obeys them. */
import { createTrustedProxies, type TrustedProxies } from "./trust-proxy.ts"

export interface HttpSettings {
  /** Bytes of all field lines of a request with their CRLFs, without request line and empty line; more is 431. */
  readonly headerBytes: number
  /** Field lines of a request; more is 431. */
  readonly headerLines: number
  /** Bytes of a request target; more is 414. */
  readonly targetBytes: number
  /** Milliseconds from the first byte of a request until its head is whole; then 408. */
  readonly headersMs: number
  /** Milliseconds of silence within a request body; then 408. Infinity = off. */
  readonly bodyMs: number
  /** Milliseconds that a connection without a request stays open. */
  readonly keepAliveMs: number
  /** Milliseconds that a client may take no byte of an answer; then the connection is cut. Infinity = off. */
  readonly sendMs: number
  /** Connections open at a time; one more gets 503. */
  readonly connections: number
  /** The same for one client address (IPv6: one /64 network). Infinity = off. */
  readonly connectionsPerAddress: number
  /** Peers whose forwarded header lines are believed. */
  readonly trustProxy: TrustedProxies
  readonly http2: Http2Settings
}

export interface Http2Settings {
  /** Offered to clients by ALPN. */
  readonly enabled: boolean
  /** Also without TLS, to clients that begin with its preface (RFC 9113 3.3, prior knowledge). */
  readonly cleartext: boolean
  /** Requests in progress on one connection. */
  readonly streams: number
}

export const DEFAULT_HTTP2_SETTINGS: Http2Settings = { enabled: true, cleartext: false, streams: 128 }

export const DEFAULT_HTTP_SETTINGS: HttpSettings = {
  headerBytes: 64 * 1024,
  headerLines: 1000,
  targetBytes: 16 * 1024,
  headersMs: 15_000,
  bodyMs: 30_000,
  keepAliveMs: 75_000,
  sendMs: 60_000,
  connections: 10_000,
  connectionsPerAddress: Number.POSITIVE_INFINITY,
  trustProxy: createTrustedProxies([]),
  http2: DEFAULT_HTTP2_SETTINGS,
}
