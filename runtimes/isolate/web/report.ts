/**
 * Errors that no code of the app catches: an event on the global first (WinterTC: onerror, onunhandledrejection), then a line with
 * the stack on the app's stderr. Rejections are known to the cell only; it tells by `reportRejection`.
 */

import { trusted } from "./events/event.ts"
import { dispatch, type EventTarget } from "./events/event-target.ts"
import { ErrorEvent, PromiseRejectionEvent } from "./events/more-events.ts"
import { inspect } from "./inspect.ts"
import type { WebOps } from "./ops.ts"

export interface Reports {
  exception(error: unknown): void
  /** A promise was rejected and nobody handles it. */
  rejection(reason: unknown, promise?: object): void
}

export function createReports(target: EventTarget, ops: () => Pick<WebOps, "print">): Reports {
  // An error in an error handler must not call that handler again.
  const state = { reporting: false }

  function report(title: string, error: unknown, fire: () => boolean): void {
    if (!state.reporting) {
      state.reporting = true
      try {
        if (!fire()) return
      } finally {
        state.reporting = false
      }
    }
    try {
      ops().print("stderr", `${title} ${inspect(error)}`)
    } catch {
      // Nobody is left who could be told.
    }
  }

  return {
    exception: (error) => report("Uncaught", error, () => dispatch(target, trusted(errorEvent(error)))),
    rejection: (reason, promise = Promise.resolve()) =>
      report("Uncaught (in promise)", reason, () => {
        const init = { promise, reason, cancelable: true }
        return dispatch(target, trusted(new PromiseRejectionEvent("unhandledrejection", init)))
      }),
  }
}

function errorEvent(error: unknown): ErrorEvent {
  const { filename, lineno, colno } = placeOf(error)
  return new ErrorEvent("error", {
    error,
    message: messageFor(error),
    filename,
    lineno,
    colno,
    cancelable: true,
  })
}

function messageFor(error: unknown): string {
  try {
    return `Uncaught ${String(error)}`
  } catch {
    return "Uncaught exception"
  }
}

function placeOf(error: unknown): { filename: string; lineno: number; colno: number } {
  const nowhere = { filename: "", lineno: 0, colno: 0 }
  try {
    const stack: unknown = error instanceof Error ? error.stack : null
    const match = typeof stack === "string" ? /\n\s+at (?:.*\()?(.+?):(\d+):(\d+)\)?/.exec(stack) : null
    if (match === null) return nowhere
    return { filename: match[1]!, lineno: Number(match[2]), colno: Number(match[3]) }
  } catch {
    return nowhere
  }
}
