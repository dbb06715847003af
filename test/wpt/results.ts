/** RESULTS.md: the counts of a whole run, what is not run and why, and the comparison with another runtime. Generated. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Expectations } from "./expectations.ts"
import { grouped } from "./grouped.ts"
import type { PeerFile } from "./peers.ts"
import { markdownTable, type Row } from "./table.ts"

export interface ResultsInput {
  readonly suite: string
  readonly rows: readonly Row[]
  readonly reasons: readonly { readonly name: string; readonly reason: string }[]
  readonly expectations: Expectations
  readonly peers: readonly PeerFile[] | null
}

export function resultsPage({ suite, rows, reasons, expectations, peers }: ResultsInput): string {
  return `# Web Platform Tests: results

Written by \`npm run wpt -- FOLDER --results\`. Suite: ${versionOf(suite)}. Node ${process.version}, V8 ${process.versions.v8}.
Areas with * have the goal of 95 % of the subtests that make sense on a server.

${markdownTable(rows)}

## What fails
${table(["reason", "subtests"], failures(expectations, "fail"))}

## Subtests that make no sense on a server
${table(["reason", "subtests"], failures(expectations, "notApplicable"))}

## Files that are not run
${table(["reason", "files"], counts(reasons.map(({ reason }) => reason)))}
${peers === null ? "" : peerSection(peers)}`
}

/** A note beside the suite says which version it is; git says it of a clone. */
function versionOf(suite: string): string {
  const note = join(suite, "SOURCES.txt")
  const head = join(suite, ".git/HEAD")
  if (existsSync(note)) return readFileSync(note, "utf8").split("\n")[0]!
  if (existsSync(head)) return readFileSync(head, "utf8").trim()
  return "of a version that its folder does not tell"
}

function failures(expectations: Expectations, key: "fail" | "notApplicable"): [string, number][] {
  const sums = new Map<string, number>()
  for (const expectation of Object.values(expectations))
    for (const [reason, names] of Object.entries(expectation[key] ?? {}))
      sums.set(reason, (sums.get(reason) ?? 0) + names.length)
  return [...sums].sort((a, b) => b[1] - a[1])
}

function counts(reasons: readonly string[]): [string, number][] {
  return [...grouped(reasons, (reason) => reason)]
    .map(([reason, all]): [string, number] => [reason, all.length])
    .sort((a, b) => b[1] - a[1])
}

function peerSection(peers: readonly PeerFile[]): string {
  const below = peers.filter(({ ours, theirs }) => ours < theirs)
  const sum = (key: "ours" | "theirs"): number => peers.reduce((all, it) => all + it[key], 0)
  return `
## Beside StarlingMonkey
The same ${peers.length} files, by StarlingMonkey's own expectation files: ${sum("theirs")} subtests pass there, ${sum("ours")} here.
${
  below.length === 0
    ? "No file passes fewer here."
    : table(
        ["file with fewer here", "there", "here"],
        below.map(({ path, theirs, ours }) => [path, theirs, ours]),
      )
}
`
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return "None."
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`
  return [line(head), line(head.map((_, at) => (at === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n")
}
