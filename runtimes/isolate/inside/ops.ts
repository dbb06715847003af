/** The web APIs' way to the cell: WebOps on the cell's functions, which stay in these closures. Counterpart: `../ops/`. */
import type { CellFunctions, Settled } from "../border.ts"
import type { SubtleAnswer, WebOps } from "../web/ops.ts"
import type { WayOut } from "./way-out.ts"

export interface InsideOps {
  readonly web: WebOps
  settle(settled: readonly Settled[]): void
}

export function createOps(cell: CellFunctions, out: Pick<WayOut, "begin" | "wake" | "print">): InsideOps {
  const { domainToASCII, encodingTables, random } = cell
  const waiting = new Map<number, (answer: unknown) => void>()
  let last = 0
  return {
    web: {
      domainToASCII: (host, beStrict) => domainToASCII(host, beStrict),
      encodingTables: () => encodingTables(),
      random: (length) => random(length),
      subtle: (method, request) =>
        new Promise((resolve) => {
          const id = ++last
          waiting.set(id, (answer) => resolve(answer as SubtleAnswer))
          out.begin(id, method, request)
        }),
      wakeAfter: (ms) => out.wake(ms === Number.POSITIVE_INFINITY ? -1 : ms),
      print: out.print,
    },
    settle(settled) {
      for (let i = 0; i < settled.length; i++) {
        const { id, answer } = settled[i]!
        const done = waiting.get(id)
        waiting.delete(id)
        done?.(answer)
      }
    },
  }
}
