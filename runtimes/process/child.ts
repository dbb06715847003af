/**
 * One child process in a process group of its own: its output, its end, and the end of whatever it started. The
 * group is killed as a whole and, when the main process ends, so are those it left behind.
 */
import { type ChildProcess, spawn } from "node:child_process"
import type { Readable } from "node:stream"
import { PolyhostError } from "../../protocol/errors.ts"
import type { OutputSink } from "../runtime.ts"
import { readLines } from "./output.ts"
import type { Watchdog } from "./watchdog.ts"

/** How long output that a lost grandchild still holds open is waited for after the end, in milliseconds. */
const OUTPUT_AFTER_EXIT_MS = 500

export interface ChildOptions {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly output: OutputSink
  readonly watchdog: Watchdog
}

export interface ChildExit {
  readonly code: number | null
  readonly signal: string | null
  /** `exit code 1`, `killed by SIGSEGV`. */
  readonly reason: string
}

export interface Child {
  readonly pid: number
  /** Settles once the process has ended and its output was read. Never rejects. */
  readonly exited: Promise<ChildExit>
  readonly alive: boolean
  /** Sends a signal to the whole process group. */
  signal(name: "SIGTERM" | "SIGKILL"): void
}

/** @throws PolyhostError RUNTIME_SPAWN_FAILED */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = spawn(options.file, options.args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  })
  if (child.pid === undefined) {
    const cause = await new Promise<Error>((resolve) => child.once("error", resolve))
    throw new PolyhostError("RUNTIME_SPAWN_FAILED", `cannot start ${options.file}: ${cause.message}`, {
      cause,
    })
  }
  const { pid } = child
  options.watchdog.watch(pid)
  const readers = [
    readLines(child.stdout as Readable, "stdout", options.output),
    readLines(child.stderr as Readable, "stderr", options.output),
  ]
  let alive = true
  const exited = exitOf(child, () => {
    alive = false
    signalGroup(pid, "SIGKILL")
    options.watchdog.forget(pid)
    for (const reader of readers) reader.hurry()
  })
  return {
    pid,
    exited,
    get alive() {
      return alive
    },
    signal(name) {
      if (alive) signalGroup(pid, name)
    },
  }
}

function exitOf(child: ChildProcess, onExit: () => void): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.on("error", () => undefined)
    child.once("exit", (code, signal) => {
      onExit()
      const exit = { code, signal, reason: signal === null ? `exit code ${code}` : `killed by ${signal}` }
      const done = (): void => {
        clearTimeout(timer)
        child.stdout?.destroy()
        child.stderr?.destroy()
        resolve(exit)
      }
      const timer = setTimeout(done, OUTPUT_AFTER_EXIT_MS)
      child.once("close", done)
    })
  })
}

function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name)
  } catch {
    // No member of the group is left: that is what was wanted.
  }
}
