/**
 * Watches the memory of a cell of threads. A thread's heap has a limit of its own, but its buffers have none: a thread that holds far more
 * than it may is ended, however much room the others leave; and when all of the cell's process is far over what its instances may use
 * together, the cell is replaced, and the one that uses the most is to blame, where that can be told.
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
  const single = watchEach(members, baseBytes)
  let asking = false
  const timer = setInterval(() => {
    if (asking) return
    const used = process.memoryUsage.rss()
    const allowed = allowedBytes(members)
    if (allowed === null || used <= baseBytes + allowed) return single(used)
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

/** Ends threads that are over by themselves. They are asked only when one may be: when the process has grown by as much as one's limit. */
function watchEach(members: ReadonlySet<ThreadMember>, baseBytes: number): (used: number) => void {
  let askedAt = baseBytes
  let asking = false
  /** Who was over when last asked. Once is not enough: it may be garbage. */
  let over = new Set<ThreadMember>()
  return (used) => {
    askedAt = Math.min(askedAt, used)
    const limited = [...members].filter(({ order }) => order.memoryBytes !== null)
    const least = Math.min(...limited.map((it) => it.order.memoryBytes ?? 0))
    if (asking || (over.size === 0 && used <= askedAt + least)) return
    asking = true
    Promise.all(limited.map(async (member) => ({ member, bytes: await bytesOf(member) }))).then((uses) => {
      asking = false
      askedAt = used
      const before = over
      over = new Set()
      for (const { member, bytes } of uses) {
        const limit = member.order.memoryBytes ?? 0
        if (bytes === null || bytes <= limit * FACTOR + ENGINE_BYTES) continue
        if (!before.has(member)) over.add(member)
        else member.end(`it uses ${mb(bytes)} MB of memory ("limits.memory" is ${mb(limit)} MB)`, "APP_OOM")
      }
    })
  }
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
    // One that does nothing any more but to collect its garbage does not answer, and so gives itself away.
    [...members].map(async (member) => ({ member, bytes: (await bytesOf(member)) ?? Number.MAX_VALUE })),
  )
  const over = uses.filter(
    ({ member, bytes }) => bytes > (member.order.memoryBytes ?? Number.POSITIVE_INFINITY),
  )
  return over.sort((a, b) => b.bytes - a.bytes)[0]?.member ?? null
}

/**
 * Heap and buffers of a thread; what it said last where it cannot be asked (Node before 22.16). Answered by an interrupt, also when it
 * spins. Null: no answer, from one that is in native code.
 */
async function bytesOf({ worker, toldBytes }: ThreadMember): Promise<number | null> {
  const { getHeapStatistics } = (worker ?? {}) as {
    getHeapStatistics?: () => Promise<{ total_heap_size: number; external_memory: number }>
  }
  if (worker === null || getHeapStatistics === undefined) return toldBytes
  const late = new Promise<null>((resolve) => setTimeout(resolve, ANSWER_MS, null))
  const statistics = await Promise.race([getHeapStatistics.call(worker).catch(() => null), late])
  return statistics === null ? null : statistics.total_heap_size + statistics.external_memory
}

function mb(bytes: number): number {
  return Math.round(bytes / 1024 / 1024)
}
