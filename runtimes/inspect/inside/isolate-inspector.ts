/**
 * The inspector of one isolate. Runs in the cell. Its session is made with the isolate and lives as long: isolated-vm makes
 * one without locking the isolate, which V8 since 14 answers by ending the process, so it must be made while the isolate
 * is locked by this very thread; that is possible before the app's code runs, and would block later.
 */
import type { Callback, Context, Isolate } from "isolated-vm"
import type { CellInspector } from "./cell-session.ts"

/** What is needed of isolated-vm, which is loaded by who has it. */
export interface IsolateModule {
  readonly Callback: new (run: () => void, options: { sync: true }) => Callback
}

/** isolated-vm's messages do not wake the event loop by themselves: this often it is woken while somebody debugs, in milliseconds. */
const WAKE_MS = 10

/**
 * Call right after the isolate's first context was created, and before code of an app runs; both with `inspector: true`,
 * later contexts too. Costs some 30 KiB and no speed.
 */
export function isolateInspector(ivm: IsolateModule, isolate: Isolate, context: Context): CellInspector {
  const session = sessionOf(ivm, isolate, context)
  let emit: ((text: string) => void) | null = null
  session.onResponse = (_id, text) => emit?.(text)
  session.onNotification = (text) => emit?.(text)

  function dispatch(text: string): void {
    try {
      session.dispatchProtocolMessage(text)
    } catch {
      // The isolate is gone; the end of the instance ends the session too.
    }
  }

  return {
    open(listener) {
      if (emit !== null) throw new Error("another session is open")
      emit = listener
      const waker = setInterval(() => undefined, WAKE_MS)
      return {
        dispatch,
        close() {
          clearInterval(waker)
          emit = null
          // The session outlives the debugger: nothing of it may stay behind.
          for (const [index, method] of UNDO.entries())
            dispatch(JSON.stringify({ id: 2_000_000_000 + index, method }))
        },
      }
    },
  }
}

/** Without its debugger an isolate that stands at a breakpoint runs on. */
const UNDO = [
  "Profiler.disable",
  "HeapProfiler.disable",
  "Runtime.disable",
  "Debugger.disable",
  "Debugger.resume",
]

function sessionOf(ivm: IsolateModule, isolate: Isolate, context: Context) {
  const made: ReturnType<Isolate["createInspectorSession"]>[] = []
  const make = new ivm.Callback(() => void made.push(isolate.createInspectorSession()), { sync: true })
  context.evalClosureSync("$0()", [make])
  const [session] = made
  if (session === undefined) throw new Error("isolated-vm made no inspector session")
  return session
}
