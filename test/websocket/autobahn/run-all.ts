/** Runs many cases against one server, some at a time. */
import type { AutobahnCase, Verdict } from "./case.ts"
import { runCase } from "./run.ts"

export interface Outcome {
  readonly case: AutobahnCase
  readonly verdict: Verdict
}

export async function runAll(
  url: string,
  cases: readonly AutobahnCase[],
  { isShort, together }: { isShort: boolean; together: number },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const left = cases.filter((it) => !(isShort && it.isLong === true))
  let at = 0
  const worker = async (): Promise<void> => {
    while (at < left.length) {
      const index = at++
      const it = left[index] as AutobahnCase
      outcomes[index] = { case: it, verdict: await runCase(url, it, isShort) }
    }
  }
  await Promise.all(Array.from({ length: together }, worker))
  return outcomes
}

/** What is no fault: the specification leaves it open, or the suite tolerates it. */
export function isFault({ case: it, verdict }: Outcome): boolean {
  if (verdict.kind === "OK") return false
  if (verdict.kind === "INFORMATIONAL") return it.informational !== true
  return !(verdict.kind === "NON-STRICT" && (it.failsFast === true || it.nonStrict !== undefined))
}
