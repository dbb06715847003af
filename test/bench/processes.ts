/** Child processes of a benchmark: start until they answer, their CPU time and memory with all their children. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { type Address, ask } from "./ask.ts"

export interface Command {
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** What answers with status 200 as soon as it serves. */
  readonly ready: Address
}

export interface Started {
  readonly pid: number
  /** From spawn to the first answer with status 200, in milliseconds. */
  readonly startMs: number
  stop(): Promise<void>
}

/** Longest wait for a first answer, in milliseconds: a cold cache installs a runtime first. */
const START_DEADLINE_MS = 120_000
/** Longest wait for an end after SIGTERM, in milliseconds. */
const STOP_DEADLINE_MS = 30_000

export async function start(command: Command): Promise<Started> {
  const startedAt = performance.now()
  const child = spawn(command.file, command.args, {
    env: { ...process.env, ...command.env },
    stdio: ["ignore", "ignore", "inherit"],
  })
  await once(child, "spawn")
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  await firstAnswer(command, child, startedAt)
  return {
    pid: child.pid as number,
    startMs: performance.now() - startedAt,
    async stop() {
      // A program of npm may be a wrapper that ends alone.
      const below = tree([child.pid as number])
      child.kill("SIGTERM")
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS)
      await exited
      clearTimeout(late)
      for (const pid of below) if (pid !== child.pid) end(pid)
    },
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has ended.
  }
}

async function firstAnswer(command: Command, child: ChildProcess, startedAt: number): Promise<void> {
  let last = ""
  while (performance.now() - startedAt < START_DEADLINE_MS) {
    if (child.exitCode !== null) throw new Error(`${command.name} ended with code ${child.exitCode}`)
    const answer = await ask(command.ready).catch(() => null)
    if (answer?.status === 200) return
    if (answer !== null) last = `; its last answer was ${answer.status} ${answer.body}`
    // Asked again at once but for a turn of the loop: the resolution of the figure is the cost of a refused connection.
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  child.kill("SIGKILL")
  throw new Error(`${command.name} did not answer within ${START_DEADLINE_MS} ms${last}`)
}

/** The processes and everything below them. */
export function tree(roots: readonly number[]): number[] {
  const parents = new Map<number, number[]>()
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const fields = statOf(Number(name))
    if (fields === null) continue
    const parent = Number(fields[1])
    parents.set(parent, [...(parents.get(parent) ?? []), Number(name)])
  }
  const found: number[] = [...roots]
  for (const it of found) found.push(...(parents.get(it) ?? []))
  return found
}

/** Seconds of CPU, user and system, of the processes so far. A tick of /proc is 10 ms. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of pids) {
    const fields = statOf(pid)
    if (fields !== null) ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / 100
}

/** Resident memory of one process, in MiB. */
export function rssMib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1")
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024
}

/** Memory of one process, in MiB, with its share of what it shares; 0 when it is gone. */
export function pssMib(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1")
    return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** The fields of /proc/PID/stat after the name, or null when the process is gone. */
function statOf(pid: number): string[] | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").pop()?.split(" ") ?? null
  } catch {
    return null
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
