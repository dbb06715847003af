/** Which running host a command means: by `--state-dir`, else by where the command is run. */
import { lstat, readdir } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { type ErrorCode, PolyhostError } from "../../protocol/errors.ts"
import { type AdminAnswer, type AdminCall, adminSocketPath, callAdmin } from "../admin/index.ts"
import type { CommandCall } from "./command.ts"

const NAME = ".polyhost"

/** Calls the host that the command means. @throws PolyhostError HOST_NOT_RUNNING, and what the API answered with */
export async function askHost(call: CommandCall, adminCall: AdminCall): Promise<AdminAnswer> {
  const answer = await callAdmin(await findStateDir(call), adminCall).catch((error: unknown) => {
    if (!(error instanceof PolyhostError) || error.code !== "HOST_NOT_RUNNING") throw error
    const hint = 'Start it with "polyhost serve", or name its state directory with --state-dir.'
    throw new PolyhostError("HOST_NOT_RUNNING", `${error.message}. ${hint}`, { cause: error })
  })
  if (answer.status < 400) return answer
  throw refused(answer)
}

/** What the API answered with, as an error. */
export function refused(answer: AdminAnswer): PolyhostError {
  const { code, detail } = JSON.parse(answer.text) as { code: string; detail: string }
  return new PolyhostError(PASSED_ON.find((it) => it === code) ?? "HOST_CLOSED", detail)
}

const PASSED_ON: readonly ErrorCode[] = [
  "APP_UNAVAILABLE",
  "BAD_REQUEST",
  "HOST_INSPECTED",
  "HOST_RELOAD_FAILED",
  "HOST_UNKNOWN_APP",
  "HOST_UNKNOWN_INSTANCE",
  "RUNTIME_INSPECTOR_FAILED",
  "RUNTIME_NO_INSPECTOR",
]

/**
 * `.polyhost` here, in the nearest folder above that has one with a socket, or in the only folder directly below that has
 * (`polyhost serve examples` keeps its state there).
 */
export async function findStateDir({ option, terminal }: CommandCall): Promise<string> {
  const given = option("state-dir")
  if (given !== undefined) return resolve(terminal.cwd, given)
  for (let dir = terminal.cwd; ; dir = dirname(dir)) {
    if (await hasSocket(join(dir, NAME))) return join(dir, NAME)
    if (dir === dirname(dir)) break
  }
  const below = await readdir(terminal.cwd, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  for (const entry of below) {
    const stateDir = join(terminal.cwd, entry.name, NAME)
    if (entry.isDirectory() && (await hasSocket(stateDir))) found.push(stateDir)
  }
  const [only] = found
  return only !== undefined && found.length === 1 ? only : join(terminal.cwd, NAME)
}

async function hasSocket(stateDir: string): Promise<boolean> {
  const stat = await lstat(adminSocketPath(stateDir)).catch(() => null)
  return stat !== null && (stat.isSocket() || stat.isSymbolicLink())
}
