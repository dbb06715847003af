/**
 * Cells that are not `ok` and may stay so for now, each with its reason: a footnote of the table. `as direct`: the runtime's own
 * server does the same without the host, which is checked by running it. `FAIL`: the host is at fault. A cell that comes to pass
 * must be removed here: a test fails until it is.
 */
export interface Known {
  readonly cases: readonly string[]
  /** Ids of columns; `*` at the end stands for any rest. */
  readonly columns: readonly string[]
  readonly shows: "as direct" | "FAIL"
  /** One sentence. */
  readonly reason: string
}

export const KNOWN: readonly Known[] = []

export function knownOf(caseId: string, columnId: string): Known | undefined {
  return KNOWN.find(
    ({ cases, columns }) =>
      cases.includes(caseId) &&
      columns.some((it) => (it.endsWith("*") ? columnId.startsWith(it.slice(0, -1)) : it === columnId)),
  )
}
