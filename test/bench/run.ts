/**
 * `npm run bench`: measures the host against bare node:http of the same version and nginx in front of it, and writes
 * RESULTS.md. `-- --short` runs one quick round, checks that nothing failed, and writes nothing (CI). See README.md.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type DensityPlan, measureColdStarts, measureDensity } from "./density.ts"
import { h2loadVersion } from "./h2load.ts"
import { LOADS, type Load } from "./loads.ts"
import { measureLoads, measureStarts, type Plan, type Samples } from "./measure.ts"
import { report } from "./report.ts"
import { allTargets, type Target } from "./targets.ts"
import { measureSockets } from "./websocket.ts"

const SECTIONS = ["apps", "static", "http2", "websocket", "density"].map((name) => ({ name }))

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    rounds: { type: "string", default: "8" },
    seconds: { type: "string", default: "2" },
    section: { type: "string", multiple: true, default: [] },
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
  await measureAll(values.density ? ["density"] : values.section)
} finally {
  await rm(dir, { recursive: true, force: true })
}

async function measureAll(asked: readonly string[]): Promise<void> {
  // A load or a target alone is for looking at one thing: it leaves out all that is not made of loads.
  const isPart = values.load.length > 0 || values.target.length > 0
  const sections = chosen("section", SECTIONS, asked).map((it) => it.name)
  const has = (section: string): boolean => sections.includes(section)
  const loads = runnable(chosen("load", LOADS, values.load)).filter(
    (load) => values.load.length > 0 || has(load.section),
  )
  const apps = new Set(loads.map((load) => load.app))
  const targets = chosen("target", allTargets(dir), values.target).filter((target) =>
    target.apps.some((app) => apps.has(app)),
  )
  const plan: Plan = {
    loads,
    targets: targets.filter((target) => target.missing === null),
    rounds: values.short ? 1 : Number(values.rounds),
    seconds: values.short ? 1 : Number(values.seconds),
    warmSeconds: values.short ? 0 : 1,
    signal: stopping.signal,
    log,
  }
  warnOfMissing(targets)
  const samples = await measureLoads(plan)
  // The memory of nginx, which holds no JavaScript, would compare nothing.
  const startable = plan.targets.filter((it) => it.name !== "nginx" && it.apps.includes("hello"))
  const starts = has("apps") && !isPart ? await measureStarts({ ...plan, targets: startable }) : new Map()
  const sockets =
    has("websocket") && !isPart ? await measureSockets({ ...plan, dir, short: values.short }) : []
  const cold = has("density") && !isPart ? await measureColdStarts(densityPlan) : []
  const density = has("density") && !isPart ? await measureDensity(densityPlan) : []
  const { rounds, seconds } = plan
  const text = report({ rounds, seconds, targets, samples, starts, density, cold, sockets })
  process.stdout.write(`\n${text}`)
  refuseErrors(samples)
  if (asked.length === 0 && !isPart && !values.short)
    await writeFile(join(import.meta.dirname, "RESULTS.md"), text)
  warnOfMissing(targets)
}

function runnable(loads: readonly Load[]): readonly Load[] {
  if (h2loadVersion() !== null || loads.every((load) => load.tool !== "h2load")) return loads
  log(`\n*** NOT RUN: loads of HTTP/2: h2load not found (it is in the package nghttp2-client). ***\n`)
  return loads.filter((load) => load.tool !== "h2load")
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
