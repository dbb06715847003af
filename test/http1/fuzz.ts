/**
 * Differential fuzzer of the HTTP/1.1 reader against llhttp (README.md).
 * `node test/http1/fuzz.ts --seconds 60 --seed 1`, or `--inputs 10000000 --workers 2`; a failing input is printed with its seed,
 * as short as it can be made, and `--seed N --inputs 1` repeats it. `--mode connection` drives the whole connection.
 */
import { availableParallelism } from "node:os"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { Comparison } from "./compare.ts"
import { ConnectionComparison } from "./compare-connection.ts"
import { cutsOf, generate } from "./generate.ts"
import { minimise } from "./minimise.ts"

export interface FuzzOptions {
  readonly seed: number
  readonly inputs: number
  /** In milliseconds of `performance.now`. */
  readonly untilMs: number
  readonly mode: "reader" | "connection"
}

export interface FuzzResult {
  inputs: number
  /** Requests that both readers accept, and that mean the same to both. */
  accepted: number
  /** Inputs of which we refused a part. */
  refused: number
  failure: { seed: number; problem: string; input: string } | null
}

/** Judges inputs from `seed` on until one fails or the options end it. */
export function fuzz({ seed, inputs, untilMs, mode }: FuzzOptions): FuzzResult {
  const comparison = mode === "reader" ? new Comparison() : new ConnectionComparison()
  const result: FuzzResult = { inputs: 0, accepted: 0, refused: 0, failure: null }
  for (let at = seed; result.inputs < inputs; at++) {
    if ((result.inputs & 255) === 0 && performance.now() > untilMs) break
    const { text, valid, requests } = generate(at)
    const judge = (changed: string): string => {
      const bytes = Buffer.from(changed, "latin1")
      const verdict = comparison.judge(bytes, cutsOf(at, bytes.length), at)
      if (changed !== text) return verdict.problem
      result.accepted += verdict.accepted
      if (verdict.refused) result.refused++
      // Whoever answers before a client was told to send its body closes after it: no request may follow.
      const all = valid && !(mode === "connection" && text.includes("Expect"))
      if (all && verdict.problem === "" && verdict.accepted !== requests)
        return `${verdict.accepted} of ${requests} valid requests are accepted`
      return verdict.problem
    }
    const problem = judge(text)
    result.inputs++
    if (problem === "") continue
    const shortest = minimise(text, (changed) => judge(changed) !== "")
    result.failure = {
      seed: at,
      problem: `${problem}; shortest: ${judge(shortest)}`,
      input: JSON.stringify(shortest),
    }
    break
  }
  return result
}

/** The same on several threads, each with seeds of its own. */
async function fuzzOnThreads(
  options: FuzzOptions & { workers: number; seconds: number },
): Promise<FuzzResult> {
  const { workers } = options
  const share = Math.ceil(options.inputs / workers)
  const results = await Promise.all(
    Array.from({ length: workers }, (_, index) => {
      const seed = options.seed + (Number.isFinite(share) ? index * share : index * 1_000_000_000)
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { ...options, seed, inputs: share },
      })
      return new Promise<FuzzResult>((resolve, reject) => worker.on("message", resolve).on("error", reject))
    }),
  )
  const total: FuzzResult = { inputs: 0, accepted: 0, refused: 0, failure: null }
  for (const { inputs, accepted, refused, failure } of results) {
    total.inputs += inputs
    total.accepted += accepted
    total.refused += refused
    total.failure ??= failure
  }
  return total
}

if (import.meta.main && isMainThread) {
  const option = (name: string, otherwise: number): number => {
    const at = process.argv.indexOf(`--${name}`)
    return at < 0 ? otherwise : Number(process.argv[at + 1])
  }
  const inputs = option("inputs", Number.POSITIVE_INFINITY)
  const seconds = option("seconds", inputs === Number.POSITIVE_INFINITY ? 60 : Number.POSITIVE_INFINITY)
  const workers = inputs === 1 ? 1 : option("workers", Math.min(2, availableParallelism()))
  const mode = process.argv.includes("connection") ? "connection" : "reader"
  const startMs = performance.now()
  const result = await fuzzOnThreads({ seed: option("seed", 1), inputs, seconds, untilMs: 0, mode, workers })
  const perSecond = Math.round((result.inputs * 1000) / (performance.now() - startMs))
  process.stdout.write(`${JSON.stringify({ mode, ...result, perSecond, workers }, null, 2)}\n`)
  if (result.failure !== null) process.exitCode = 1
} else if (!isMainThread && parentPort !== null && workerData?.mode !== undefined) {
  const options = workerData as FuzzOptions & { seconds: number }
  parentPort.postMessage(fuzz({ ...options, untilMs: performance.now() + options.seconds * 1000 }))
}
