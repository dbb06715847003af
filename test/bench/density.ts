/**
 * How much many small apps cost: memory and time until all of so many isolates or threads have answered, and how long the
 * first request to an app that is not running takes. One host at a time, each stopped before the next.
 */
import { mkdtemp, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ask } from "./ask.ts"
import { median } from "./figures.ts"
import { freePort, pssMib, start, tree } from "./processes.ts"

export interface Density {
  readonly title: string
  /** Proportional set size of the host and all cells, in MiB: pages that several processes share are counted once. */
  readonly memoryMib: number
  /** From spawning the host until each app had answered and each instance was ready, in milliseconds. */
  readonly allAnsweredMs: number
}

export interface ColdStarts {
  readonly title: string
  readonly samplesMs: readonly number[]
}

export interface DensityPlan {
  /** Folder for configurations and state. */
  readonly dir: string
  /** True: small numbers, to see that it works. */
  readonly short: boolean
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

const APPS = join(import.meta.dirname, "apps")
const POLYHOST = join(import.meta.dirname, "../../host/cli/polyhost.js")
const ASKED_AT_ONCE = 4
const REST_MS = 100

export async function measureDensity(plan: DensityPlan): Promise<readonly Density[]> {
  const results: Density[] = []
  for (const count of plan.short ? [1, 10] : [1, 100, 1000]) {
    const apps = Array.from({ length: count }, (_, i) => app(`i${i}`, "isolate", {}))
    results.push(await density(plan, `${count} isolate ${count === 1 ? "app" : "apps"}`, apps))
  }
  const threads = plan.short ? 4 : 100
  const pool = { instances: threads, concurrency: 1 }
  results.push(await density(plan, "1 thread", [app("pool", "thread", {})]))
  results.push(await density(plan, `1 app of ${threads} threads`, [app("pool", "thread", pool)]))
  return results
}

/**
 * First requests to apps that wait for one (`instances.min` 0), in a cell that another app keeps warm: each after a rest, as they come in
 * life, and then one right after the other, when the cell has no isolate ready for each.
 */
export async function measureColdStarts(plan: DensityPlan): Promise<readonly ColdStarts[]> {
  const idle = { instances: { min: 0, max: 1 } }
  // All of them with the warm one in one cell.
  const count = plan.short ? 3 : 30
  const names = (prefix: string): AppConfig[] =>
    Array.from({ length: count }, (_, i) => app(`${prefix}${i}`, "isolate", idle))
  const [rested, rushed] = [names("rested"), names("rushed")]
  return withHost(plan, [app("warm", "isolate", {}), ...rested, ...rushed], async ({ url }) => {
    await answered(`${url}/warm`)
    const first = async (apps: readonly AppConfig[], title: string, restMs: number): Promise<ColdStarts> => {
      const samplesMs: number[] = []
      for (const { name } of apps) {
        plan.signal.throwIfAborted()
        await new Promise((resolve) => setTimeout(resolve, restMs))
        const startMs = performance.now()
        await answered(`${url}/${name}`)
        samplesMs.push(performance.now() - startMs)
      }
      plan.log(`${title}: p50 ${median(samplesMs).toFixed(2)} ms`)
      return { title, samplesMs }
    }
    return [
      await first(rested, `first request to an idle isolate app, one every ${REST_MS} ms`, REST_MS),
      await first(rushed, "the same, one right after the other", 0),
    ]
  })
}

type AppConfig = { readonly name: string } & Readonly<Record<string, unknown>>

function app(
  name: string,
  runtime: "isolate" | "thread",
  more: Readonly<Record<string, unknown>>,
): AppConfig {
  const dir = join(APPS, `hello-${runtime}`)
  return { name, dir, runtime, entry: "hello.mjs", interface: "fetch", routes: [`/${name}`], ...more }
}

function density(plan: DensityPlan, title: string, apps: readonly AppConfig[]): Promise<Density> {
  return withHost(plan, apps, async ({ url, pid, startedAtMs, adminSocket }) => {
    const left = apps.map((it) => it.name)
    const worker = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        plan.signal.throwIfAborted()
        await answered(`${url}/${name}`)
      }
    }
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, worker))
    await allReady(adminSocket)
    const allAnsweredMs = performance.now() - startedAtMs
    const memoryMib = tree([pid]).reduce((sum, it) => sum + pssMib(it), 0)
    plan.log(`${title}: ${memoryMib.toFixed(0)} MiB, all answered after ${allAnsweredMs.toFixed(0)} ms`)
    return { title, memoryMib, allAnsweredMs }
  })
}

interface Host {
  readonly url: string
  readonly pid: number
  readonly startedAtMs: number
  readonly adminSocket: string
}

async function withHost<T>(
  plan: DensityPlan,
  apps: readonly AppConfig[],
  use: (host: Host) => Promise<T>,
): Promise<T> {
  const place = await mkdtemp(join(plan.dir, "density-"))
  const config = join(place, "polyhost.json")
  const port = await freePort()
  await writeFile(config, JSON.stringify({ listen: [`127.0.0.1:${port}`], apps }))
  const startedAtMs = performance.now()
  const url = `http://127.0.0.1:${port}`
  const host = await start({
    name: "polyhost with many apps",
    file: process.execPath,
    args: [POLYHOST, "serve", config, "--state-dir", join(place, "state")],
    env: {},
    ready: { url: `${url}/${apps[0]?.name}` },
  })
  try {
    return await use({ url, pid: host.pid, startedAtMs, adminSocket: join(place, "state", "admin.sock") })
  } finally {
    await host.stop()
  }
}

/** Resolves when no instance is on its way any more: an app of many answers when it has its first. */
async function allReady(socketPath: string): Promise<void> {
  for (;;) {
    const { body } = await ask({ url: "http://localhost/v1/status", socketPath })
    const { apps } = JSON.parse(body) as { apps: readonly { instances: readonly { state: string }[] }[] }
    if (apps.every(({ instances }) => instances.every(({ state }) => state === "ready"))) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function answered(url: string): Promise<void> {
  const { status, body } = await ask({ url })
  if (status !== 200 || body !== "Hello, world!\n")
    throw new Error(`${url} answered ${status} ${body.slice(0, 200)}`)
}
