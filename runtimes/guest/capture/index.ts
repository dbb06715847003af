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
import type { Capture, CaptureOptions } from "./types.ts"
import { Undo } from "./undo.ts"

export type { Capture, CapturedListen, CaptureFailure, CaptureOptions, ListenApi } from "./types.ts"

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
