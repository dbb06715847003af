/** Runs the real command line in child processes, in temporary folders, and leaves neither behind. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { processIdentity } from "../../host/cli/process-identity.ts"

export const POLYHOST = fileURLToPath(new URL("../../host/cli/polyhost.js", import.meta.url))
const DEADLINE_MS = 15_000

/** A program that listens where it is told. `/hold` answers its head at once and its end after a while. */
export const SERVER = `
import { createServer } from "node:http"
createServer((request, response) => {
  if (request.url.endsWith("/env")) return response.end(JSON.stringify(process.env))
  if (!request.url.endsWith("/hold")) return response.end("hello from " + process.pid)
  response.flushHeaders()
  setTimeout(() => response.end("held"), request.headers["x-hold-ms"] ?? 700)
}).listen(process.env.POLYHOST_SERVER_SOCKET ?? process.env.PORT)
`

export interface Rig {
  dir(): Promise<string>
  /** Makes files below a new folder; objects are written as JSON. */
  tree(files: Record<string, unknown>): Promise<string>
  run(args: readonly string[], options?: RunOptions): Promise<Result>
  serve(args: readonly string[], options?: RunOptions): Promise<Serving>
  cleanUp(): Promise<void>
}

export interface RunOptions {
  readonly cwd?: string
  readonly node?: string
  readonly env?: Record<string, string>
}

export interface Result {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export interface Serving {
  readonly child: ChildProcess
  /** Of the host, which is another process than `child` under an old Node. */
  readonly pid: number
  readonly url: string
  /** Resolves with the first output that matches, from the beginning. */
  output(pattern: RegExp): Promise<RegExpExecArray>
  readonly exited: Promise<Result>
}

export function commandApp(extra: Record<string, unknown> = {}): Record<string, unknown> {
  return { runtime: "command", command: [process.execPath, "server.mjs"], ...extra }
}

export function createRig(): Rig {
  const dirs: string[] = []
  const children = new Set<ChildProcess>()
  const groups = new Set<number>()
  let cache: Promise<string> | undefined

  async function dir(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), "polyhost-test-"))
    dirs.push(path)
    return path
  }

  async function start(args: readonly string[], options: RunOptions): Promise<Started> {
    cache ??= dir()
    const env = { ...process.env, XDG_CACHE_HOME: await cache, ...options.env }
    const child = spawn(options.node ?? process.execPath, [POLYHOST, ...args], {
      cwd: options.cwd ?? (await dir()),
      env,
      stdio: ["ignore", "pipe", "pipe"],
    })
    children.add(child)
    child.once("exit", () => children.delete(child))
    return started(child)
  }

  return {
    dir,
    async tree(files) {
      const root = await dir()
      for (const [name, content] of Object.entries(files)) {
        const path = join(root, name)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, typeof content === "string" ? content : JSON.stringify(content))
      }
      return root
    },
    async run(args, options = {}) {
      const { exited } = await start(args, options)
      return exited
    },
    async serve(args, options = {}) {
      const { child, output, exited } = await start(["serve", "--listen", "127.0.0.1:0", ...args], options)
      const [, url = "", pid = ""] = await output(/listens on (http:\/\/[\d.:]+)[^\n]*?\(pid (\d+)\)/)
      groups.add(Number(pid))
      return { child, pid: Number(pid), url, output, exited }
    },
    async cleanUp() {
      const exits = [...children].map((child) => new Promise((resolve) => child.once("exit", resolve)))
      for (const pid of groups) kill(pid)
      for (const child of children) child.kill("SIGKILL")
      await Promise.all(exits)
      for (const path of dirs) await rm(path, { recursive: true, force: true })
    },
  }
}

interface Started {
  readonly child: ChildProcess
  readonly output: Serving["output"]
  readonly exited: Promise<Result>
}

function started(child: ChildProcess): Started {
  let stdout = ""
  let stderr = ""
  const watchers = new Set<() => void>()
  child.stdout?.on("data", (chunk) => {
    stdout += chunk
    for (const watcher of watchers) watcher()
  })
  child.stderr?.on("data", (chunk) => {
    stderr += chunk
  })
  const exited = new Promise<Result>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr })),
  )
  return {
    child,
    exited,
    output: (pattern) =>
      new Promise((resolve, reject) => {
        const fail = (why: string): void =>
          reject(new Error(`no output ${pattern} ${why}\nstdout:\n${stdout}\nstderr:\n${stderr}`))
        const timer = setTimeout(() => fail(`in ${DEADLINE_MS} ms`), DEADLINE_MS)
        const look = (): void => {
          const match = pattern.exec(stdout)
          if (match === null) return
          clearTimeout(timer)
          watchers.delete(look)
          resolve(match)
        }
        watchers.add(look)
        exited.then(({ code }) => {
          clearTimeout(timer)
          fail(`before it ended with ${code}`)
        })
        look()
      }),
  }
}

/** False for a process that has ended, even when its parent has not looked yet. */
export function isAlive(pid: number): boolean {
  return processIdentity(pid) !== null
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It has ended already.
  }
}
