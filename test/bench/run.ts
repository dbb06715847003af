/**
 * `npm run bench`: measures the host against bare node:http of the same version and nginx in front of it, and writes
 * RESULTS.md. `-- --short` runs one quick round, checks that nothing failed, and writes nothing (CI). See README.md.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type DensityPlan, measureColdStarts, measureDensity } from "./density.ts"
import { LOADS } from "./loads.ts"
import { measureLoads, measureStarts, type Plan, type Samples } from "./measure.ts"
import { report } from "./report.ts"
import { allTargets, type Target } from "./targets.ts"

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    rounds: { type: "string", default: "8" },
    seconds: { type: "string", default: "2" },
    density: { type: "boolean", default: false },
    load: { type: "string", multiple: true, default: [] },
    target: { type: "string", multiple: true, default: [] },
  },
})

const log = (line: string): void => void process.stderr.write(`${line}\n`)
const stopping = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)))

const dir = await mkdtemp(join(tmpdir(), "polyhost-bench-"))
const densityPlan: DensityPlan = { dir, short: values.short, signal: stopping.signal, log }
try {
  if (values.density) {
    await measureColdStarts(densityPlan)
    await measureDensity(densityPlan)
  } else await measureAll()
} finally {
  await rm(dir, { recursive: true, force: true })
}

async function measureAll(): Promise<void> {
  const targets = chosen("target", allTargets(dir), values.target)
  const plan: Plan = {
    loads: chosen("load", LOADS, values.load),
    targets: targets.filter((target) => target.missing === null),
    rounds: values.short ? 1 : Number(values.rounds),
    seconds: values.short ? 1 : Number(values.seconds),
    warmSeconds: values.short ? 0 : 1,
    signal: stopping.signal,
    log,
  }
  warnOfMissing(targets)
  const samples = await measureLoads(plan)
  // A part of the benchmark is for looking at one thing: it leaves out the starts and writes no results.
  const whole = values.load.length === 0 && values.target.length === 0
  // The memory of nginx, which holds no JavaScript, would compare nothing.
  const startable = plan.targets.filter((target) => target.name !== "nginx")
  const starts = whole ? await measureStarts({ ...plan, targets: startable }) : new Map()
  const cold = whole ? await measureColdStarts(densityPlan) : []
  const density = whole ? await measureDensity(densityPlan) : []
  const text = report({ rounds: plan.rounds, seconds: plan.seconds, targets, samples, starts, density, cold })
  process.stdout.write(`\n${text}`)
  refuseErrors(samples)
  if (whole && !values.short) await writeFile(join(import.meta.dirname, "RESULTS.md"), text)
  warnOfMissing(targets)
}

function chosen<T extends { readonly name: string }>(
  kind: string,
  all: readonly T[],
  names: readonly string[],
): readonly T[] {
  const unknown = names.find((name) => !all.some((it) => it.name === name))
  if (unknown !== undefined)
    throw new Error(`no ${kind} "${unknown}"; there are: ${all.map((it) => it.name).join(", ")}`)
  return names.length === 0 ? all : all.filter((it) => names.includes(it.name))
}

function warnOfMissing(targets: readonly Target[]): void {
  for (const { title, missing } of targets)
    if (missing !== null)
      log(`\n*** NOT RUN: ${title}: ${missing}. Its rows and ratios are not measured. ***\n`)
}

/** A figure of a run with errors is no figure: nothing is written. */
function refuseErrors(samples: Samples): void {
  const failed = [...samples].flatMap(([load, byTarget]) =>
    [...byTarget].flatMap(([target, all]) =>
      all.flatMap(({ errors, requests }, round) =>
        errors > 0 || requests === 0
          ? [`${load} on ${target}, round ${round + 1}: ${errors} errors in ${requests} requests`]
          : [],
      ),
    ),
  )
  if (failed.length > 0) throw new Error(`${failed.length} of the loads failed:\n${failed.join("\n")}`)
}
