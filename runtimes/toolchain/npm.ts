/**
 * The user's own npm as a program: where it is, how it is called, what its failures say. Going through it honours
 * proxy, CA, tokens and mirrors of every .npmrc. What is asked of the registry is `registry.ts`.
 */
import { constants } from "node:fs"
import { access } from "node:fs/promises"
import { basename, delimiter, dirname, join } from "node:path"
import { runProgram } from "./run-program.ts"
import type { Environment } from "./types.ts"

export interface NpmCall {
  /** Folder whose .npmrc counts. */
  readonly cwd: string
  readonly env: Environment
  readonly signal: AbortSignal
  readonly timeoutMs: number
  readonly onSpawn?: (pid: number) => void
}

/** npm could not do what was asked; `message` is its own last word. */
export class NpmFailure extends Error {
  override readonly name = "NpmFailure"
  /**
   * not-published: the registry answered that there is no such package or version · disk-full ·
   * integrity: what arrived is not what the registry promised · no-npm · failed: everything else.
   */
  readonly reason: "not-published" | "disk-full" | "integrity" | "no-npm" | "failed"

  constructor(reason: NpmFailure["reason"], message: string) {
    super(message)
    this.reason = reason
  }
}

/** @returns what npm printed as JSON. Rejects with NpmFailure, or with the signal's reason. */
export async function npmJson(args: readonly string[], call: NpmCall): Promise<unknown> {
  const npm = await findNpm(call.env)
  if (!npm) {
    throw new NpmFailure("no-npm", "no npm was found on PATH, beside Node or at npm_execpath")
  }
  const result = await runProgram(npm.program, [...npm.args, ...args, ...QUIET], {
    ...call,
    env: environmentOf(call.env, npm.pathEntry),
  })
  if (result.problem === "spawn")
    throw new NpmFailure("no-npm", `${npm.program} cannot be run: ${result.errno}`)
  if (result.problem === "timeout") {
    throw new NpmFailure("failed", `npm ${args[0]} gave no answer within ${call.timeoutMs / 1000} s`)
  }
  const answer = parseJson(result.stdout)
  if (result.code !== 0 || isErrorAnswer(answer)) throw failureOf(answer, result.stderr, result.code)
  return answer
}

const QUIET = [
  "--json",
  "--loglevel=error",
  "--no-update-notifier",
  "--no-progress",
  "--no-fund",
  "--no-audit",
]

/** Set by an npm that runs us as a script: they say what that npm was asked, not what the user configured. */
const NOT_CONFIGURATION = new Set([
  "npm_config_local_prefix",
  "npm_config_workspace",
  "npm_config_workspaces",
  "npm_config_include_workspace_root",
  "npm_config_dry_run",
  "npm_config_global",
  "npm_config_location",
  "npm_config_json",
  "npm_config_package",
  "npm_config_call",
])

async function findNpm(
  env: Environment,
): Promise<{ program: string; args: string[]; pathEntry: string | null } | null> {
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    if (folder !== "" && (await isExecutable(join(folder, "npm")))) {
      return { program: join(folder, "npm"), args: [], pathEntry: null }
    }
  }
  // npm's first line is `env node`: the Node beside it must be on the PATH it gets.
  const nodeFolder = dirname(process.execPath)
  if (await isExecutable(join(nodeFolder, "npm"))) {
    return { program: join(nodeFolder, "npm"), args: [], pathEntry: nodeFolder }
  }
  // Only if it is npm: pnpm and yarn set the same variable.
  const script = env["npm_execpath"]
  if (script && /^np[mx]-cli\.c?js$/.test(basename(script)) && (await isReadable(script))) {
    const cli = join(dirname(script), "npm-cli.js")
    return { program: process.execPath, args: [cli], pathEntry: nodeFolder }
  }
  return null
}

function environmentOf(env: Environment, pathEntry: string | null): Environment {
  const kept = Object.entries(env).filter(([name]) => !NOT_CONFIGURATION.has(name.toLowerCase()))
  const path = pathEntry ? { PATH: [env["PATH"], pathEntry].filter(Boolean).join(delimiter) } : {}
  // Corepack's npm would refuse to work in a project that names another package manager.
  return { ...Object.fromEntries(kept), ...path, COREPACK_ENABLE_STRICT: "0" }
}

function failureOf(answer: unknown, stderr: string, code: number | null): NpmFailure {
  const fromJson = isErrorAnswer(answer) ? answer.error : {}
  const errorCode = fromJson.code || /^npm (?:error|ERR!) code (\S+)/m.exec(stderr)?.[1] || ""
  const message = firstLine(fromJson.summary) || lastErrorLine(stderr) || `npm ended with code ${code}`
  const everything = `${errorCode} ${message} ${stderr}`
  if (/\b(ENOSPC|EDQUOT)\b/.test(everything)) return new NpmFailure("disk-full", message)
  if (/^(EINTEGRITY|TAR_BAD_ARCHIVE)$/.test(errorCode)) return new NpmFailure("integrity", message)
  if (/^(E404|ETARGET|ENOVERSIONS)$/.test(errorCode)) return new NpmFailure("not-published", message)
  return new NpmFailure("failed", message)
}

/** npm's own last line that says something: not a stack, not the pointer to its log, not general advice. */
function lastErrorLine(stderr: string): string {
  const lines = stderr
    .split("\n")
    .map((line) => line.replace(/^npm (?:error|ERR!) ?/, ""))
    .filter(
      (line) =>
        line !== "" &&
        !/^\s|^(A complete log|code |errno |syscall |If you are behind|This is a problem|[{}\]])/.test(line),
    )
  return (lines.at(-1) ?? "").trim()
}

function firstLine(text: string | undefined): string {
  return (text ?? "").split("\n")[0]!.trim()
}

function isErrorAnswer(answer: unknown): answer is { error: { code?: string; summary?: string } } {
  return (
    typeof answer === "object" &&
    answer !== null &&
    "error" in answer &&
    typeof answer.error === "object" &&
    answer.error !== null
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}
