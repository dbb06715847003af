/** What makes the isolates and contexts of a cell. Types only: `isolate-factory.ts` has the ways. */
import type ivm from "isolated-vm"
import type { IsolateInspector } from "../../inspect/inside/isolate-inspector.ts"

export type StartKind = "snapshot" | "code cache" | "script"

export interface IsolateOptions {
  readonly memoryBytes: number
  readonly inspect: boolean
  /** Another is not expected soon. */
  readonly isLast: boolean
  readonly onCatastrophicError: (message: string) => void
}

export interface IsolateFactory {
  readonly kind: StartKind
  /** Why not the better ones. */
  readonly remarks: readonly string[]
  isolate(options: IsolateOptions): ivm.Isolate
  /** Before code of the app runs, with the isolate's first context; both made with `inspect`. */
  inspector(isolate: ivm.Isolate, context: ivm.Context): IsolateInspector
  /** A context with the start function, which it takes away from the global object. */
  context(isolate: ivm.Isolate, inspect: boolean): StartedContext
  /** As `context`, without making this thread wait for the isolate's. */
  contextLater(isolate: ivm.Isolate, inspect: boolean): Promise<StartedContext>
}

export interface StartedContext {
  readonly context: ivm.Context
  readonly start: ivm.Reference
}
