import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { compare, readExpectations, update, writeExpectations } from "./expectations.ts"
import { readPage } from "./html.ts"
import type { FileResult, SubtestStatus } from "./messages.ts"
import { parseMeta, scopeOf } from "./meta.ts"
import { comparePeer } from "./peers.ts"
import { substitute } from "./substitute.ts"
import { findRoot, fromRoot, listTests } from "./suite.ts"
import { percent, plainTable, rowsOf } from "./table.ts"

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

describe("META lines", () => {
  test("are read from the head of a file, each as often as it stands there", () => {
    const meta = parseMeta(`// META: title=A title
// META: global=window,worker
// META: script=a.js
// META: script=/b.js
// META: variant=?1-10
// META: variant=?11-last
// META: timeout=long

test(() => {})
// META: script=late.js
`)

    expect(meta).toEqual({
      title: "A title",
      globals: ["window", "worker"],
      scripts: ["a.js", "/b.js"],
      variants: ["?1-10", "?11-last"],
      long: true,
    })
  })

  test("say the scope: a worker's where it can be, else a window's, else none", () => {
    expect(scopeOf([])).toBe("worker")
    expect(scopeOf(["window", "dedicatedworker"])).toBe("worker")
    expect(scopeOf(["window"])).toBe("window")
    expect(scopeOf(["shadowrealm"])).toBeNull()
  })
})

describe("pages", () => {
  test("with scripts only can run", () => {
    const page = readPage(`<!doctype html><title>t</title><meta name="timeout" content="long">
<script src="/resources/testharness.js"></script><script src=data.js></script>
<div id="log"></div><script>test(() => {})</script>`)

    expect(page).toMatchObject({ needs: null, title: "t", long: true })
    expect(page.scripts.map(({ src }) => src)).toEqual(["/resources/testharness.js", "data.js", null])
  })

  test("with elements, or scripts that ask for the document, cannot", () => {
    expect(readPage("<iframe></iframe><script>test()</script>").needs).toContain("elements")
    expect(readPage("<script>document.title</script>").needs).toContain("document")
  })
})

describe("a suite's folder", () => {
  test("is found from any folder below, and lists a test for each variant, with scripts from the root", () => {
    const root = suite({
      "resources/testharness.js": "",
      "url/resources/x.any.js": "",
      "url/a.any.js": "// META: script=/common/c.js\n// META: variant=?1\n// META: variant=?2\n",
      "url/b.window.js": "document.body",
      "common/c.js": "",
      "css/d.any.js": "",
    })

    expect(findRoot(join(root, "url"))).toBe(root)
    expect(findRoot(tmpdir())).toBeNull()
    const tests = listTests(root, [])
    expect(tests.map(({ name, notApplicable }) => [name, notApplicable])).toEqual([
      ["url/a.any.js?1", null],
      ["url/a.any.js?2", null],
      ["url/b.window.js", "needs a document"],
    ])
    expect(tests[0]?.scripts).toEqual([{ path: "common/c.js" }, { path: "url/a.any.js" }])
    expect(listTests(root, ["url/b"]).length).toBe(1)
  })

  test("names scripts relative to the file, to the root, and the parser by its old name", () => {
    expect(fromRoot("url/a.any.js", "../common/x.js?pipe=sub")).toBe("common/x.js")
    expect(fromRoot("url/a.any.js", "/common/x.js")).toBe("common/x.js")
    expect(fromRoot("url/a.any.js", "/resources/WebIDLParser.js")).toBe("resources/webidl2/lib/webidl2.js")
  })

  test("has placeholders that are filled in from the file's own address", () => {
    const url = new URL("http://web-platform.test:8000/a/b.sub.js?x=1")

    expect(substitute("{{host}} {{ports[http][0]}} {{GET[x]}} {{unknown}}", url)).toBe(
      "web-platform.test 8000 1 {{unknown}}",
    )
  })
})

