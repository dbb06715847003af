/** The suite in `npm test`: all cases on a few columns, on all with POLYHOST_TEST_TABLE=full; and the written table is of today. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { START_MS } from "../support/harness.ts"
import { ALL_CASES } from "./cases/index.ts"
import { type Cell, faultOf } from "./cell.ts"
import { COLUMNS, titleOf } from "./columns.ts"
import { KNOWN } from "./known.ts"
import { Rig } from "./rig.ts"
import { type Cells, runAll } from "./run.ts"
import { columnTitles, readTable } from "./table-text.ts"

const full = process.env["POLYHOST_TEST_TABLE"] === "full"
const columns = COLUMNS.filter((it) => full || it.short)

describe("conformance", () => {
  let rig: Rig
  let cells: Cells
  beforeAll(
    async () => {
      rig = await Rig.start(columns, inject("runtimes"), full)
      cells = await runAll(ALL_CASES, columns, rig)
    },
    START_MS + (full ? 600_000 : 60_000),
  )
  afterAll(() => rig?.close())

  test.each(columns.map((column) => [titleOf(column), column] as const))("%s", (_title, column) => {
    const faults = ALL_CASES.map((it) => {
      const cell = cells.get(it.id)?.get(column.id) as Cell
      const fault = faultOf(it, column, cell)
      return fault === null ? null : `${it.id} (${it.title}): ${fault}`
    })
    expect(faults.filter((it) => it !== null)).toEqual([])
  })

  test("no request is left in flight when its client has gone", async () => {
    await eventually(2000, `the end of ${rig.inFlight}`, () => rig.inFlight.length === 0)
  })

  test("no case ended an app", () => {
    expect(rig.ends).toEqual([])
  })
})

describe("the written table", () => {
  const table = readTable(readFileSync(join(import.meta.dirname, "TABLE.md"), "utf8"))

  test("has each case and column once, and no others", () => {
    expect([...table.keys()]).toEqual(ALL_CASES.map(({ id }) => id))
    expect(new Set(ALL_CASES.map(({ id }) => id)).size).toBe(ALL_CASES.length)
    for (const row of table.values()) expect([...row.keys()]).toEqual(columnTitles())
  })

  test("has no blank cell, and a note for each that is not ok", () => {
    const odd = [...table].flatMap(([id, row]) =>
      [...row]
        .filter(([, shown]) => !/^(ok|(n\/a|as direct|FAIL) \[\d+\])$/.test(shown))
        .map(([title, shown]) => `${id} on ${title}: "${shown}"`),
    )
    expect(odd).toEqual([])
  })

  test("shows what known.ts says, and known.ts names only what is there", () => {
    const ids = new Set(ALL_CASES.map(({ id }) => id))
    for (const known of KNOWN) {
      for (const id of known.cases) expect(ids).toContain(id)
      for (const name of known.columns) {
        const matches = COLUMNS.filter(({ id }) =>
          name.endsWith("*") ? id.startsWith(name.slice(0, -1)) : id === name,
        )
        expect(matches, name).not.toEqual([])
        for (const id of known.cases)
          for (const column of matches)
            expect(table.get(id)?.get(titleOf(column)), `${id} on ${column.id}`).toContain(known.shows)
      }
    }
  })
})
