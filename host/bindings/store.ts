/**
 * Store: the host's end of the key-value store. Starts its worker thread when it is first used, sends it what was asked in
 * one turn of the loop together, bounds what waits, and starts another when it dies. Counterpart: `store-worker.ts`.
 */
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { StoreOutcome } from "../../protocol/calls/call-frames.ts"
import type { StoreRequest } from "../../protocol/calls/read-call.ts"
import { messageOf } from "../../protocol/errors.ts"
import type { Logger } from "../log/logger.ts"
import { StoreFault } from "./store-fault.ts"
import type {
  FromStoreWorker,
  StoreAnswer,
  StoreQuota,
  StoreTask,
  StoreWorkerData,
} from "./store-messages.ts"

/** What one namespace may hold. */
export const STORE_QUOTA: StoreQuota = { bytes: 64 * 1024 * 1024, keys: 100_000 }

/** What may wait for the store in one namespace. */
const MOST_WAITING = 1024
const MOST_WAITING_BYTES = 16 * 1024 * 1024

export interface StoreOptions {
  /** Folder of the host's state; the file is `store.sqlite` in it. */
  readonly stateDir: string
  readonly log: Logger
  readonly quota?: StoreQuota
  /** How threads are started; default: as usual. */
  readonly startWorker?: (...parameters: ConstructorParameters<typeof Worker>) => Worker
}

interface Waiting {
  readonly task: StoreTask
  readonly request: StoreRequest
  /** A worker died over it. */
  repeated: boolean
}

interface Load {
  count: number
  bytes: number
}

export class Store {
  readonly #options: StoreOptions
  readonly #waiting = new Map<number, Waiting>()
  readonly #loads = new Map<string, Load>()
  #batch: StoreTask[] = []
  #worker: Worker | null = null
  #lastId = 0
  #closing: Promise<void> | null = null

  constructor(options: StoreOptions) {
    this.#options = options
  }

  /** Answers the request, now or later; never throws. */
  ask(namespace: string, request: StoreRequest): void {
    const load = this.#loads.get(namespace) ?? { count: 0, bytes: 0 }
    if (this.#closing !== null) return refuse(request, new StoreFault("STORE_UNAVAILABLE", "the host stops"))
    if (load.count >= MOST_WAITING || load.bytes + request.value.length > MOST_WAITING_BYTES) {
      const reason = `store "${namespace}" is busy: ${load.count} requests wait for it`
      return refuse(request, new StoreFault("STORE_BUSY", reason))
    }
    this.#loads.set(namespace, load)
    load.count++
    load.bytes += request.value.length
    // Copies (a Buffer's slice is none): the views lie in the bytes of a whole read, which a message would take along.
    const { op, number } = request
    const task = {
      id: ++this.#lastId,
      op,
      namespace,
      key: new Uint8Array(request.key),
      value: new Uint8Array(request.value),
      number,
    }
    this.#waiting.set(task.id, { task, request, repeated: false })
    this.#send(task)
  }

  /** Ends the worker when it has done what waits. Callers share one promise. */
  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  #send(task: StoreTask): void {
    if (this.#batch.push(task) > 1) return
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    if (this.#batch.length === 0) return
    try {
      this.#worker ??= this.#start()
      this.#worker.postMessage(this.#batch.splice(0))
    } catch (error) {
      this.#batch = []
      this.#failAll(`the store's thread does not start: ${messageOf(error)}`)
    }
  }

  #start(): Worker {
    const data: StoreWorkerData = {
      path: join(this.#options.stateDir, "store.sqlite"),
      quota: this.#options.quota ?? STORE_QUOTA,
    }
    const { startWorker = (file, options) => new Worker(file, options) } = this.#options
    const worker = startWorker(workerFile(), {
      name: "polyhost-store",
      workerData: data,
      env: {},
      // Node 22 and 24 say on stderr that SQLite is experimental.
      execArgv: ["--disable-warning=ExperimentalWarning"],
    })
    worker.unref()
    let why = "it ended"
    worker.on("message", (message: FromStoreWorker) => this.#received(message))
    worker.on("error", (error) => {
      why = messageOf(error)
    })
    worker.on("exit", () => {
      if (this.#worker === worker) this.#died(why)
    })
    return worker
  }

  #received(message: FromStoreWorker): void {
    if (message.kind === "damaged") {
      const { path, reason } = message
      this.#options.log.error(
        null,
        null,
        `the store's file is damaged (${reason}): it was moved to ${path}, and a new store begun`,
      )
      return
    }
    for (const answer of message.answers) this.#answer(answer)
  }

  #answer({ id, outcome, bytes }: StoreAnswer): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#forget(waiting)
    waiting.request.answer(outcome, bytes)
  }

  #forget({ task }: Waiting): void {
    this.#waiting.delete(task.id)
    const load = this.#loads.get(task.namespace)
    if (load === undefined) return
    load.count--
    load.bytes -= task.value.length
    if (load.count === 0) this.#loads.delete(task.namespace)
  }

  /** The worker ended unasked. Every operation may be done twice: what waits goes to the next worker, once. */
  #died(why: string): void {
    this.#worker = null
    if (this.#closing !== null) return this.#failAll("the host stops")
    this.#options.log.error(null, null, `the store's thread ended: ${why}`)
    const unsent = new Set(this.#batch.map(({ id }) => id))
    for (const waiting of [...this.#waiting.values()]) {
      if (unsent.has(waiting.task.id)) continue
      if (waiting.repeated) this.#fail(waiting, `the store's thread ended: ${why}`)
      else {
        waiting.repeated = true
        this.#send(waiting.task)
      }
    }
  }

  #failAll(reason: string): void {
    for (const waiting of [...this.#waiting.values()]) this.#fail(waiting, reason)
  }

  #fail(waiting: Waiting, reason: string): void {
    this.#forget(waiting)
    refuse(waiting.request, new StoreFault("STORE_UNAVAILABLE", reason))
  }

  async #end(): Promise<void> {
    this.#flush()
    const worker = this.#worker
    if (worker === null) return
    const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()))
    worker.ref()
    worker.postMessage(null)
    await exited
  }
}

export function refuse(request: StoreRequest, { code, message }: StoreFault): void {
  request.answer(StoreOutcome.error, Buffer.from(JSON.stringify({ code, message })))
}

/** Beside this file in the sources; in the built package below `dist`. */
function workerFile(): string {
  const here = fileURLToPath(import.meta.url)
  if (here.endsWith(".ts")) return join(dirname(here), "store-worker.ts")
  for (let dir = dirname(here); dir !== dirname(dir); dir = dirname(dir)) {
    const file = join(dir, "host", "bindings", "store-worker.js")
    if (existsSync(file)) return file
  }
  throw new Error("the store's program is not built")
}
