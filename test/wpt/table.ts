/** The counts of a run, area by area, as rows of a table for terminals or of Markdown. */
import { AREAS, areaOf } from "./areas.ts"
import type { Comparison } from "./expectations.ts"

export interface Counted {
  readonly name: string
  readonly comparison: Comparison
}

export interface Row {
  readonly area: string
  readonly goal: boolean
  readonly files: number
  readonly excluded: number
  readonly subtests: number
  readonly pass: number
  readonly fail: number
  readonly notApplicable: number
}

/** One row an area that has files, and their sum. `excluded` are the names of files that were not run. */
export function rowsOf(counted: readonly Counted[], excluded: readonly string[]): Row[] {
  const rows = AREAS.map(({ name, goal }) => {
    const mine = counted.filter((it) => areaOf(it.name)?.name === name).map(({ comparison }) => comparison)
    const sum = (key: "pass" | "fail" | "notApplicable"): number =>
      mine.reduce((total, it) => total + it[key], 0)
    const [pass, fail, notApplicable] = [sum("pass"), sum("fail"), sum("notApplicable")]
    return {
      area: name,
      goal,
      files: mine.length,
      excluded: excluded.filter((it) => areaOf(it)?.name === name).length,
      subtests: pass + fail + notApplicable,
      pass,
      fail,
      notApplicable,
    }
  }).filter(({ files, excluded: out }) => files + out > 0)
  return [...rows, total(rows)]
}

/** Of the subtests that make sense on a server. */
export function percent({ pass, fail }: Pick<Row, "pass" | "fail">): string {
  if (pass + fail === 0) return "–"
  // Never rounded up to a hundred.
  return `${(Math.floor((pass / (pass + fail)) * 1000) / 10).toFixed(1)} %`
}

export function plainTable(rows: readonly Row[]): string {
  const cells = [HEAD, ...rows.map(cellsOf)]
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  return cells
    .map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join("  "),
    )
    .join("\n")
}

export function markdownTable(rows: readonly Row[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`
  return [
    line(HEAD),
    line(HEAD.map((_, at) => (at === 0 ? "---" : "---:"))),
    ...rows.map((row) => line(cellsOf(row))),
  ].join("\n")
}

const HEAD = ["area", "files run", "not run", "subtests", "pass", "fail", "not applicable", "of the sensible"]

function cellsOf(row: Row): string[] {
  const numbers = [row.files, row.excluded, row.subtests, row.pass, row.fail, row.notApplicable].map(String)
  return [row.goal ? `${row.area} *` : row.area, ...numbers, percent(row)]
}

function total(rows: readonly Row[]): Row {
  const sum = (key: Exclude<keyof Row, "area" | "goal">): number =>
    rows.reduce((all, row) => all + row[key], 0)
  return {
    area: "together",
    goal: false,
    files: sum("files"),
    excluded: sum("excluded"),
    subtests: sum("subtests"),
    pass: sum("pass"),
    fail: sum("fail"),
    notApplicable: sum("notApplicable"),
  }
}
