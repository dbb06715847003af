/**
 * Runs one program to its end in a process group of its own, with a deadline, an abort signal and bounded output.
 * Knows nothing of npm or runtimes. When it returns, nothing of the group is left running.
 */
import { type ChildProcess, spawn } from "node:child_process"
import type { Environment } from "./types.ts"

export interface RunOptions {
  readonly cwd: string
  readonly env: Environment
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly onSpawn?: (pid: number) => void
}

export interface RunResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Why it did not run to its own end: could not be started, or took too long. */
  readonly problem: "spawn" | "timeout" | null
  /** System error code of a failed start: ENOENT, EACCES, ENOEXEC … */
  readonly errno: string
}

/** Rejects only with the signal's reason, after the group has been ended. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  options.signal.throwIfAborted()
  const child = spawn(program, [...args], {
    cwd: options.cwd,
    env: definedOnly(options.env),
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  let problem: RunResult["problem"] = null
  let errno = ""
  let forcedEnd: NodeJS.Timeout | undefined

  const end = () => {
    killGroup(child, "SIGTERM")
    forcedEnd ??= setTimeout(() => killGroup(child, "SIGKILL"), TERM_GRACE_MS)
  }
  const deadline = setTimeout(() => {
    problem = "timeout"
    end()
  }, options.timeoutMs)
  options.signal.addEventListener("abort", end, { once: true })
  if (child.pid !== undefined) options.onSpawn?.(child.pid)

  try {
    const code = await new Promise<number | null>((resolve) => {
      child.once("error", (error: NodeJS.ErrnoException) => {
        problem = "spawn"
        errno = error.code ?? ""
        resolve(null)
      })
      // A descendant that left the pipe open must not keep us: after exit, output has a short time to arrive.
      let settle: NodeJS.Timeout | undefined
      child.once("exit", (exitCode) => {
        settle = setTimeout(() => {
          killGroup(child, "SIGKILL")
          resolve(exitCode)
        }, PIPE_GRACE_MS)
      })
      child.once("close", (exitCode) => {
        clearTimeout(settle)
        resolve(exitCode)
      })
    })
    options.signal.throwIfAborted()
    return { code, stdout: stdout(), stderr: stderr(), problem, errno }
  } finally {
    clearTimeout(deadline)
    clearTimeout(forcedEnd)
    options.signal.removeEventListener("abort", end)
    child.stdout.destroy()
    child.stderr.destroy()
    // After an abort the leader may have gone before its children did.
    if (options.signal.aborted || problem === "timeout") killGroup(child, "SIGKILL")
  }
}

const TERM_GRACE_MS = 2000
const PIPE_GRACE_MS = 1000
const MAX_OUTPUT_CHARS = 16 * 1024 * 1024

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ""
  stream.setEncoding("utf8")
  stream.on("data", (chunk: string) => {
    if (text.length < MAX_OUTPUT_CHARS) text += chunk
  })
  stream.on("error", () => undefined)
  return () => text
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // Nobody of the group is left.
  }
}

function definedOnly(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
