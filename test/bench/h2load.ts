/** One run of h2load (of nghttp2): one load of HTTP/2 against one URL. */
import { execFile, spawnSync } from "node:child_process"
import { promisify } from "node:util"
import type { Load } from "./loads.ts"
import type { LoadResult, Run } from "./wrk.ts"

/** Such as `h2load nghttp2/1.52.0`, or null. */
export function h2loadVersion(): string | null {
  const { status, stdout } = spawnSync("h2load", ["--version"], { encoding: "utf8" })
  return status === 0 ? stdout.trim() : null
}

export async function runH2load(load: Load, { url, seconds, signal }: Run): Promise<LoadResult> {
  const args = [
    "-t1",
    `-c${load.connections}`,
    `-m${load.streams ?? 1}`,
    `-D${seconds}`,
    ...load.headers.flatMap((header) => ["-H", header]),
    url,
  ]
  const { stdout } = await promisify(execFile)("h2load", args, { signal })
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0)
  const good = number(/status codes: (\d+) 2xx/)
  const done = number(/requests: \d+ total, \d+ started, (\d+) done/)
  return {
    requestsPerSecond: number(/finished in [^,]+, ([\d.]+) req\/s/),
    // It tells of the mean alone.
    p50Ms: null,
    p99Ms: null,
    errors: done - good + number(/, (\d+) failed/) + number(/, (\d+) errored/) + number(/, (\d+) timeout/),
    requests: done,
  }
}
