/** One run of wrk: one load against one URL. */
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import type { Load } from "./loads.ts"

export interface LoadResult {
  readonly requestsPerSecond: number
  /** Null: the load generator does not tell. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** Socket errors and answers that were not 2xx. wrk passes a 3xx; the proof before the measurement does not. */
  readonly errors: number
  readonly requests: number
}

export interface Run {
  readonly url: string
  readonly seconds: number
  /** Ends wrk when the benchmark is told to stop. */
  readonly signal: AbortSignal
}

export async function runWrk(load: Load, { url, seconds, signal }: Run): Promise<LoadResult> {
  const args = [
    "-t1",
    `-c${load.connections}`,
    `-d${seconds}s`,
    "--latency",
    ...(load.script === undefined ? [] : ["-s", load.script]),
    ...load.headers.flatMap((header) => ["-H", header]),
    url,
  ]
  const { stdout } = await promisify(execFile)("wrk", args, { signal }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT")
        throw new Error('the benchmark needs wrk: "apt-get install wrk" or "brew install wrk"')
      throw error
    },
  )
  return read(stdout)
}

function read(stdout: string): LoadResult {
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0)
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)
  return {
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Ms: milliseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(stdout)),
    p99Ms: milliseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(stdout)),
    errors:
      number(/Non-2xx or 3xx responses: (\d+)/) +
      (socketErrors?.slice(1).reduce((sum, it) => sum + Number(it), 0) ?? 0),
    requests: number(/(\d+) requests in/),
  }
}

function milliseconds(match: RegExpExecArray | null): number {
  if (match === null) return 0
  return Number(match[1]) * (match[2] === "us" ? 0.001 : match[2] === "s" ? 1000 : 1)
}
