/**
 * What the figures should be: ratios of two targets in the same round, the goals for them, and the tables that say
 * whether they were reached. "next target" is what the design of record asks for beyond the present target.
 */
import { median, spread, table } from "./figures.ts"
import { LOADS, type LoadName } from "./loads.ts"
import type { Sample, Samples } from "./measure.ts"
import type { TargetName } from "./targets.ts"

interface Goal {
  readonly load: LoadName
  /** The least ratio in requests a second that is wanted now. */
  readonly target?: number
  readonly next?: number
  /** The same in requests a second of the server's CPU. */
  readonly nextPerCpu?: number
}

interface Pair {
  readonly title: string
  readonly measured: TargetName
  readonly yardstick: TargetName
  readonly goals: readonly Goal[]
}

const PAIRS: readonly Pair[] = [
  {
    title: "polyhost, fetch app / bare node:http",
    measured: "fetch",
    yardstick: "bare",
    goals: [
      { load: "hello", target: 0.9, next: 1.0, nextPerCpu: 0.85 },
      { load: "hello-20", target: 1.2, next: 1.3, nextPerCpu: 1.1 },
      { load: "hello-91", target: 1.8, next: 2.0, nextPerCpu: 1.6 },
    ],
  },
  {
    title: "polyhost, fetch app / nginx → node:http",
    measured: "fetch",
    yardstick: "nginx",
    goals: [
      { load: "hello", target: 1.5, next: 2.0, nextPerCpu: 2.0 },
      { load: "hello-20", target: 1.5, next: 2.0, nextPerCpu: 2.0 },
      { load: "hello-91", target: 1.5, next: 2.0, nextPerCpu: 2.0 },
      { load: "64k", target: 0.8, next: 0.8 },
      { load: "upload", target: 0.8, next: 0.8 },
    ],
  },
  {
    title: "polyhost, server app / nginx → the same server",
    measured: "server",
    yardstick: "nginx",
    goals: [
      { load: "hello", target: 1.0, next: 1.0 },
      { load: "hello-20", next: 1.0 },
      { load: "hello-91", next: 1.0 },
      { load: "64k", next: 0.8 },
      { load: "upload", next: 0.8 },
    ],
  },
]

/** Pairs that are asked for the hello loads alone. */
const CELL_PAIRS: readonly Pair[] = [
  {
    title: "polyhost, isolate / workerd",
    measured: "isolate",
    yardstick: "workerd",
    goals: [
      { load: "hello", target: 1.5, next: 1.5 },
      { load: "hello-20", next: 1.5 },
      { load: "hello-91", next: 1.5 },
    ],
  },
  {
    title: "polyhost, fetch app in a thread / bare node:http in a thread",
    measured: "thread",
    yardstick: "bare-thread",
    goals: [{ load: "hello" }, { load: "hello-20" }, { load: "hello-91" }],
  },
]

const FRONT_PAIRS: readonly Pair[] = [
  {
    title: "polyhost, static files / nginx, the same tree",
    measured: "files",
    yardstick: "nginx-files",
    goals: [
      { load: "1k-file", target: 0.5, next: 0.5 },
      { load: "100k-file", target: 0.5, next: 0.5 },
      { load: "10m-file", target: 0.5, next: 0.5 },
    ],
  },
  {
    title: "HTTP/2 and TLS: polyhost, fetch app / nginx → node:http",
    measured: "fetch",
    yardstick: "nginx",
    goals: [{ load: "h2", target: 1.0, next: 1.0 }, { load: "h2c", target: 1.0, next: 1.0 }, { load: "tls" }],
  },
]

/** The most that one connection's median latency may be, as a multiple of the bare server's. */
const P50_TARGET = 1.6

/** Markdown: one table a pair. A target in `missing` has its reason there. */
export function ratioTables(samples: Samples, missing: ReadonlyMap<TargetName, string>): string {
  const parts = [...PAIRS, ...CELL_PAIRS, ...FRONT_PAIRS].flatMap((pair) => {
    const rows = pair.goals.flatMap((goal) => pairRow(pair, goal, samples, missing))
    if (rows.length === 0) return []
    const head = ["load", "requests/s", "target", "next target", "requests/server-CPU-s", "next target"]
    return [`**${pair.title}**\n\n${table(head, rows)}`]
  })
  return [...parts, ...latencyTable(samples)].join("\n\n")
}

/** How far apart the rounds of one unchanged server were: what the machine alone does to a figure. */
export function noiseTable(samples: Samples): string {
  const rows = LOADS.flatMap((load) => {
    const bare = samples.get(load.name)?.get("bare")
    if (bare === undefined) return []
    const rates = bare.map((it) => it.requestsPerSecond)
    return [[load.title, spread(rates, 0), (Math.max(...rates) / Math.min(...rates)).toFixed(2)]]
  })
  return rows.length === 0
    ? ""
    : table(["load", "bare node:http, requests/s", "fastest / slowest round"], rows)
}

function pairRow(
  pair: Pair,
  goal: Goal,
  samples: Samples,
  missing: ReadonlyMap<TargetName, string>,
): string[][] {
  const byTarget = samples.get(goal.load)
  const measured = byTarget?.get(pair.measured)
  const yardstick = byTarget?.get(pair.yardstick)
  const title = LOADS.find((it) => it.name === goal.load)?.title ?? goal.load
  const reason = missing.get(pair.measured) ?? missing.get(pair.yardstick)
  if (reason !== undefined && byTarget !== undefined)
    return [
      [title, `not run: ${reason}`, atLeast(goal.target), atLeast(goal.next), "", atLeast(goal.nextPerCpu)],
    ]
  if (measured === undefined || yardstick === undefined) return []
  const rate = ratios(measured, yardstick, (it) => it.requestsPerSecond)
  const perCpu = ratios(measured, yardstick, (it) => it.requestsPerCpuSecond)
  return [
    [
      title,
      spread(rate, 2),
      verdict(rate, goal.target),
      verdict(rate, goal.next),
      spread(perCpu, 2),
      verdict(perCpu, goal.nextPerCpu),
    ],
  ]
}

function latencyTable(samples: Samples): string[] {
  const measured = samples.get("one")?.get("fetch")
  const bare = samples.get("one")?.get("bare")
  if (measured === undefined || bare === undefined) return []
  const p50 = ratios(measured, bare, (it) => it.p50Ms ?? 0)
  const row = [
    "hello, 1 connection",
    spread(p50, 2),
    `${median(p50) <= P50_TARGET ? "reached" : "missed"} (≤ ${P50_TARGET})`,
  ]
  return [
    `**polyhost, fetch app / bare node:http, latency** (less is better)\n\n${table(["load", "p50", "target"], [row])}`,
  ]
}

/** A ratio a round: two figures of the same minute, so that a slow spell of the machine is in both. */
function ratios(
  measured: readonly Sample[],
  yardstick: readonly Sample[],
  figure: (sample: Sample) => number,
): number[] {
  return measured.map((sample, round) => figure(sample) / figure(yardstick[round] as Sample))
}

function verdict(values: readonly number[], least: number | undefined): string {
  if (least === undefined) return ""
  return `${median(values) >= least ? "reached" : "missed"} (${atLeast(least)})`
}

function atLeast(least: number | undefined): string {
  if (least === undefined) return ""
  return `≥ ${Number.isInteger(least) ? least.toFixed(1) : least}`
}
