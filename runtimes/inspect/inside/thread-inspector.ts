/**
 * The inspector of one worker thread, from the main thread of its process: works while the thread runs an endless loop or stands
 * at a breakpoint. Runs in the cell.
 */
import { type NodeWorker, Session } from "node:inspector"
import { messageOf } from "../../../protocol/errors.ts"
import type { CellInspector, CellInspectorSession } from "./cell-session.ts"

/** How long a thread may take to forget its debugger before it is left, in milliseconds. */
const FORGET_MS = 500
/** How long it may take to be found. */
const FIND_MS = 2000

/**
 * Breakpoints of a session outlive it, and a thread would stop at them with nobody there: they are taken back first. Ids of a
 * debugger's own messages are small.
 */
const UNDO = ["Profiler.disable", "HeapProfiler.disable", "Runtime.disable", "Debugger.disable"]
const UNDO_ID = 2_000_000_000
const LAST_UNDO = `{"id":${UNDO_ID + UNDO.length - 1},`

export function threadInspector(threadId: number): CellInspector {
  return { open: (emit) => new ThreadSession(threadId, emit) }
}

class ThreadSession implements CellInspectorSession {
  readonly #session = new Session()
  readonly #late: NodeJS.Timeout
  readonly #emit: (text: string) => void
  #sessionId: string | null = null
  /** Came before the thread was found: it is found at once, but by an event. Null: it was not. */
  #early: string[] | null = []
  #closing = false

  constructor(threadId: number, emit: (text: string) => void) {
    this.#emit = emit
    this.#session.connect()
    this.#session.on("NodeWorker.attachedToWorker", ({ params }) => {
      const { sessionId } = params
      // It attaches to each thread of the process, also to those that start later.
      if (this.#sessionId !== null || !isThread(params, threadId)) {
        this.#session.post("NodeWorker.detach", { sessionId }, () => undefined)
        return
      }
      clearTimeout(this.#late)
      this.#sessionId = sessionId
      for (const message of this.#early?.splice(0) ?? []) this.dispatch(message)
    })
    this.#session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
      if (params.sessionId !== this.#sessionId) return
      if (!this.#closing) this.#emit(params.message)
      else if (params.message.startsWith(LAST_UNDO)) this.#leave()
    })
    this.#late = setTimeout(() => {
      const early = this.#early ?? []
      this.#early = null
      for (const message of early) this.dispatch(message)
    }, FIND_MS)
    this.#session.post("NodeWorker.enable", { waitForDebuggerOnStart: false })
  }

  dispatch(message: string): void {
    const sessionId = this.#sessionId
    if (sessionId === null) {
      if (this.#early === null) this.#fail(message, "its thread was not found")
      else this.#early.push(message)
      return
    }
    this.#session.post("NodeWorker.sendMessageToWorker", { sessionId, message }, (error) => {
      if (error !== null) this.#fail(message, messageOf(error))
    })
  }

  #fail(message: string, why: string): void {
    const id = idOf(message)
    if (id === undefined || this.#closing) return
    this.#emit(JSON.stringify({ id, error: { code: -32000, message: why } }))
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
    clearTimeout(this.#late)
    const sessionId = this.#sessionId
    this.#sessionId = null
    if (sessionId !== null) this.#session.post("NodeWorker.detach", { sessionId }, () => undefined)
    this.#session.disconnect()
  }
}

/** Node's NodeWorker domain counts afresh in each session (`workerId`); what names a thread is how its title, made by Node, begins. */
function isThread({ workerInfo }: NodeWorker.AttachedToWorkerEventDataType, threadId: number): boolean {
  return workerInfo.title.startsWith(`[worker ${threadId}]`)
}

function idOf(message: string): number | undefined {
  const id = /"id"\s*:\s*(\d{1,15})/.exec(message)?.[1]
  return id === undefined ? undefined : Number(id)
}
