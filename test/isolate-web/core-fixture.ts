/** The half of the web APIs that installCore makes, on an object of its own, with the cell's real ops. */
import { createOps } from "../../runtimes/isolate/ops/index.ts"
import { type CoreHandles, installCore } from "../../runtimes/isolate/web/globals.ts"
import type { WebOps } from "../../runtimes/isolate/web/ops.ts"

export interface Core extends CoreHandles {
  readonly web: any
  /** What was printed, "stream: text". */
  readonly printed: string[]
  /** What the cell was asked to wake after. */
  readonly wakes: number[]
  /** Runs timers as a cell does until none is left. */
  runTimers(): Promise<void>
}

export function core(): Core {
  const web = {}
  const printed: string[] = []
  const wakes: number[] = []
  const ops = createOps({
    wake: (ms) => wakes.push(ms),
    print: (stream, text) => printed.push(`${stream}: ${text}`),
  }) as WebOps
  const handles = installCore(web, () => ops)
  async function runTimers(): Promise<void> {
    for (;;) {
      const next = wakes.pop()
      wakes.length = 0
      if (next === undefined || next === Number.POSITIVE_INFINITY) return
      await new Promise((resolve) => setTimeout(resolve, next))
      handles.timers.fire()
    }
  }
  return { ...handles, web, printed, wakes, runTimers }
}
