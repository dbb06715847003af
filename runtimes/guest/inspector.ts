/**
 * Makes Node's inspector ready to be opened from outside by SIGUSR1, the only way that works while the event loop stands still.
 * Counterpart in the host: `runtimes/inspect/process-inspector.ts`.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { isMainThread } from "node:worker_threads"
import { type GuestConfig, INSPECTOR_SIGNAL_TAKEN } from "../guest-config.ts"

export function prepareInspector({ runtime, socketDir, socketPrefix }: GuestConfig): void {
  if (runtime !== "node" || !isMainThread) return
  // A port of its own for each instance. By `--inspect-port=0` node:cluster would give its workers port 1, which Node refuses.
  const { NODE_OPTIONS = "" } = process.env
  if (![...process.execArgv, NODE_OPTIONS].some((text) => text.includes("--inspect"))) process.debugPort = 0
  // An app with a handler of its own gets the signal in place of Node: the host then must not send it.
  process.on("newListener", function taken(name: string | symbol) {
    if (name !== "SIGUSR1") return
    process.off("newListener", taken)
    try {
      writeFileSync(join(socketDir, socketPrefix + INSPECTOR_SIGNAL_TAKEN), "")
    } catch {
      // The host finds out by asking in vain.
    }
  })
}
