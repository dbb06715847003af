/** The program of the store's worker thread: one batch of tasks in, their answers out. Counterpart: `store.ts`. */
import { parentPort, workerData } from "node:worker_threads"
import { StoreOutcome } from "../../protocol/calls/call-frames.ts"
import { messageOf } from "../../protocol/errors.ts"
import { StoreDatabase } from "./store-database.ts"
import type {
  FromStoreWorker,
  StoreAnswer,
  StoreTask,
  StoreWorkerData,
  ToStoreWorker,
} from "./store-messages.ts"

/** How often expired entries are looked for, in milliseconds. */
const SWEEP_MS = 60_000

const port = parentPort
if (port !== null) serve(port, workerData as StoreWorkerData)

function serve(to: NonNullable<typeof parentPort>, data: StoreWorkerData): void {
  const opening = open(data, (message) => to.postMessage(message))
  const sweeper = setInterval(
    () => void opening.then((it) => it.database !== null && sweepAll(it.database)),
    SWEEP_MS,
  )
  to.on("message", (message: ToStoreWorker) => {
    void opening.then(({ database, problem }) => {
      if (message === null) {
        clearInterval(sweeper)
        database?.close()
        to.close()
        return
      }
      const answers = database === null ? refuse(message, problem) : database.run(message)
      to.postMessage({ kind: "answers", answers } satisfies FromStoreWorker)
    })
  })
}

interface Opened {
  readonly database: StoreDatabase | null
  readonly problem: string
}

async function open(
  { path, quota }: StoreWorkerData,
  tell: (message: FromStoreWorker) => void,
): Promise<Opened> {
  try {
    const { DatabaseSync } = await import("node:sqlite")
    const damaged = (aside: string, reason: string): void => tell({ kind: "damaged", path: aside, reason })
    return { database: new StoreDatabase(DatabaseSync, { path, quota, now: Date.now, damaged }), problem: "" }
  } catch (error) {
    const problem = `the store needs node:sqlite, which the host's Node ${process.versions.node} does not have (use 22.13 or later): ${messageOf(error)}`
    return { database: null, problem }
  }
}

function sweepAll(database: StoreDatabase): void {
  if (database.sweep()) setImmediate(sweepAll, database)
}

function refuse(tasks: readonly StoreTask[], message: string): StoreAnswer[] {
  const bytes = Buffer.from(JSON.stringify({ code: "STORE_UNSUPPORTED", message }))
  return tasks.map(({ id }) => ({ id, outcome: StoreOutcome.error, bytes }))
}
