/**
 * A listener takes connections of clients and makes exchanges of their requests. It knows no app. This interface is
 * all that the rest of the host sees of HTTP/1.1: what stands behind it can change (`node-http.ts` today).
 */
import type { HostExchange } from "../exchange.ts"
import type { StreamedBytes } from "../streamed-bytes.ts"

export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string }

export interface Listener {
  /** Where it listens: `http://127.0.0.1:8080`, `unix:/run/x.sock`. The port is the real one. */
  readonly url: string
  /** Takes no new connection, lets requests in progress end, closes idle ones. Resolves when all are closed. */
  close(): Promise<void>
  /** Ends every connection now. */
  destroy(): void
}

export interface ListenerOptions {
  readonly address: ListenAddress
  /** A request has arrived with its whole head. Must answer or fail it, now or later. */
  readonly handle: (exchange: HostExchange) => void
  readonly ids: RequestIds
  readonly streamed: StreamedBytes
}

/** Makes request ids: unique within the host, cheap, unguessable across hosts. */
export interface RequestIds {
  next(): string
}
