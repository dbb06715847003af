/**
 * Watches the memory of a cell of threads. A thread's heap has a limit of its own, but its buffers have none: when all of the cell's
 * process is far over what its instances may use together, the one that uses the most is to blame, where that can be told.
 */
import type { CellServices } from "../../cell/inside/run-cell.ts"
import type { ThreadMember } from "./thread-member.ts"

const EVERY_MS = 250
/** What the engine itself needs for each thread, and how much more than their limits instances may use together. */
const ENGINE_BYTES = 24 * 1024 * 1024
const FACTOR = 2
/** How long a thread may take to say what it uses. */
const ANSWER_MS = 300
/** Far beyond: no time for anything polite. */
const HARD_FACTOR = 2

export function watchMemory(members: ReadonlySet<ThreadMember>, services: CellServices): void {
  const baseBytes = process.memoryUsage.rss()
  let asking = false
  const timer = setInterval(() => {
    const allowed = allowedBytes(members)
    if (allowed === null || asking) return
    const used = process.memoryUsage.rss()
    if (used <= baseBytes + allowed) return
    asking = true
    biggest(members).then((culprit) => {
      const text = `its cell uses ${mb(used)} MB of memory, its ${members.size === 1 ? "limit" : "limits"} allow ${mb(allowed)} MB with all that the engine needs`
      if (culprit !== null) culprit.report.poisoned(text, "APP_OOM")
      else services.poisoned(text, "APP_OOM")
    })
    if (used > baseBytes + allowed * HARD_FACTOR) process.kill(process.pid, "SIGKILL")
  }, EVERY_MS)
  timer.unref()
}

/** Null: one of them has no limit. */
function allowedBytes(members: ReadonlySet<ThreadMember>): number | null {
  if (members.size === 0) return null
  let sum = 0
  for (const { order } of members) {
    if (order.memoryBytes === null) return null
    sum += order.memoryBytes * FACTOR + ENGINE_BYTES
  }
  return sum
}

async function biggest(members: ReadonlySet<ThreadMember>): Promise<ThreadMember | null> {
  const [only, another] = members
  if (only !== undefined && another === undefined) return only
  const uses = await Promise.all(
    [...members].map(async (member) => ({ member, bytes: await bytesOf(member) })),
  )
  const over = uses.filter(
    ({ member, bytes }) => bytes > (member.order.memoryBytes ?? Number.POSITIVE_INFINITY),
  )
  return over.sort((a, b) => b.bytes - a.bytes)[0]?.member ?? null
}

/**
 * Heap and buffers of a thread; what it said last where it cannot be asked (Node before 22.16). Answered by an interrupt, also when it spins: only one
 * that does nothing any more but to collect its garbage does not, and so gives itself away.
 */
async function bytesOf({ worker, toldBytes }: ThreadMember): Promise<number> {
  const { getHeapStatistics } = (worker ?? {}) as {
    getHeapStatistics?: () => Promise<{ total_heap_size: number; external_memory: number }>
  }
  if (worker === null || getHeapStatistics === undefined) return toldBytes
  const late = new Promise<null>((resolve) => setTimeout(resolve, ANSWER_MS, null))
  const statistics = await Promise.race([getHeapStatistics.call(worker).catch(() => null), late])
  return statistics === null ? Number.MAX_VALUE : statistics.total_heap_size + statistics.external_memory
}

function mb(bytes: number): number {
  return Math.round(bytes / 1024 / 1024)
}
