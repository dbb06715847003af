/** A store with its real thread, asked as a connection asks it. */
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import { Store } from "../../host/bindings/store.ts"
import { createFunctionWriter } from "../../host/log/log-writer.ts"
import { createLogger } from "../../host/log/logger.ts"
import type { StoreOpName } from "../../protocol/calls/call-frames.ts"

export class StoreRig {
  readonly store: Store
  readonly workers: Worker[] = []
  log = ""

  constructor(stateDir: string) {
    const log = createLogger(
      createFunctionWriter((text) => {
        this.log += text
      }),
      "json",
    )
    const startWorker = (...parameters: ConstructorParameters<typeof Worker>): Worker => {
      const worker = new Worker(...parameters)
      this.workers.push(worker)
      return worker
    }
    this.store = new Store({ stateDir, log, startWorker })
  }

  ask(op: StoreOpName, key: string, value = "", namespace = "app"): Promise<string> {
    return new Promise((resolve) => {
      this.store.ask(namespace, {
        op,
        binding: "STORE",
        key: Buffer.from(key),
        value: Buffer.from(value),
        number: 0,
        answer: (outcome, bytes) => {
          const text = Buffer.from(bytes).toString()
          if (outcome === 2) resolve((JSON.parse(text) as { code: string }).code)
          else resolve(outcome === 1 ? "absent" : `ok ${text}`.trim())
        },
      })
    })
  }

  /** Ends the thread at once, in the middle of what it does. */
  async killWorker(): Promise<void> {
    const worker = this.workers.at(-1)
    if (worker === undefined) throw new Error("no thread was started")
    const exited = once(worker, "exit")
    worker.terminate()
    await exited
  }
}
