/**
 * The inspector of one worker thread, from the main thread of its process: works while the thread runs an endless loop or stands
 * at a breakpoint. Runs in the cell.
 */
import { type NodeWorker, Session } from "node:inspector"
import { messageOf } from "../../../protocol/errors.ts"
import type { CellInspector, CellInspectorSession } from "./cell-session.ts"

/** How long a thread may take to forget its debugger before it is left, in milliseconds. */
const FORGET_MS = 500

/**
 * Breakpoints of a session outlive it, and a thread would stop at them with nobody there: they are taken back first. Ids of a
 * debugger's own messages are small.
 */
const UNDO = ["Profiler.disable", "HeapProfiler.disable", "Runtime.disable", "Debugger.disable"]
const UNDO_ID = 2_000_000_000
const LAST_UNDO = `{"id":${UNDO_ID + UNDO.length - 1},`

/** Node's NodeWorker domain says `workerId` for what `worker_threads` calls the thread id. */
export function threadInspector(threadId: number): CellInspector {
  return { open: (emit) => new ThreadSession(threadId, emit) }
}

class ThreadSession implements CellInspectorSession {
  readonly #session = new Session()
  readonly #emit: (text: string) => void
  #sessionId: string | null = null
  /** Came before the thread was found: it is found at once, but by an event. */
  #early: string[] = []
  #closing = false

  constructor(threadId: number, emit: (text: string) => void) {
    this.#emit = emit
    this.#session.connect()
    this.#session.on("NodeWorker.attachedToWorker", ({ params }) => {
      if (!isThread(params, threadId)) return
      this.#sessionId = params.sessionId
      for (const message of this.#early.splice(0)) this.dispatch(message)
    })
    this.#session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId !== this.#sessionId) return
      if (!this.#closing) this.#emit(params.message)
      else if (params.message.startsWith(LAST_UNDO)) this.#leave()
    })
    this.#session.post("NodeWorker.enable", { waitForDebuggerOnStart: false })
  }

  dispatch(message: string): void {
    const sessionId = this.#sessionId
    if (sessionId === null) {
      this.#early.push(message)
      return
    }
    this.#session.post("NodeWorker.sendMessageToWorker", { sessionId, message }, (error) => {
      const id = error === null ? undefined : idOf(message)
      if (id === undefined || this.#closing) return
      this.#emit(JSON.stringify({ id, error: { code: -32000, message: messageOf(error) } }))
    })
  }

  close(): void {
    if (this.#closing) return
    this.#closing = true
    for (const [index, method] of UNDO.entries()) {
      this.dispatch(JSON.stringify({ id: UNDO_ID + index, method }))
    }
    setTimeout(() => this.#leave(), FORGET_MS).unref()
  }

  #leave(): void {
    const sessionId = this.#sessionId
    this.#sessionId = null
    if (sessionId !== null) this.#session.post("NodeWorker.detach", { sessionId }, () => undefined)
    this.#session.disconnect()
  }
}

function isThread({ workerInfo }: NodeWorker.AttachedToWorkerEventDataType, threadId: number): boolean {
  return workerInfo.workerId === String(threadId)
}

function idOf(message: string): number | undefined {
  const id = /"id"\s*:\s*(\d{1,15})/.exec(message)?.[1]
  return id === undefined ? undefined : Number(id)
}
