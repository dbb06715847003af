/** `npm run conformance`: the whole matrix, written to TABLE.md. `--only ID,…` and `--column ID,…` run a part, which is not written. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import type { TestProject } from "vitest/node"
import installRuntimes from "../support/install-runtimes.ts"
import type { TestRuntime } from "../support/table.ts"
import { ALL_CASES } from "./cases/index.ts"
import { faultOf } from "./cell.ts"
import { COLUMNS } from "./columns.ts"
import { Rig } from "./rig.ts"
import { runAll } from "./run.ts"
import { tableText } from "./table-text.ts"

/** Cells that take longer are told. */
const SLOW_MS = 2000

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    column: { type: "string" },
    short: { type: "boolean" },
    log: { type: "boolean" },
  },
})
const only = values.only?.split(",")
const asked = values.column?.split(",")
const cases = ALL_CASES.filter(({ id }) => only === undefined || only.some((it) => id.startsWith(it)))
const columns = COLUMNS.filter(({ id }) => asked === undefined || asked.some((it) => id.startsWith(it)))

let runtimes: readonly TestRuntime[] = []
// The setup of the tests, which finds or installs them.
await installRuntimes({
  provide: (_key: string, found: readonly TestRuntime[]) => {
    runtimes = found
  },
} as unknown as TestProject)

const rig = await Rig.start(columns, runtimes, values.short !== true)
let faults = 0
try {
  const cells = await runAll(cases, columns, rig, (it, column, cell, tookMs) => {
    if (tookMs > SLOW_MS) console.log(`${it.id} on ${column.id}: ${Math.round(tookMs)} ms`)
    const fault = faultOf(it, column, cell)
    if (fault === null) return
    faults++
    console.log(`${it.id} on ${column.id}: ${fault}`)
  })
  for (const end of rig.ends) {
    faults++
    console.log(end)
  }
  console.log(`${cases.length * columns.length} cells, ${faults} that known.ts does not explain`)
  if (only === undefined && asked === undefined && values.short !== true) {
    const versions = new Map(
      COLUMNS.map((column) => {
        const runtime = runtimes.find((it) => it.name === column.runtime && it.asked === column.asked)
        return [`${column.runtime}@${column.asked}`, runtime?.version ?? "not found"]
      }),
    )
    writeFileSync(join(import.meta.dirname, "TABLE.md"), tableText(cells, versions))
  }
} finally {
  if (values.log === true) console.log(rig.log)
  await rig.close()
}
process.exitCode = faults === 0 ? 0 : 1
