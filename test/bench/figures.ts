/** Medians, spreads and Markdown tables. Every figure of RESULTS.md is written by these. */

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** `median (min–max)`. */
export function spread(samples: readonly number[], digits: number): string {
  const show = (value: number): string =>
    value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits })
  return `${show(median(samples))} (${show(Math.min(...samples))}–${show(Math.max(...samples))})`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(width[i]!)).join(" | ")} |`
  return [line(head), `| ${width.map((it) => "-".repeat(it)).join(" | ")} |`, ...rows.map(line)].join("\n")
}
