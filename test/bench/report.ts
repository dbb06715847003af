/** The Markdown of RESULTS.md. */
import type { ColdStarts, Density } from "./density.ts"
import { spread, table } from "./figures.ts"
import { LOADS } from "./loads.ts"
import { machine } from "./machine.ts"
import type { Sample, Samples, StartSamples } from "./measure.ts"
import { noiseTable, ratioTables } from "./ratios.ts"
import type { Target, TargetName } from "./targets.ts"
import type { Sockets } from "./websocket.ts"
import { socketTables } from "./websocket-report.ts"

export interface Results {
  readonly rounds: number
  readonly seconds: number
  /** Those asked for, the missing ones included. */
  readonly targets: readonly Target[]
  readonly samples: Samples
  readonly starts: ReadonlyMap<TargetName, StartSamples>
  readonly density: readonly Density[]
  readonly cold: readonly ColdStarts[]
  readonly sockets: readonly Sockets[]
}

export function report(results: Results): string {
  const { rounds, seconds, targets, samples } = results
  const missing = new Map(
    targets.flatMap((target) => (target.missing === null ? [] : [[target.name, target.missing] as const])),
  )
  const parts = [
    `# Benchmark results

Made by \`npm run bench\`; never edited. ${new Date().toISOString().slice(0, 10)}.
${machine()}
${rounds} interleaved ${rounds === 1 ? "round" : "rounds"} of ${seconds} s; median (min–max). All on loopback, load generator on the same cores; nginx has one worker in front of node:http, one a core for files, TLS and HTTP/2.
A server-CPU-second counts every process of the target: host and guest, nginx and its app. How to read it: README.md.`,
    section(
      "Ratios",
      'Of two targets in the same round. "next target" is the design\'s, beyond the present one.',
      ratioTables(samples, missing),
    ),
    section(
      "How noisy the machine was",
      "The same bare server, in every round: a ratio that is nearer to its target than this is no news.",
      noiseTable(samples),
    ),
    section("Figures", "", figuresTable(results, missing)),
    section(
      "Start",
      "Process spawned to first answer, and resident memory of the process that listens, after it.",
      startsTable(results),
    ),
    section(
      "Many small apps",
      "Memory of the host and all its cells (PSS), and host spawned to the last app's first answer. Target: 1,000 isolate apps in less than 4,096 MiB.",
      densityTable(results),
    ),
    section(
      "WebSocket",
      "Memory while so many sockets are open and idle, above that of none (PSS); echoes of 32 bytes on 64 connections, one at a time on each.",
      socketTables(results.sockets),
    ),
    section("Cold", "In a cell that runs already. Target: p50 below 10 ms.", coldTable(results)),
  ]
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`
}

function section(title: string, text: string, content: string): string {
  return content === "" ? "" : [`## ${title}`, text, content].filter((part) => part !== "").join("\n\n")
}

function figuresTable({ targets, samples }: Results, missing: ReadonlyMap<TargetName, string>): string {
  const rows = LOADS.flatMap((load) => {
    const byTarget = samples.get(load.name)
    if (byTarget === undefined) return []
    const asked = targets.filter((target) => target.apps.includes(load.app))
    return asked.map((target) => {
      const reason = missing.get(target.name)
      const cells =
        reason === undefined
          ? figures(byTarget.get(target.name) as readonly Sample[])
          : [`not run: ${reason}`, "", "", ""]
      return [load.title, target.title, ...cells]
    })
  })
  return rows.length === 0
    ? ""
    : table(["load", "target", "requests/s", "requests/server-CPU-s", "p50 ms", "p99 ms"], rows)
}

function figures(samples: readonly Sample[]): string[] {
  const show = (figure: (sample: Sample) => number | null, digits: number): string => {
    const values = samples.map(figure).filter((it) => it !== null)
    return values.length === 0 ? "" : spread(values, digits)
  }
  return [
    show((it) => it.requestsPerSecond, 0),
    show((it) => it.requestsPerCpuSecond, 0),
    show((it) => it.p50Ms, 3),
    show((it) => it.p99Ms, 3),
  ]
}

function densityTable({ density }: Results): string {
  const rows = density.map((it) => [it.title, it.memoryMib.toFixed(0), it.allAnsweredMs.toFixed(0)])
  return rows.length === 0 ? "" : table(["apps", "memory MiB", "all answered ms"], rows)
}

function coldTable({ cold }: Results): string {
  const rows = cold.map(({ title, samplesMs }) => [title, spread(samplesMs, 1)])
  return rows.length === 0 ? "" : table(["what", "ms, p50 (min–max)"], rows)
}

function startsTable({ targets, starts }: Results): string {
  const rows = targets.flatMap((target) => {
    const it = starts.get(target.name)
    return it === undefined ? [] : [[target.title, spread(it.ms, 0), spread(it.rssMib, 0)]]
  })
  return rows.length === 0 ? "" : table(["target", "start ms", "memory MiB"], rows)
}
