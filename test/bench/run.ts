/**
 * `npm run bench`: measures the host against bare node:http of the same version, interleaved, and writes RESULTS.md.
 * `-- --short` runs one quick round, checks that nothing failed, and writes nothing (CI).
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type LoadResult, load } from "./load.ts"
import { cpuSeconds, freePort, rssMib, type Started, start, type Target, tree } from "./processes.ts"
import { machine, median, spread, table } from "./report.ts"

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "5" },
  },
})
const rounds = values.short ? 1 : Number(values.rounds)
const seconds = values.short ? 1 : Number(values.seconds)

const HEADERS_20 = [
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-GB,en;q=0.9,de;q=0.8",
  "Cache-Control: no-cache",
  "Cookie: session=0f8fad5b-d9cb-469f-a165-70867728950e; theme=dark; consent=1",
  "DNT: 1",
  "Pragma: no-cache",
  "Priority: u=0, i",
  "Referer: http://127.0.0.1/start",
  'Sec-CH-UA: "Chromium";v="140", "Not=A?Brand";v="24"',
  "Sec-CH-UA-Mobile: ?0",
  'Sec-CH-UA-Platform: "Linux"',
  "Sec-Fetch-Dest: document",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-User: ?1",
  "Upgrade-Insecure-Requests: 1",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "X-Requested-With: XMLHttpRequest",
  "If-None-Match: W/5f-17c",
]

const LOADS = [
  { name: "hello, 64 connections", connections: 64, headers: [] as string[], target: 0.6 },
  { name: "hello, 64 connections, 20 headers", connections: 64, headers: HEADERS_20, target: null },
  { name: "hello, 1 connection", connections: 1, headers: [] as string[], target: null },
]

interface Sample extends LoadResult {
  readonly requestsPerCpuSecond: number
}

const stateDir = await mkdtemp(join(tmpdir(), "polyhost-bench-"))
const here = import.meta.dirname
try {
  const bare = await bareTarget()
  const host = await hostTarget()
  const starts = await measureStarts([bare, host])
  const samples = await measureLoads([bare, host])
  const failed = [...samples.values()].flat().filter((sample) => sample.errors > 0 || sample.requests === 0)
  if (failed.length > 0)
    throw new Error(`${failed.length} of the loads had errors: ${JSON.stringify(failed[0])}`)
  const text = render({ bare, host, starts, samples })
  process.stdout.write(`\n${text}`)
  if (!values.short) await writeFile(join(here, "RESULTS.md"), text)
} finally {
  await rm(stateDir, { recursive: true, force: true })
}

async function bareTarget(): Promise<Target> {
  const port = await freePort()
  return {
    name: "bare node:http",
    file: process.execPath,
    args: [join(here, "apps/bare.mjs")],
    env: { PORT: String(port) },
    url: `http://127.0.0.1:${port}/`,
  }
}

async function hostTarget(): Promise<Target> {
  const port = await freePort()
  return {
    name: "polyhost, fetch app",
    file: process.execPath,
    args: [
      join(here, "../../host/cli/polyhost.js"),
      "serve",
      join(here, "apps/hello"),
      "--listen",
      `127.0.0.1:${port}`,
      "--state-dir",
      stateDir,
    ],
    env: {},
    url: `http://127.0.0.1:${port}/`,
  }
}

/** Start to first answer, each target in turn; and the memory of the process that listens, idle. */
async function measureStarts(
  targets: readonly Target[],
): Promise<Map<string, { ms: number[]; rss: number[] }>> {
  const results = new Map(targets.map((target) => [target.name, { ms: [] as number[], rss: [] as number[] }]))
  // The first start of each is not counted: it warms the page cache and installs the runtime.
  for (let round = 0; round < rounds + 1; round++) {
    for (const target of targets) {
      const started = await start(target)
      if (round > 0) {
        results.get(target.name)?.ms.push(started.startMs)
        results.get(target.name)?.rss.push(rssMib(started.pid))
      }
      await started.stop()
    }
  }
  return results
}

async function measureLoads(targets: readonly Target[]): Promise<Map<string, Sample[]>> {
  const running = new Map<Target, Started>()
  const samples = new Map<string, Sample[]>()
  try {
    for (const target of targets) running.set(target, await start(target))
    for (const target of targets) await load({ url: target.url, connections: 64, seconds: 1, headers: [] })
    for (let round = 0; round < rounds; round++) {
      for (const it of LOADS) {
        for (const target of targets) {
          const pids = tree((running.get(target) as Started).pid)
          const before = cpuSeconds(pids)
          const result = await load({
            url: target.url,
            connections: it.connections,
            seconds,
            headers: it.headers,
          })
          const requestsPerCpuSecond = result.requests / (cpuSeconds(pids) - before)
          const key = `${it.name} ${target.name}`
          samples.set(key, [...(samples.get(key) ?? []), { ...result, requestsPerCpuSecond }])
          process.stderr.write(
            `round ${round + 1}/${rounds} ${key}: ${Math.round(result.requestsPerSecond)}/s\n`,
          )
        }
      }
    }
  } finally {
    for (const started of running.values()) await started.stop()
  }
  return samples
}

interface Results {
  readonly bare: Target
  readonly host: Target
  readonly starts: Map<string, { ms: number[]; rss: number[] }>
  readonly samples: Map<string, Sample[]>
}

function render({ bare, host, starts, samples }: Results): string {
  const rows = LOADS.flatMap((it) => {
    const of = (target: Target): Sample[] => samples.get(`${it.name} ${target.name}`) as Sample[]
    return [bare, host].map((target) => [
      it.name,
      target.name,
      spread(
        of(target).map((sample) => sample.requestsPerSecond),
        0,
      ),
      spread(
        of(target).map((sample) => sample.requestsPerCpuSecond),
        0,
      ),
      spread(
        of(target).map((sample) => sample.p50Ms),
        3,
      ),
      spread(
        of(target).map((sample) => sample.p99Ms),
        3,
      ),
    ])
  })
  const ratios = LOADS.map((it) => {
    const bareSamples = samples.get(`${it.name} ${bare.name}`) as Sample[]
    const hostSamples = samples.get(`${it.name} ${host.name}`) as Sample[]
    const perRound = hostSamples.map(
      (sample, round) => sample.requestsPerSecond / bareSamples[round]!.requestsPerSecond,
    )
    const perCpu = hostSamples.map(
      (sample, round) => sample.requestsPerCpuSecond / bareSamples[round]!.requestsPerCpuSecond,
    )
    const verdict =
      it.target === null
        ? ""
        : median(perRound) >= it.target
          ? `reached (≥ ${it.target})`
          : `missed (≥ ${it.target})`
    return [it.name, spread(perRound, 2), spread(perCpu, 2), verdict]
  })
  const startRows = [bare, host].map((target) => {
    const { ms, rss } = starts.get(target.name) as { ms: number[]; rss: number[] }
    return [target.name, spread(ms, 0), spread(rss, 0)]
  })
  return `# Benchmark results

Made by \`npm run bench\`; never edited. ${new Date().toISOString().slice(0, 10)}.
${machine()}
${rounds} interleaved rounds of ${seconds} s; median (min–max). All on loopback, load generator on the same cores.
A server-CPU-second counts the whole process tree: host and guest.

${table(["load", "target", "requests/s", "requests/server-CPU-s", "p50 ms", "p99 ms"], rows)}

Ratio of polyhost to bare node:http in the same round:

${table(["load", "requests/s", "requests/server-CPU-s", "target"], ratios)}

Start (process spawned to first answer) and resident memory of the process that listens, after it:

${table(["target", "start ms", "memory MiB"], startRows)}
`
}
