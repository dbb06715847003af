/** Turns samples into the Markdown of RESULTS.md. Every figure there comes from here. */
import { execFileSync } from "node:child_process"
import { cpus, totalmem } from "node:os"

export interface Row {
  readonly what: string
  readonly samples: readonly number[]
  readonly digits: number
}

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

export function machine(): string {
  const wrk = version("wrk", ["-v"]).split(" ").slice(0, 2).join(" ")
  return [
    `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${version("uname", ["-r"])}`,
    `Node ${process.versions.node}`,
    wrk,
  ].join(" · ")
}

function version(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .split("\n")[0]!
      .trim()
  } catch (error) {
    // wrk prints its version and exits with 1.
    const { stdout } = error as { stdout?: string }
    return (stdout ?? "").split("\n")[0]!.trim() || `${file}: unknown version`
  }
}
