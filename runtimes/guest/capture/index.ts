/**
 * Capture: makes an unmodified server listen on a private unix socket instead of the address that it names.
 * Owns the patches of node:net, node:http, Bun.serve, Bun.listen and Deno.serve, and what the app then reads back
 * (`server.address()`, `socket.remoteAddress`, `server.port`). Owns no protocol and decides nothing about the app's interface:
 * that is `runtimes/guest/main.ts`. Where each patch is needed and what it was tested on: README.md beside it.
 */
import * as http from "node:http"
import * as net from "node:net"
import { captureBun } from "./bun.ts"
import { captureDeno } from "./deno.ts"
import { Ledger } from "./ledger.ts"
import { captureNode, captureNodeWorker } from "./node.ts"
import { Undo } from "./undo.ts"

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

/** Set in the app's environment by `installCapture` on Node, so that its `node:cluster` workers know that they are captured. */
export const CLUSTER_WORKER_ENV = "POLYHOST_CAPTURE"

/** Installs the patches of whatever runtime this is. Call once, before the app's code is loaded. */
export function installCapture(options: CaptureOptions): Capture {
  const ledger = new Ledger(options)
  const undo = new Undo()
  captureNode({ http, net, ledger, undo })
  captureBun(ledger, undo)
  captureDeno(ledger, undo)
  return { first: ledger.first, all: ledger.all, failed: ledger.failed, restore: () => undo.all() }
}

/**
 * For `node:cluster` workers of a captured app, which inherit `--require`: their listens go to the primary, which is captured;
 * here only the addresses that the app reads are put right. Does nothing when this process is no cluster worker.
 */
export function installClusterWorker(isClusterWorker: boolean): void {
  if (isClusterWorker) captureNodeWorker({ http, net, undo: new Undo() })
}
