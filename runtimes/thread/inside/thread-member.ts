/** One instance that is a worker thread: its start, its end, and what is said of both. */
import { inspect } from "node:util"
import { Worker } from "node:worker_threads"
import type { ClientErrorCode } from "../../../protocol/errors.ts"
import { type InstanceEnd, KILL_MS, type StartOrder } from "../../cell/cell-messages.ts"
import type { CellMember, InstanceReport } from "../../cell/inside/run-cell.ts"
import type { CellInspector } from "../../inspect/inside/cell-session.ts"
import { threadInspector } from "../../inspect/inside/thread-inspector.ts"
import type { ThreadPool } from "./thread-pool.ts"

const TELL_USE_MS = 250

export interface ThreadMemberParts {
  readonly order: StartOrder
  readonly report: InstanceReport
  readonly pool: ThreadPool
  readonly guestFile: string
  readonly gone: () => void
}

export class ThreadMember implements CellMember {
  readonly order: StartOrder
  readonly report: InstanceReport
  /** Known from when the thread is up. */
  worker: Worker | null = null
  /** What it said last that its heap and buffers take, where the cell cannot ask for it. */
  toldBytes = 0
  readonly #parts: ThreadMemberParts
  readonly #abort = new AbortController()
  #exitCode: number | null = null
  /** Settles when no code of the instance runs any more. */
  readonly #gone: Promise<void>
  #resolveGone!: () => void

  constructor(parts: ThreadMemberParts) {
    this.#parts = parts
    this.order = parts.order
    this.report = parts.report
    this.#gone = new Promise((resolve) => {
      this.#resolveGone = resolve
    })
    this.#gone.then(parts.gone)
  }

  start(): void {
    const { order, pool, guestFile, report } = this.#parts
    const { id, guest, entry } = order
    const canAsk = "getHeapStatistics" in Worker.prototype
    const task = {
      id,
      guestFile,
      guest: { ...guest, runtime: "node" as const },
      entry,
      tellUseMs: canAsk || order.memoryBytes === null ? null : TELL_USE_MS,
    }
    const events = {
      assigned: (worker: Worker) => this.#assigned(worker),
      used: (bytes: number) => {
        this.toldBytes = bytes
      },
      output: (stream: "stdout" | "stderr", text: string) => report.output(stream, text),
      gone: this.#gone,
    }
    pool.run(task, events, this.#abort.signal).then(
      () => this.#ended(null),
      (error: unknown) => this.#ended(error),
    )
  }

  /** Ends it for a fault of its own; its neighbours go on, unless its thread does not end. */
  end(reason: string, code: ClientErrorCode): void {
    if (this.#abort.signal.aborted) return
    const late = setTimeout(() => this.report.poisoned(`${reason}; its thread does not end`, code), KILL_MS)
    this.kill(reason).then(() => {
      clearTimeout(late)
      this.report.ended({ reason, code, exitCode: this.#exitCode })
    })
  }

  kill(_reason: string): Promise<void> {
    this.#abort.abort()
    if (this.worker === null) this.#resolveGone()
    return this.#gone
  }

  inspector(): CellInspector | null {
    return this.worker === null ? null : threadInspector(this.worker.threadId)
  }

  #assigned(worker: Worker): void {
    this.worker = worker
    this.report.thread(worker.threadId)
    worker.once("exit", (code) => {
      this.#exitCode = code
      this.#resolveGone()
    })
  }

  #ended(error: unknown): void {
    if (this.#abort.signal.aborted) return
    const end = (): void => this.report.ended(this.#describe(error))
    if (this.worker === null) {
      this.#resolveGone()
      end()
      return
    }
    // It has thrown, and is told to end: that may take for ever.
    const late = setTimeout(() => {
      const { reason, code } = this.#describe(error)
      this.report.poisoned(`${reason}; its thread does not end`, code)
    }, KILL_MS)
    this.#gone.then(() => {
      clearTimeout(late)
      end()
    })
  }

  #describe(error: unknown): InstanceEnd {
    const exitCode = this.#exitCode
    const { code } = (error ?? {}) as { code?: unknown }
    if (code === "ERR_WORKER_OUT_OF_MEMORY") {
      const limit = this.order.memoryBytes
      const mb = limit === null ? "" : ` ("limits.memory" is ${Math.round(limit / 1024 / 1024)} MB)`
      return { reason: `its heap grew over its limit${mb}`, code: "APP_OOM", exitCode }
    }
    if (error === null || isExit(error))
      return { reason: `exit code ${exitCode ?? 0}`, code: "APP_CRASHED", exitCode }
    if (code === "ERR_WORKER_INVALID_EXEC_ARGV") {
      const args = JSON.stringify(this.order.runtimeArgs)
      const reason = `"runtime.args" ${args} has arguments that only a process can have: leave them out, or use runtime "node"`
      return { reason, code: "APP_CRASHED", exitCode }
    }
    const text = error instanceof Error && error.stack !== undefined ? error.stack : inspect(error)
    this.report.output("stderr", `Uncaught ${error instanceof Error ? "" : "exception: "}${text}\n`)
    return { reason: `uncaught exception, exit code ${exitCode ?? 1}`, code: "APP_CRASHED", exitCode }
  }
}

/** How Piscina says that the thread ended by itself. */
function isExit(error: unknown): boolean {
  return error instanceof Error && /^worker exited with code: /.test(error.message)
}
