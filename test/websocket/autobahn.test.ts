/** The short form of the Autobahn cases; all of them, with every server, are in AUTOBAHN.md. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { autobahnCases } from "./autobahn/cases.ts"
import { COLUMNS, type Servers, startServers } from "./autobahn/columns.ts"
import { isFault, runAll } from "./autobahn/run-all.ts"

const TESTED = COLUMNS.filter(({ id }) => id === "tunnel" || id === "node")
const cases = autobahnCases()

describe("WebSocket conformance", () => {
  let servers: Servers
  beforeAll(async () => {
    servers = await startServers(TESTED)
  })
  afterAll(() => servers.close())

  for (const column of TESTED)
    it(`${column.title}: every case is answered as it should be`, async () => {
      const outcomes = await runAll(servers.urlOf(column), cases, { isShort: true, together: 8 })
      expect(outcomes.length).toBeGreaterThan(400)
      const faults = outcomes
        .filter(isFault)
        .map(({ case: it, verdict }) => `${it.id} ${verdict.kind}: ${verdict.detail}`)
      expect(faults).toEqual([])
    }, 60_000)

  it("AUTOBAHN.md was written with the cases that there are", () => {
    const table = readFileSync(join(import.meta.dirname, "AUTOBAHN.md"), "utf8")
    expect(table).toContain(`\n${cases.length} cases of`)
  })
})
