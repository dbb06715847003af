/**
 * The one place where the web APIs meet their surroundings. A standard's classes take no hidden arguments, so the ops of the
 * isolate they live in are bound here, once; the whole script is evaluated once an isolate (or snapshot), so this is the
 * isolate's own and never shared. Holds getters only: nothing of an app.
 */
import type { WebOps } from "./ops.ts"
import type { Timers } from "./timers.ts"

interface Platform {
  ops: () => WebOps
  timers: () => Timers
  /** What `this`-less calls of global event methods mean. */
  global: object
  report: (error: unknown) => void
}

const bound: { platform: Platform | null } = { platform: null }

export function bindPlatform(platform: Platform): void {
  bound.platform = platform
}

export function webOps(): WebOps {
  return platform().ops()
}

export function webTimers(): Timers {
  return platform().timers()
}

export function webGlobal(): object | null {
  return bound.platform?.global ?? null
}

/** An exception that no code of the app will catch: the `error` event, then the app's stderr. Never throws. */
export function reportException(error: unknown): void {
  platform().report(error)
}

function platform(): Platform {
  if (bound.platform === null) throw new Error("the web APIs are not installed")
  return bound.platform
}
