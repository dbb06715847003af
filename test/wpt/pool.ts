/** Runs files in child processes, a few at a time; a child that crashes or does not answer costs its file and is replaced. */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import type { ChildSetup, FileResult, FromChild, Task, ToChild } from "./messages.ts"

/** Beyond a file's own time limit: the child does not even say that time was up. */
const GRACE_MS = 8000

export interface PoolOptions {
  readonly setup: ChildSetup
  readonly processes: number
  readonly told: (result: FileResult) => void
}

export async function runAll(tasks: readonly Task[], options: PoolOptions): Promise<FileResult[]> {
  const waiting = [...tasks]
  const results: FileResult[] = []
  const worker = async (): Promise<void> => {
    let child: ChildProcess | null = null
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      child ??= await openChild(options.setup)
      const result = await runIn(child, task)
      results.push(result)
      options.told(result)
      // After a crash, or with an isolate that may still run, the next file gets a fresh process.
      if (result.status === "crash" || result.status === "timeout") {
        await closeChild(child)
        child = null
      }
    }
    if (child !== null) await closeChild(child)
  }
  await Promise.all(Array.from({ length: options.processes }, worker))
  return results.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function openChild(setup: ChildSetup): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, "child.ts"), [], {
    execArgv: ["--no-node-snapshot", "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    serialization: "advanced",
  })
  child.send({ setup } satisfies ToChild)
  await once(child, "message")
  return child
}

function runIn(child: ChildProcess, task: Task): Promise<FileResult> {
  return new Promise((resolve) => {
    const done = (result: FileResult): void => {
      clearTimeout(timer)
      child.off("exit", exited)
      child.off("message", heard)
      resolve(result)
    }
    const lost = (status: "crash" | "timeout", message: string): void =>
      done({ name: task.file.name, status, message, subtests: [] })
    const timer = setTimeout(() => lost("timeout", "the isolate did not stop"), task.timeLimitMs + GRACE_MS)
    const exited = (code: number | null, signal: string | null): void =>
      lost("crash", `the process ended: ${signal ?? code}`)
    const heard = (message: FromChild): void => {
      if ("result" in message) done(message.result)
    }
    child.once("exit", exited)
    child.on("message", heard)
    child.send({ task } satisfies ToChild)
  })
}

/** Never by its own exit, which can hang with isolates. */
async function closeChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, "exit")
  child.kill("SIGKILL")
  await gone
}
