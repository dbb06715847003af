/**
 * What Piscina runs in a worker thread: one task, which is one instance of an app and never ends. Loads the guest, then the entry as
 * the thread's main program. Built to `dist/cell/thread-worker.cjs`. Counterpart in the cell: `threads.ts`.
 */

import * as nodeModule from "node:module"
import { createRequire } from "node:module"
import { getHeapStatistics } from "node:v8"
import { MessagePort, parentPort } from "node:worker_threads"
import { GUEST_VARIABLE, type GuestConfig } from "../../guest-config.ts"
import type { ThreadUse, WorkerTask } from "./worker-task.ts"

export function run(task: WorkerTask): Promise<never> {
  letGo()
  if (task.tellUseMs !== null) setInterval(tellUse, task.tellUseMs, task.id).unref()
  process.argv[1] = task.entry
  // The thread's own copy.
  process.env[GUEST_VARIABLE] = JSON.stringify({ ...task.guest, instance: task.id } satisfies GuestConfig)
  createRequire(__filename)(task.guestFile)
  // Outside of the task: what the entry throws is an uncaught exception, as in a process.
  process.nextTick(() => (nodeModule as unknown as { runMain(file: string): void }).runMain(task.entry))
  return new Promise(() => undefined)
}

function tellUse(id: string): void {
  const { total_heap_size: heap, external_memory: external } = getHeapStatistics()
  parentPort?.postMessage({ polyhost: "use", id, bytes: heap + external } satisfies ThreadUse)
}

/** Piscina's ports would keep the thread alive: it lives as long as its app and its channel do, like a process. */
function letGo(): void {
  parentPort?.unref()
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles?: () => unknown[] }
  for (const handle of handles?.call(process) ?? []) if (handle instanceof MessagePort) handle.unref()
}
