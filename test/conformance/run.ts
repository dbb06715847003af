/** Runs cases over columns, several at a time; those that measure time by themselves, afterwards. */
import type { Case } from "./case.ts"
import { type Cell, cellOf } from "./cell.ts"
import type { Column } from "./columns.ts"
import type { Rig } from "./rig.ts"

/** By case id, then by column id. */
export type Cells = ReadonlyMap<string, ReadonlyMap<string, Cell>>

/** Cells at a time: each waits more than it works. */
const AT_ONCE = 6

export async function runAll(
  cases: readonly Case[],
  columns: readonly Column[],
  rig: Rig,
  done: (it: Case, column: Column, cell: Cell, tookMs: number) => void = () => {},
): Promise<Cells> {
  const cells = new Map(cases.map((it) => [it.id, new Map<string, Cell>()]))
  const pairs = cases.flatMap((it) => columns.map((column) => ({ it, column })))
  const run = async (list: typeof pairs): Promise<void> => {
    // From the end: apps that fail are what takes longest.
    for (let next = list.pop(); next !== undefined; next = list.pop()) {
      const fromMs = performance.now()
      const cell = await cellOf(next.it, next.column, rig)
      cells.get(next.it.id)?.set(next.column.id, cell)
      done(next.it, next.column, cell, performance.now() - fromMs)
    }
  }
  const isAlone = (it: Case): boolean => it.alone === true || (rig.full && it.heavy === true)
  const together = pairs.filter(({ it }) => !isAlone(it))
  await Promise.all(Array.from({ length: AT_ONCE }, () => run(together)))
  await run(pairs.filter(({ it }) => isAlone(it)))
  return cells
}
