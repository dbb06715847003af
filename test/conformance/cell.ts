/** Runs one case on one column and says what the cell shows. */
import type { Case } from "./case.ts"
import type { Column } from "./columns.ts"
import { knownOf } from "./known.ts"
import type { Rig } from "./rig.ts"

export interface Cell {
  readonly shows: "ok" | "n/a" | "as direct" | "FAIL"
  /** What was seen or why not; empty when ok. */
  readonly note: string
}

export async function cellOf(it: Case, column: Column, rig: Rig): Promise<Cell> {
  const unable = column.api === "node:http" ? it.nodeUnable : it.webUnable
  if (unable !== undefined) return { shows: "n/a", note: unable }
  const cell = await judged(it, column, rig, false)
  if (cell.shows !== "FAIL" || it.hostOnly || column.api === "fetch") return cell
  const alone = await judged(it, column, rig, true)
  return alone.shows === "FAIL" ? { shows: "as direct", note: `${cell.note} | direct: ${alone.note}` } : cell
}

/** What is wrong with the cell by `known.ts`; null when it is as it should be. */
export function faultOf(it: Case, column: Column, cell: Cell): string | null {
  const known = knownOf(it.id, column.id)
  if (cell.shows === known?.shows || (cell.shows === "ok" && known?.sometimes)) return null
  if (known !== undefined)
    return `known.ts says "${known.shows}" (${known.reason}), but the cell is "${cell.shows}": ${cell.note}`
  return cell.shows === "ok" || cell.shows === "n/a" ? null : `${cell.shows}: ${cell.note}`
}

async function judged(it: Case, column: Column, rig: Rig, direct: boolean): Promise<Cell> {
  try {
    const answer = await rig.with(column, direct, (at) => it.run(at))
    return typeof answer === "string"
      ? { shows: "n/a", note: answer.slice("n/a: ".length) }
      : { shows: "ok", note: "" }
  } catch (error) {
    return { shows: "FAIL", note: error instanceof Error ? error.message : String(error) }
  }
}
