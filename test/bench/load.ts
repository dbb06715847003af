/** One load of wrk against one URL. */
import { execFile } from "node:child_process"
import { promisify } from "node:util"

export interface Load {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  readonly headers: readonly string[]
}

export interface LoadResult {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Socket errors and answers that were not 2xx. */
  readonly errors: number
  readonly requests: number
}

export async function load({ url, connections, seconds, headers }: Load): Promise<LoadResult> {
  const { stdout } = await promisify(execFile)("wrk", [
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--latency",
    ...headers.flatMap((header) => ["-H", header]),
    url,
  ]).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT")
      throw new Error('the benchmark needs wrk: "apt-get install wrk" or "brew install wrk"')
    throw error
  })
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
