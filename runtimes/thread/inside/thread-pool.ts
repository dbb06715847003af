/**
 * A Piscina pool for one app and generation: a thread for each task, none to spare. Owns which thread runs which instance, which
 * Piscina does not tell.
 */

import type { Worker } from "node:worker_threads"
import { Piscina, queueOptionsSymbol } from "piscina"
import type { StartOrder } from "../../cell/cell-messages.ts"
import type { EarlyOutput, ThreadUse, WorkerTask } from "./worker-task.ts"

export interface ThreadEvents {
  /** The thread that runs the instance is known. */
  assigned(worker: Worker): void
  output(stream: "stdout" | "stderr", text: string): void
  /** Settles when its thread has ended. */
  readonly gone: Promise<void>
  /** Its heap and buffers. */
  used(bytes: number): void
}

export interface ThreadPool {
  /** Settles when the thread has ended, or been told to; rejects with why, and for arguments that no thread can have. */
  run(task: WorkerTask, events: ThreadEvents, signal: AbortSignal): Promise<void>
}

const MB = 1024 * 1024

export function threadPool(
  order: StartOrder,
  { file, emptied }: { file: string; emptied: () => void },
): ThreadPool {
  const running = new Map<string, ThreadEvents>()
  const pool: Piscina = new Piscina({
    filename: file,
    name: "run",
    minThreads: 0,
    maxThreads: 1,
    concurrentTasksPerWorker: 1,
    idleTimeout: 0,
    // Its other ways stop the loop of a thread between tasks.
    atomics: "disabled",
    recordTiming: false,
    closeTimeout: 0,
    env: order.env,
    argv: [...order.args],
    ...(order.runtimeArgs.length === 0 ? {} : { execArgv: [...order.runtimeArgs] }),
    ...(order.memoryBytes === null
      ? {}
      : { resourceLimits: { maxOldGenerationSizeMb: Math.max(8, Math.floor(order.memoryBytes / MB)) } }),
    loadBalancer(task, workers) {
      const free = workers.find((it) => it.currentUsage === 0)
      if (free === undefined) return null
      const { id } = (task as unknown as Record<symbol, { id: string }>)[queueOptionsSymbol] ?? { id: "" }
      const worker = pool.threads.find((it) => it.threadId === free.id)
      if (worker !== undefined) running.get(id)?.assigned(worker)
      return free
    },
  })
  // A thread's app may post what it likes to its parent.
  pool.on("error", () => undefined)
  pool.on("message", (message: unknown) => {
    const { polyhost, id, stream, text, bytes } = (message ?? {}) as Partial<EarlyOutput & ThreadUse>
    const events = typeof id === "string" ? running.get(id) : undefined
    if (events === undefined) return
    if (polyhost === "use" && typeof bytes === "number") events.used(bytes)
    else if (polyhost === "output" && typeof text === "string")
      events.output(stream === "stderr" ? "stderr" : "stdout", text)
  })

  function forget(id: string): void {
    running.delete(id)
    if (running.size > 0) return
    emptied()
    pool.destroy().catch(() => undefined)
  }

  return {
    async run(task, events, signal) {
      running.set(task.id, events)
      // Never more than there are tasks: for one that waits Piscina starts as many as it may.
      ;(pool.options as { maxThreads: number }).maxThreads = running.size
      try {
        const named = Object.defineProperty({ ...task }, queueOptionsSymbol, { value: { id: task.id } })
        await pool.run(named, { signal })
      } finally {
        // What it printed last may come after the error that ended it, and before the thread's end.
        events.gone.then(() => forget(task.id))
      }
    },
  }
}
