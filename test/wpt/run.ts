/**
 * `npm run wpt -- FOLDER [PREFIX…]`: runs the files of a Web Platform Tests folder in isolates made as an app's isolate is, compares
 * with `expectations/`, prints a table. Exit 0: as expected; 1: something failed or passed that was not expected to; 2: usage.
 */
import { writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { parseArgs } from "node:util"
import { bundleInside } from "./bundle.ts"
import { type Comparison, compare, readExpectations, update, writeExpectations } from "./expectations.ts"
import type { FileResult, Task } from "./messages.ts"
import { comparePeer } from "./peers.ts"
import { runAll } from "./pool.ts"
import { resultsPage } from "./results.ts"
import { openServer } from "./server.ts"
import { findRoot, listTests, type TestFile } from "./suite.ts"
import { plainTable, rowsOf } from "./table.ts"

const USAGE = `usage: npm run wpt -- FOLDER [PREFIX…] [--json FILE] [--list failed|unexpected|excluded] [--update] [--results]
       [--compare FOLDER] [--processes N] [--seconds N]

FOLDER   a Web Platform Tests folder in the suite's own layout: resources/testharness.js with url/, fetch/, streams/ … beside it.
         The suite is https://github.com/web-platform-tests/wpt; parts of it stand in repositories of runtimes
         (Node's test/fixtures/wpt, undici's of early 2024 in test/wpt/tests).
PREFIX   runs only files whose path in the suite starts so: url/ fetch/api/headers
`
const EXPECTATIONS = join(import.meta.dirname, "expectations")

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "string" },
    list: { type: "string" },
    compare: { type: "string" },
    update: { type: "boolean", default: false },
    results: { type: "boolean", default: false },
    processes: { type: "string", default: "2" },
    seconds: { type: "string", default: "15" },
  },
})

const [folder, ...given] = positionals
const root = folder === undefined ? null : findRoot(folder)
if (folder === undefined || root === null) {
  process.stderr.write(
    folder === undefined ? USAGE : `${folder}: no resources/testharness.js there or above\n\n${USAGE}`,
  )
  process.exitCode = 2
} else {
  process.exitCode = await main(root, prefixesOf(root, folder, given))
}

async function main(suite: string, prefixes: readonly string[]): Promise<number> {
  const expectations = readExpectations(EXPECTATIONS)
  const tests = listTests(suite, prefixes)
  const out = tests.filter((test) => whyNot(test) !== null)
  const server = await openServer(suite)
  try {
    const tasks = tests.filter((test) => whyNot(test) === null).map((file) => task(file, server.origin))
    const results = await runAll(tasks, {
      setup: { bundle: await bundleInside() },
      processes: Number(values.processes),
      told: progress(tasks.length),
    })
    if (values.update) writeExpectations(EXPECTATIONS, update(results, expectations))
    return await report(results, out, prefixes)
  } finally {
    await server.close()
  }

  function whyNot(test: TestFile): string | null {
    return test.notApplicable ?? expectations[test.name]?.skip ?? null
  }

  function task(file: TestFile, origin: string): Task {
    return {
      root: suite,
      origin,
      file,
      timeLimitMs: Number(values.seconds) * 1000 * (file.long ? 4 : 1),
    }
  }

  async function report(
    results: readonly FileResult[],
    excluded: readonly TestFile[],
    only: readonly string[],
  ): Promise<number> {
    const now = readExpectations(EXPECTATIONS)
    const counted = results.map((result) => ({
      name: result.name,
      comparison: compare(result, now[result.name]),
    }))
    const rows = rowsOf(
      counted,
      excluded.map(({ name }) => name),
    )
    const peers = values.compare === undefined ? null : comparePeer(values.compare, results)
    const unexpected = counted.flatMap(({ comparison }) => comparison.unexpected)
    const reasons = excluded.map((test) => ({ name: test.name, reason: whyNot(test)! }))
    print(`${plainTable(rows)}\n* at least 95 % of the sensible is the goal\n`)
    list(results, reasons, unexpected)
    for (const { path, theirs, ours, missing } of peers ?? [])
      if (ours < theirs)
        print(`below the other runtime: ${path}: ${ours} of ${theirs}: ${missing.slice(0, 5).join(" | ")}`)
    if (values.json !== undefined)
      await writeFile(values.json, JSON.stringify({ rows, results, excluded: reasons, unexpected, peers }))
    if (values.results && only.length === 0)
      await writeFile(
        join(import.meta.dirname, "RESULTS.md"),
        resultsPage({ suite, rows, reasons, expectations: now, peers }),
      )
    if (unexpected.length > 0)
      print(
        `${unexpected.length} unexpected (--list unexpected prints them, --update takes them as they are)`,
      )
    return unexpected.length > 0 ? 1 : 0
  }
}

function list(
  results: readonly FileResult[],
  excluded: readonly { name: string; reason: string }[],
  unexpected: readonly string[],
): void {
  const kind = values.list?.toLowerCase()
  if (kind === "unexpected") for (const line of unexpected) print(oneLine(line))
  if (kind === "excluded") for (const { name, reason } of excluded) print(`${name}: ${reason}`)
  if (kind !== "failed") return
  for (const { name, status, message, subtests } of results) {
    if (status !== "ok") print(oneLine(`${name}: ${status}: ${message ?? ""}`))
    for (const subtest of subtests)
      if (subtest.status !== "pass")
        print(oneLine(`${name}: ${subtest.name}: ${subtest.status}: ${subtest.message ?? ""}`))
  }
}

/** A folder below the root is a prefix like those that are given. */
function prefixesOf(suite: string, at: string, more: readonly string[]): string[] {
  const below = relative(suite, at).replaceAll("\\", "/")
  return below === "" ? [...more] : [`${below}/`, ...more]
}

function progress(all: number): (result: FileResult) => void {
  const state = { done: 0 }
  return ({ name, status, subtests }) => {
    state.done++
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${state.done}/${all} ${name}`)
    else if (status !== "ok")
      process.stderr.write(`${state.done}/${all} ${name}: ${status} after ${subtests.length} subtests\n`)
    if (process.stderr.isTTY && state.done === all) process.stderr.write("\r\x1b[K")
  }
}

function oneLine(text: string): string {
  return text.replaceAll("\n", " ").slice(0, 400)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

export type { Comparison }
