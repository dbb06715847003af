/** What capture offers the guest. Types only. */

export interface CaptureOptions {
  /** Directory of the private sockets; short (a socket's whole path must stay under 104 bytes). */
  readonly socketDir: string
  /** Unique beginning of the sockets' file names. */
  readonly socketPrefix: string
  log(level: "info" | "warn", message: string): void
}

export interface Capture {
  /** Settles when the app's first servable listen is bound and accepting. Never rejects; may never settle. */
  readonly first: Promise<CapturedListen>
  /** Every listen that is bound, in order, those that cannot be served (TLS) included. */
  readonly all: readonly CapturedListen[]
  /** Settles with the first listen that failed or cannot be served. Not final: the app may listen again. Never rejects. */
  readonly failed: Promise<CaptureFailure>
  /** Takes every patch back. Servers that listen already stay where they are. */
  restore(): void
}

export interface CapturedListen {
  /** Private unix socket that the host connects to. */
  readonly path: string
  readonly by: ListenApi
  /** Address that the app asked for: `0.0.0.0:3000`, `[::1]:80`, `unix:/run/app.sock`. */
  readonly asked: string
  /** The object given to Bun.serve or Deno.serve, itself, to compare with the default export; null for node:net. */
  readonly options: unknown
}

export interface CaptureFailure {
  /** `tls` and `http2`: bound, but not plain HTTP/1.1. `bind`: the private socket could not be made. */
  readonly kind: "tls" | "http2" | "bind"
  readonly by: ListenApi
  readonly asked: string
  readonly message: string
}

export type ListenApi = "node:net" | "Bun.serve" | "Deno.serve"
