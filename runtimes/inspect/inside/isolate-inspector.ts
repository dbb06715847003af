/**
 * The inspector of one isolate. Runs in the cell. Its session is made with the isolate and lives as long: isolated-vm makes
 * one without locking the isolate, which V8 since 14 answers by ending the process, so it must be made while the isolate
 * is locked by this very thread; that is possible before the app's code runs, and would block later.
 */
import type { Callback, Context, InspectorSession, Isolate } from "isolated-vm"
import type { CellInspector, CellInspectorSession } from "./cell-session.ts"

/** What is needed of isolated-vm, which is loaded by who has it. */
export interface IsolateModule {
  readonly Callback: new (run: () => void, options: { sync: true }) => Callback
}

export interface IsolateInspector extends CellInspector {
  /** Somebody debugs: what the isolate does counts for no limit. */
  readonly isOpen: boolean
}

/** isolated-vm's messages do not wake the event loop by themselves: this often it is woken while somebody debugs, in milliseconds. */
const WAKE_MS = 10
/** Ids of a debugger's own messages are small. */
const OWN_ID = 2_000_000_000
const CONTEXTS_KNOWN = OWN_ID + 100
/** Without its debugger an isolate that stands at a breakpoint runs on. */
const UNDO = ["Profiler.disable", "HeapProfiler.disable", "Runtime.disable", "Debugger.disable"]
const CREATED = '{"method":"Runtime.executionContextCreated"'
const DESTROYED = '{"method":"Runtime.executionContextDestroyed"'

/**
 * Call right after the isolate's first context was created, and before code of an app runs; both with `inspector: true`,
 * later contexts too. Costs some 30 KiB and no speed.
 */
export function isolateInspector(ivm: IsolateModule, isolate: Isolate, context: Context): IsolateInspector {
  const session = sessionOf(ivm, isolate, context)
  let open: IsolateSession | null = null
  session.onResponse = (id, text) => open?.answered(id, text)
  session.onNotification = (text) => open?.told(text)
  return {
    get isOpen() {
      return open !== null
    },
    open(emit) {
      if (open !== null) throw new Error("another session is open")
      const mine = new IsolateSession(session, emit, () => {
        open = null
      })
      open = mine
      mine.begin()
      return mine
    },
  }
}

function sessionOf(ivm: IsolateModule, isolate: Isolate, context: Context): InspectorSession {
  const made: InspectorSession[] = []
  const make = new ivm.Callback(() => void made.push(isolate.createInspectorSession()), { sync: true })
  context.evalClosureSync("$0()", [make])
  const [session] = made
  if (session === undefined) throw new Error("isolated-vm made no inspector session")
  return session
}

/** One debugger's use of the isolate's session. */
class IsolateSession implements CellInspectorSession {
  readonly #session: InspectorSession
  readonly #emit: (text: string) => void
  readonly #ended: () => void
  readonly #waker: NodeJS.Timeout
  /** Ids of the contexts, oldest first. */
  readonly #contexts = new Set<number>()
  /** What the debugger said before the contexts were known; null since then. */
  #early: string[] | null = []
  #closed = false

  constructor(session: InspectorSession, emit: (text: string) => void, ended: () => void) {
    this.#session = session
    this.#emit = emit
    this.#ended = ended
    this.#waker = setInterval(() => undefined, WAKE_MS)
  }

  /** An isolate has no context that code is evaluated in unless it is named: the app's is to be it, as in a process. */
  begin(): void {
    this.#tell("Runtime.enable", CONTEXTS_KNOWN)
    this.#tell("Runtime.disable", CONTEXTS_KNOWN + 1)
  }

  dispatch(text: string): void {
    if (this.#early !== null) this.#early.push(text)
    else this.#dispatch(this.#inContext(text))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    // The session outlives the debugger: nothing of it may stay behind.
    for (const [index, method] of UNDO.entries()) this.#tell(method, OWN_ID + index)
    clearInterval(this.#waker)
    this.#ended()
  }

  answered(id: number, text: string): void {
    if (id < OWN_ID) return this.#emit(text)
    if (id !== CONTEXTS_KNOWN + 1) return
    const early = this.#early ?? []
    this.#early = null
    for (const message of early) this.dispatch(message)
  }

  told(text: string): void {
    if (text.startsWith(CREATED)) this.#contexts.add(contextIdIn(text))
    else if (text.startsWith(DESTROYED)) this.#contexts.delete(contextIdIn(text))
    if (this.#early === null) this.#emit(text)
  }

  #inContext(text: string): string {
    const contextId = [...this.#contexts].at(-1)
    if (contextId === undefined || !text.includes('"Runtime.')) return text
    try {
      const message = JSON.parse(text) as { method?: unknown; params?: Record<string, unknown> }
      const { method, params = {} } = message
      if (method !== "Runtime.evaluate" && method !== "Runtime.globalLexicalScopeNames") return text
      const name = method === "Runtime.evaluate" ? "contextId" : "executionContextId"
      if (params[name] !== undefined || params["uniqueContextId"] !== undefined) return text
      return JSON.stringify({ ...message, params: { ...params, [name]: contextId } })
    } catch {
      return text
    }
  }

  #tell(method: string, id: number): void {
    this.#dispatch(JSON.stringify({ id, method }))
  }

  #dispatch(text: string): void {
    try {
      this.#session.dispatchProtocolMessage(text)
    } catch {
      // The isolate is gone; the end of the instance ends the session too.
    }
  }
}

function contextIdIn(text: string): number {
  const { params } = JSON.parse(text) as {
    params: { context?: { id: number }; executionContextId?: number }
  }
  return params.context?.id ?? params.executionContextId ?? 0
}
