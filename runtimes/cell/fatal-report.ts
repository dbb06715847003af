/**
 * What Node says of its own sudden end: the report that it writes before it aborts names the thread that was to blame, which nothing
 * else tells. Owns the flags that ask for it, and its file.
 */
import { readFileSync, rmSync } from "node:fs"
import { join } from "node:path"

export interface FatalReport {
  readonly threadId: number
  readonly outOfMemory: boolean
}

export function reportFlags(dir: string, name: string): string[] {
  return [
    "--report-on-fatalerror",
    "--report-compact",
    "--report-exclude-network",
    `--report-directory=${dir}`,
    `--report-filename=${name}`,
  ]
}

/** The report, which is removed; null when there is none. */
export function takeReport(dir: string, name: string): FatalReport | null {
  const path = join(dir, name)
  try {
    const { header } = JSON.parse(readFileSync(path, "utf8")) as {
      header?: { threadId?: unknown; trigger?: unknown }
    }
    const threadId = header?.threadId
    return typeof threadId === "number" ? { threadId, outOfMemory: header?.trigger === "OOMError" } : null
  } catch {
    return null
  } finally {
    rmSync(path, { force: true })
  }
}
