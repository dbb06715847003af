/** The table as Markdown: written from a run, read back to see that nothing is missing or stale. */
import { CASES } from "./cases/index.ts"
import { COLUMNS, type Column, titleOf } from "./columns.ts"
import { knownOf } from "./known.ts"
import type { Cells } from "./run.ts"

const LEGEND = `# HTTP conformance

Each case on each runtime and interface, behind the host, over raw sockets. Written by \`npm run conformance\`; \`npm test\` runs the cases
on some of the columns, \`npm run test:table\` on all.

- \`ok\`: as it should be.
- \`n/a\`: this interface has no way to express it; the note says why.
- \`as direct\`: the runtime's own server answers so without the host too, which was run and seen; the note says what it does.
- \`FAIL\`: the host is at fault; the note says why.

A column is a runtime and the way in which the app is called: \`fetch\` (the app exports it), or an unmodified server on \`node:http\`,
\`Bun.serve\` or \`Deno.serve\`.
`

export function tableText(cells: Cells, versions: ReadonlyMap<string, string>): string {
  const notes: string[] = []
  const mark = (note: string): string => {
    if (!notes.includes(note)) notes.push(note)
    return `[${notes.indexOf(note) + 1}]`
  }
  const listed = [...versions].map(([asked, version]) => `${asked} is ${version}`).join(", ")
  const lines = [LEGEND, `Versions: ${listed}.`, ""]
  for (const { topic, cases } of CASES) {
    lines.push(`## ${topic}`, "", row(["id", "case", ...COLUMNS.map(titleOf)]), row(rule()))
    for (const it of cases) {
      const shown = COLUMNS.map((column) => {
        const cell = cells.get(it.id)?.get(column.id)
        if (cell === undefined) return ""
        const known = knownOf(it.id, column.id)
        if (cell.shows === "n/a") return `n/a ${mark(cell.note)}`
        if (cell.shows === "ok" && !known?.sometimes) return "ok"
        return `${known?.sometimes ? known.shows : cell.shows} ${mark(known?.reason ?? "not explained")}`
      })
      lines.push(row([it.id, it.title, ...shown]))
    }
    lines.push("")
  }
  lines.push("## Notes", "", ...notes.map((note, i) => `${i + 1}. ${note}`), "")
  return lines.join("\n")
}

/** Cells of a written table: `case id` → `column title` → text. */
export function readTable(text: string): Map<string, Map<string, string>> {
  const table = new Map<string, Map<string, string>>()
  let titles: string[] = []
  for (const line of text.split("\n")) {
    if (!line.startsWith("| ")) continue
    const cells = line
      .slice(2, -2)
      .split(" | ")
      .map((it) => it.trim())
    const [id = "", , ...shown] = cells
    if (id === "id") titles = shown
    else if (!id.startsWith("-")) table.set(id, new Map(shown.map((it, i) => [titles[i] ?? "", it])))
  }
  return table
}

export function columnTitles(columns: readonly Column[] = COLUMNS): string[] {
  return columns.map(titleOf)
}

function rule(): string[] {
  return Array.from({ length: COLUMNS.length + 2 }, () => "---")
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((it) => it.replaceAll("|", "\\|")).join(" | ")} |`
}