describe("expectations", () => {
  test("a failure that is known is expected; one that is not, and a pass that should have failed, are not", () => {
    const run = result({ known: "fail", senseless: "notrun", fresh: "fail", better: "pass", fine: "pass" })
    const expected = { fail: { bug: ["known", "better"] }, notApplicable: { document: ["senseless"] } }

    const { unexpected, ...counts } = compare(run, expected)

    expect(counts).toEqual({ pass: 2, fail: 2, notApplicable: 1 })
    expect(unexpected).toEqual([
      "url/a.any.js: fresh: fail: why fresh",
      "url/a.any.js: better: passes, expected to fail",
    ])
  })

  test("what depends on the machine's load is never unexpected", () => {
    const expected = { sometimes: { load: ["a", "b"] } }

    expect(compare(result({ a: "pass", b: "fail" }), expected).unexpected).toEqual([])
  })

  test("a file that does not end is one failure more, unless it is known; one that ends again is unexpected", () => {
    const crash = { ...result({}), status: "crash", message: "SIGKILL" } as const

    expect(compare(crash)).toMatchObject({ fail: 1, unexpected: [expect.stringContaining("crash: SIGKILL")] })
    expect(compare(crash, { file: "known" })).toMatchObject({ fail: 0, unexpected: [] })
    expect(compare(result({}), { file: "known" }).unexpected.length).toBe(1)
  })

  test("taken from a run make that run an expected one, keep reasons, and survive being written", () => {
    const folder = join(temporary(), "expectations")
    const run = result({ old: "fail", fresh: "fail", fixed: "pass" })
    const old = {
      "url/a.any.js": { fail: { "a real bug": ["old", "fixed"] } },
      "url/b.any.js": { skip: "why" },
    }

    writeExpectations(folder, update([run], old))
    const read = readExpectations(folder)

    expect(read).toEqual({
      "url/a.any.js": { fail: { "a real bug": ["old"], unexplained: ["fresh"] } },
      "url/b.any.js": { skip: "why" },
    })
    expect(compare(run, read["url/a.any.js"]).unexpected).toEqual([])
  })
})

describe("the table", () => {
  test("counts by area, leaves out what makes no sense, and never rounds up to a hundred", () => {
    const comparison = { pass: 999, fail: 1, notApplicable: 5, unexpected: [] }

    const rows = rowsOf([{ name: "url/a.any.js", comparison }], ["url/b.html"])

    expect(rows.map(({ area, files, excluded, subtests }) => [area, files, excluded, subtests])).toEqual([
      ["url", 1, 1, 1005],
      ["together", 1, 1, 1005],
    ])
    expect(percent({ pass: 9999, fail: 1 })).toBe("99.9 %")
    expect(plainTable(rows).split("\n")[1]).toMatch(/^url \* +1 +1 +1005 +999 +1 +5 +99\.9 %$/)
  })
})

test("another runtime's counts are joined by file, variants together, also under an older name", () => {
  const folder = temporary()
  writeFileSync(
    join(folder, "a.tentative.any.js.json"),
    JSON.stringify({ x: { status: "PASS" }, y: { status: "PASS" }, z: { status: "FAIL" } }),
  )
  const runs = ["a.any.js?1", "a.any.js?2"].map((name, at) => ({
    ...result({ [at === 0 ? "x" : "w"]: "pass" }),
    name,
  }))

  expect(comparePeer(folder, runs)).toEqual([{ path: "a.any.js", theirs: 2, ours: 2, missing: ["y"] }])
})

function result(subtests: Record<string, SubtestStatus>): FileResult {
  return {
    name: "url/a.any.js",
    status: "ok",
    message: null,
    subtests: Object.entries(subtests).map(([name, status]) => ({
      name,
      status,
      message: status === "pass" ? null : `why ${name}`,
    })),
  }
}

function suite(files: Record<string, string>): string {
  const root = temporary()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "polyhost-wpt-"))
  folders.push(folder)
  return folder
}
