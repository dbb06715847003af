/**
 * A listener takes connections of clients and makes exchanges of their requests. It knows no app. This interface is
 * all that the rest of the host sees of HTTP (`http1/` is what stands behind it).
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"

/** `tls`: clients speak TLS there. */
export type ListenAddress =
  | { readonly host: string; readonly port: number; readonly tls?: boolean }
  | { readonly path: string }

export interface Listener {
  /** Where it listens: `http://127.0.0.1:8080`, `unix:/run/x.sock`. The port is the real one. */
  readonly url: string
  /** Takes no new connection, lets requests in progress end, closes idle ones. Resolves when all are closed. */
  close(): Promise<void>
  /** Ends every connection now. */
  destroy(): void
}

/** Makes request ids: unique within the host, cheap, unguessable across hosts. */
export interface RequestIds {
  next(): string
}

/** What was refused before any app could be asked. */
export interface Refusal {
  readonly requestId: string
  readonly code: ClientErrorCode
  readonly detail: string
  readonly clientAddress: string
}
