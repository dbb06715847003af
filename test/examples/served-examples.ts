/**
 * The examples as `npm start` serves them, but from a copy, on a free port: a checkout whose examples are being served at
 * this moment is not disturbed, and no lock file is written into it. Runtimes come from the user's own cache.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { cp, mkdtemp, realpath, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, delimiter, join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { within } from "../support/deadline.ts"

const ROOT = resolve(import.meta.dirname, "../..")
export const EXAMPLES = join(ROOT, "examples")
/** Longest time until every app has its first state; on a clean machine that includes the downloads. */
export const SERVE_MS = 300_000
const STOP_MS = 40_000
const COMMAND_MS = 30_000

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export class ServedExamples {
  readonly #dir: string
  readonly #host: ChildProcess
  #output = ""
  #url = ""

  private constructor(dir: string, host: ChildProcess) {
    this.#dir = dir
    this.#host = host
  }

  static async start(): Promise<ServedExamples> {
    const dir = await realpath(await mkdtemp(join(tmpdir(), "phx-")))
    try {
      await copyCheckout(dir)
      const program = join(ROOT, "host/cli/polyhost.js")
      const args = [program, "serve", join(dir, "examples"), "--listen", "127.0.0.1:0"]
      const host = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"], env: environment() })
      const it = new ServedExamples(dir, host)
      await within(SERVE_MS, "the examples' start", it.#started())
      return it
    } catch (error) {
      await rm(dir, { recursive: true, force: true })
      throw error
    }
  }

  /** What the host printed so far. */
  get output(): string {
    return this.#output
  }

  get url(): string {
    return this.#url
  }

  /** Runs a command of a README, whose address is that of `npm start`. */
  run(command: string): Promise<Outcome> {
    const here = command.replaceAll("http://127.0.0.1:8080", this.#url)
    return runProgram("/bin/sh", ["-c", here], this.#dir)
  }

  /** Ends the host as Ctrl-C does; resolves with its exit code. */
  async stop(): Promise<number | null> {
    try {
      if (this.#host.exitCode === null) {
        const exited = once(this.#host, "exit")
        this.#host.kill("SIGTERM")
        await within(STOP_MS, "the host's end", exited)
      }
      return this.#host.exitCode
    } finally {
      this.#host.kill("SIGKILL")
      await rm(this.#dir, { recursive: true, force: true })
    }
  }

  /** Resolves at the line that sums up, after which every app has a state. */
  async #started(): Promise<void> {
    for await (const line of createInterface({ input: this.#host.stdout! })) {
      this.#output += `${line}\n`
      this.#url ||= /listens on (http:\S+)/.exec(line)?.[1] ?? ""
      if (/^\d+ apps: /.test(line)) {
        this.#host.stdout!.resume()
        return
      }
    }
    throw new Error(`the host ended:\n${this.#output}`)
  }
}

/** What the examples need of a checkout around them, with the package built as `npm pack` would ship it. */
async function copyCheckout(dir: string): Promise<void> {
  const mayCopy = (path: string): boolean => ![".polyhost", "node_modules"].includes(basename(path))
  await cp(EXAMPLES, join(dir, "examples"), { recursive: true, filter: mayCopy })
  await cp(join(ROOT, "package.json"), join(dir, "package.json"))
  for (const part of ["node_modules", "host"]) await symlink(join(ROOT, part), join(dir, part))
  const build = ["run", "--silent", "build:host", "--", `--outdir=${join(dir, "dist")}`, "--allow-overwrite"]
  const built = await runProgram("npm", build, ROOT)
  if (built.code !== 0) throw new Error(`the package cannot be built:\n${built.stderr}`)
  for (const part of ["guest", "cell", "isolate"])
    await symlink(join(ROOT, "dist", part), join(dir, "dist", part))
}

async function runProgram(file: string, args: readonly string[], cwd: string): Promise<Outcome> {
  const child = spawn(file, args, { cwd, stdio: ["ignore", "pipe", "pipe"], env: environment() })
  const texts = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text
    })
  }
  try {
    const [code] = (await within(COMMAND_MS, args.join(" "), once(child, "close"))) as [number | null]
    return { code, ...texts }
  } finally {
    child.kill("SIGKILL")
  }
}

/** As in an npm script: the package's own programs stand first on PATH. */
function environment(): NodeJS.ProcessEnv {
  const path = [join(ROOT, "node_modules/.bin"), process.env["PATH"] ?? ""].join(delimiter)
  return { ...process.env, PATH: path }
}
