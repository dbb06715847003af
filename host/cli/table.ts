/** Text in columns, and text that fits a terminal. */

/** Rows of cells as aligned lines, two spaces between columns. Columns named in `right` are aligned there. */
export function table(rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): string {
  const widths = columnWidths(rows)
  return rows.map((row) => `${tableRow(row, widths, right)}\n`).join("")
}

export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length)
  }
  return widths
}

export function tableRow(
  row: readonly string[],
  widths: readonly number[],
  right: ReadonlySet<number> = new Set(),
): string {
  return row
    .map((cell, index) =>
      right.has(index) ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
    )
    .join("  ")
    .trimEnd()
}

/** Breaks text between words into lines of at most `columns`, each behind `indent`. Long words stay whole. */
export function wrap(text: string, columns: number, indent: string): string[] {
  const lines: string[] = []
  for (const paragraph of text.split("\n")) {
    let line = ""
    for (const word of paragraph.trimEnd().split(" ")) {
      if (line !== "" && indent.length + line.length + 1 + word.length > columns) {
        lines.push(indent + line)
        line = word
      } else line = line === "" ? word : `${line} ${word}`
    }
    if (line !== "") lines.push(indent + line)
  }
  return lines
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const units = ["KB", "MB", "GB", "TB"]
  let value = bytes
  let unit = -1
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`
}
