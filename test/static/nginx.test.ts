/** The host's answers beside those of nginx, which stand in NGINX.md. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TestHost } from "../support/harness.ts"
import { exchangeBytes } from "./raw.ts"
import { nameOf, parse, requestText, summaryOf } from "./requests.ts"
import { ROWS } from "./rows.ts"
import { makeTree } from "./tree.ts"

const recorded = readTable(join(import.meta.dirname, "NGINX.md"))

describe("static files beside nginx", () => {
  let host: TestHost
  const dir = mkdtempSync(join(tmpdir(), "pht-tree-"))

  beforeAll(async () => {
    const root = makeTree(dir)
    host = await TestHost.start({
      files: {
        dir: join(import.meta.dirname, "../fixtures/apps/sendfile"),
        instances: { min: 0, max: 1 },
        routes: ["/*"],
        stripPrefix: false,
        static: [{ path: "/*", dir: root, missing: "404" }],
      },
    })
  })

  afterAll(async () => {
    await host.close()
    rmSync(dir, { recursive: true })
  })

  it("has all rows in its table", () => {
    expect([...recorded.keys()].sort()).toEqual(ROWS.map((row) => escaped(nameOf(row))).sort())
    expect(new Set(recorded.keys()).size).toBe(ROWS.length)
  })

  it.each(ROWS.map((row) => [nameOf(row), row] as const))("%s", async (name, row) => {
    const isFilledIn = Object.values(row.headers ?? {}).some((it) => it.includes("{"))
    const seen = isFilledIn ? parse(await ask(requestText({ target: row.target }, null))) : null
    const answer = parse(await ask(requestText(row, seen)))
    expect(summaryOf(answer)).toBe(row.ours ?? recorded.get(escaped(name)))
    if (row.ours !== undefined) expect(recorded.get(escaped(name))).not.toBe(row.ours)
    if (answer.status === 405) expect(answer.headers.get("allow")).toBe("GET, HEAD")
  })

  it("wakes no app", () => {
    expect(host.app("files")).toMatchObject({ state: "idle", instances: [] })
  })

  const ask = (text: string): Promise<Buffer> => exchangeBytes(host.url, text)
})

function readTable(file: string): ReadonlyMap<string, string> {
  const rows = readFileSync(file, "utf8").split("\n")
  const cells = rows.filter((it) => it.startsWith("| `")).map((it) => it.split(/(?<!\\) ?\| /))
  return new Map(cells.map(([, name = "", answer = ""]) => [name.slice(1, -1), answer.slice(1, -1)]))
}

function escaped(name: string): string {
  return name.replaceAll("|", "\\|").replaceAll("`", "'")
}
