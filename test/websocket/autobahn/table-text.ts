/** AUTOBAHN.md: what each server did in each group of cases. */
import type { Column } from "./columns.ts"
import type { Outcome } from "./run-all.ts"

const GROUPS: readonly (readonly [string, string])[] = [
  ["1", "framing: 0 to 65536 bytes, whole and in chops"],
  ["2", "pings and pongs"],
  ["3", "reserved bits"],
  ["4", "reserved opcodes"],
  ["5", "fragmentation"],
  ["6", "UTF-8"],
  ["7", "closing"],
  ["9", "limits: messages up to 16 MiB, frames from 64 bytes, chops, many round trips"],
  ["10", "a message in frames of 1300"],
  ["12", "compression (permessage-deflate)"],
  ["13", "compression, by offers"],
]

export interface ColumnResult {
  readonly column: Column
  readonly outcomes: readonly Outcome[]
}

export function tableText(results: readonly ColumnResult[]): string {
  const count = results[0]?.outcomes.length ?? 0
  const head = ["case", "", ...results.map(({ column }) => column.title)]
  const rows = GROUPS.map(([group, what]) => [
    `${group}.*`,
    what,
    ...results.map(({ outcomes }) => cell(outcomes.filter(({ case: it }) => it.id.startsWith(`${group}.`)))),
  ])
  return `# WebSocket conformance

Written by \`node test/websocket/autobahn/write-table.ts\`; \`test/websocket/autobahn.test.ts\` runs all but the longest of it.

${count} cases of the [Autobahn test suite](https://github.com/crossbario/autobahn-testsuite) (its fuzzing client), recreated over a raw
socket: numbers, contents and cuts are the suite's. Its waits of seconds are not here: answers are awaited, and what must not be
answered would show as an answer too many. 12 has two kinds of data in place of five files, 12 and 13 have 50 messages a case in
place of 1000. An answer that the suite leaves open ("informational") or tolerates ("non-strict") is counted beside.

${line(head)}
${line(head.map((_, i) => (i < 2 ? "---" : "---:")))}
${rows.map(line).join("\n")}

## Cases that are not plainly OK

${notes(results)}
`
}

function cell(outcomes: readonly Outcome[]): string {
  const ok = outcomes.filter(({ verdict }) => verdict.kind === "OK").length
  const others = new Map<string, number>()
  for (const { verdict } of outcomes)
    if (verdict.kind !== "OK") others.set(verdict.kind, (others.get(verdict.kind) ?? 0) + 1)
  return [`${ok} OK`, ...[...others].map(([kind, n]) => `${n} ${kind.toLowerCase()}`)].join(", ")
}

function notes(results: readonly ColumnResult[]): string {
  const columns = new Map<string, string[]>()
  for (const { column, outcomes } of results)
    for (const { case: it, verdict } of outcomes)
      if (verdict.kind !== "OK") {
        const text = `${it.id} (${it.what}): ${verdict.kind.toLowerCase()}${verdict.detail === "" ? "" : `, ${verdict.detail}`}`
        columns.set(text, [...(columns.get(text) ?? []), column.title])
      }
  return [...columns]
    .map(
      ([text, titles]) => `- ${text}: ${titles.length === results.length ? "everywhere" : titles.join(", ")}`,
    )
    .join("\n")
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`
}
