/**
 * The cell program of threads: a Piscina pool for each app and generation, and in it one task, on a thread of its own, for each
 * instance. Owns no channel: each thread has its own to the host. Counterpart in the thread: `worker.ts`.
 */
import { fileURLToPath } from "node:url"
import type { StartOrder } from "../../cell/cell-messages.ts"
import type { CellMember, CellProgram, CellServices, InstanceReport } from "../../cell/inside/run-cell.ts"
import { watchMemory } from "./memory-watch.ts"
import { ThreadMember } from "./thread-member.ts"
import { type ThreadPool, threadPool } from "./thread-pool.ts"

export function createThreads(services: CellServices): CellProgram {
  const pools = new Map<string, ThreadPool>()
  const members = new Set<ThreadMember>()
  watchMemory(members, services)

  function poolFor(order: StartOrder): ThreadPool {
    const key = JSON.stringify([
      order.app,
      order.generation,
      order.env,
      order.args,
      order.runtimeArgs,
      order.memoryBytes,
    ])
    let pool = pools.get(key)
    if (pool === undefined) {
      pool = threadPool(order, { file: workerFile(), emptied: () => pools.delete(key) })
      pools.set(key, pool)
    }
    return pool
  }

  return {
    start(order: StartOrder, report: InstanceReport): CellMember {
      const member = new ThreadMember({
        order,
        report,
        pool: poolFor(order),
        guestFile: services.config.guestFile,
        gone: () => members.delete(member),
      })
      members.add(member)
      member.start()
      if (order.dir !== process.cwd())
        report.output(
          "stderr",
          `polyhost: this thread shares its cell with other apps, so its working directory is ${process.cwd()}, not ${order.dir}; use a cell of its own where that matters\n`,
        )
      return member
    },
  }
}

/** Beside the cell program. */
function workerFile(): string {
  return fileURLToPath(new URL("thread-worker.cjs", import.meta.url))
}
