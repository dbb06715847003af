/** Runs every case against every server and writes AUTOBAHN.md. `--only 6.4,9` and `--column node,tunnel` run a part, which is told. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { autobahnCases } from "./cases.ts"
import { COLUMNS, startServers } from "./columns.ts"
import { isFault, runAll } from "./run-all.ts"
import { type ColumnResult, tableText } from "./table-text.ts"

const { values } = parseArgs({
  options: { only: { type: "string" }, column: { type: "string" }, short: { type: "boolean" } },
})
const only = values.only?.split(",")
const asked = values.column?.split(",")
const cases = autobahnCases().filter(({ id }) => only === undefined || only.some((it) => id.startsWith(it)))
const columns = COLUMNS.filter(({ id }) => asked === undefined || asked.includes(id))
const servers = await startServers(columns)
const results: ColumnResult[] = []
let faults = 0
for (const column of columns) {
  const startedMs = performance.now()
  const isShort = values.short === true
  const outcomes = await runAll(servers.urlOf(column), cases, { isShort, together: isShort ? 8 : 2 })
  results.push({ column, outcomes })
  const failed = outcomes.filter(isFault)
  faults += failed.length
  process.stdout.write(
    `${column.id}: ${outcomes.length} cases in ${Math.round(performance.now() - startedMs)} ms\n`,
  )
  for (const { case: it, verdict } of failed)
    process.stdout.write(`  ${it.id} ${verdict.kind} ${verdict.detail} (${it.what})\n`)
}
await servers.close()
if (only === undefined && asked === undefined && values.short !== true)
  writeFileSync(join(import.meta.dirname, "../AUTOBAHN.md"), tableText(results))
process.exitCode = faults > 0 ? 1 : 0
