/** Runs every load against every target, in rounds, and keeps the samples by round. What they mean: ratios.ts. */
import { ask } from "./ask.ts"
import { runH2load } from "./h2load.ts"
import type { Load, LoadName } from "./loads.ts"
import { cpuSeconds, rssMib, tree } from "./processes.ts"
import type { AppName, Running, Target, TargetName } from "./targets.ts"
import { type LoadResult, type Run, runWrk } from "./wrk.ts"

export interface Sample extends LoadResult {
  readonly requestsPerCpuSecond: number
}

export interface StartSamples {
  readonly ms: number[]
  readonly rssMib: number[]
}

export interface Plan {
  readonly loads: readonly Load[]
  readonly targets: readonly Target[]
  readonly rounds: number
  readonly seconds: number
  /** Seconds of load on each target's app that are not counted. */
  readonly warmSeconds: number
  /** Told to stop: the run rejects, and what was started is stopped. */
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** The samples of a load and a target, one a round, in the order of the rounds. */
export type Samples = ReadonlyMap<LoadName, ReadonlyMap<TargetName, readonly Sample[]>>

/** Start to first answer of the hello app, each target in turn; and the memory of the process that listens, idle. */
export async function measureStarts(plan: Plan): Promise<Map<TargetName, StartSamples>> {
  const results = new Map<TargetName, StartSamples>()
  // The first start of each is not counted: it warms the page cache and installs the runtime.
  for (let round = 0; round < plan.rounds + 1; round++) {
    for (const target of plan.targets) {
      plan.signal.throwIfAborted()
      const running = await target.start("hello")
      if (round > 0) {
        const samples = results.get(target.name) ?? { ms: [], rssMib: [] }
        samples.ms.push(running.startMs)
        samples.rssMib.push(rssMib(running.pids[0]))
        results.set(target.name, samples)
      }
      await running.stop()
    }
  }
  return results
}

export async function measureLoads(plan: Plan): Promise<Samples> {
  const running = new Map<string, Running>()
  const of = (target: Target, app: AppName): Running => running.get(`${target.name} ${app}`) as Running
  try {
    for (const app of new Set(plan.loads.map((load) => load.app))) {
      for (const target of plan.targets) {
        if (!target.apps.includes(app)) continue
        plan.signal.throwIfAborted()
        running.set(`${target.name} ${app}`, await target.start(app))
        await sameNode(target, of(target, app))
      }
    }
    for (const load of plan.loads) {
      for (const target of targetsOf(load, plan)) await prove(load, target, of(target, load.app))
      if (plan.warmSeconds === 0) continue
      for (const target of targetsOf(load, plan))
        await run(load, of(target, load.app), { ...plan, seconds: plan.warmSeconds })
    }
    return await measureRounds(plan, of)
  } finally {
    for (const it of running.values()) await it.stop()
  }
}

async function measureRounds(
  plan: Plan,
  of: (target: Target, app: AppName) => Running,
): Promise<Map<LoadName, Map<TargetName, Sample[]>>> {
  const samples = new Map(
    plan.loads.map((load) => [
      load.name,
      new Map<TargetName, Sample[]>(targetsOf(load, plan).map((target) => [target.name, []])),
    ]),
  )
  for (let round = 0; round < plan.rounds; round++) {
    for (const load of plan.loads) {
      for (const target of rotate(targetsOf(load, plan), round)) {
        const sample = await measure(load, of(target, load.app), plan)
        samples.get(load.name)?.get(target.name)?.push(sample)
        const faults = sample.errors > 0 ? `, ${sample.errors} ERRORS` : ""
        const latency = sample.p50Ms === null ? "" : `, p50 ${sample.p50Ms.toFixed(3)} ms`
        plan.log(
          `round ${round + 1}/${plan.rounds} · ${load.title} · ${target.title}: ` +
            `${Math.round(sample.requestsPerSecond)}/s${latency}${faults}`,
        )
      }
    }
  }
  return samples
}

/** Those that have the load's app. */
function targetsOf(load: Load, plan: Plan): readonly Target[] {
  return plan.targets.filter((target) => target.apps.includes(load.app))
}

async function measure(load: Load, running: Running, { seconds, signal }: Plan): Promise<Sample> {
  const pids = tree(running.pids)
  const before = cpuSeconds(pids)
  const result = await run(load, running, { seconds, signal })
  return { ...result, requestsPerCpuSecond: result.requests / (cpuSeconds(pids) - before) }
}

function run(load: Load, { url }: Running, { seconds, signal }: Omit<Run, "url">): Promise<LoadResult> {
  const tool = load.tool === "wrk" ? runWrk : runH2load
  return tool(load, { url: addressOf(load, url), seconds, signal })
}

function addressOf({ path = "" }: Load, url: string): string {
  return url + path
}

/** Each target is first as often as any other, so that none always comes after the same heat. */
function rotate<T>(items: readonly T[], by: number): readonly T[] {
  const first = by % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}

/** The load generators look at status codes alone; one answer of each kind is compared whole. */
async function prove(load: Load, target: Target, { url }: Running): Promise<void> {
  const { answer, ...question } = load.proof
  const address = { url: addressOf(load, url), http2: load.tool === "h2load" }
  const seen = await ask(address, { ...question, headers: load.headers })
  if (seen.status === 200 && seen.body === answer) return
  throw new Error(
    `${target.title} answers ${load.title} with status ${seen.status} and ${JSON.stringify(seen.body.slice(0, 200))}`,
  )
}

/** A ratio to another version of Node would say nothing: a guest must run the version that runs the bare server. */
async function sameNode(target: Target, { adminSocket }: Running): Promise<void> {
  if (adminSocket === undefined) return
  const { body } = await ask({ url: "http://localhost/v1/status", socketPath: adminSocket })
  const { apps } = JSON.parse(body) as { apps: readonly { runtime: { name: string; version: string } }[] }
  const { name, version } = apps[0]?.runtime ?? {}
  // An isolate has the V8 of its cell, and no Node.
  if (name === "isolate" || version === process.versions.node) return
  throw new Error(`${target.title} runs Node ${version}, and the bare server ${process.versions.node}`)
}
