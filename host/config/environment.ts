/** What the host takes from its own environment, and what of it apps get: nothing but the allow-list (DESIGN 4.3). */
import { homedir } from "node:os"
import { join } from "node:path"

export type Environment = Readonly<Record<string, string | undefined>>

/** The environment of this process: read here, in the CLI, and nowhere else. */
export function hostEnvironment(): Environment {
  return process.env
}

const PASSED_ON = new Set(["PATH", "HOME", "LANG", "TZ", "TMPDIR"])

/** The variables that every app gets: PATH, HOME, LANG, LC_*, TZ, TMPDIR. */
export function baseEnvironment(env: Environment): Record<string, string> {
  const base: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && (PASSED_ON.has(name) || name.startsWith("LC_"))) base[name] = value
  }
  return base
}

/** Where runtimes are unpacked: `${XDG_CACHE_HOME:-~/.cache}/polyhost/runtimes`. */
export function runtimeCacheDir(env: Environment): string {
  const xdg = env["XDG_CACHE_HOME"]
  const base = xdg?.startsWith("/") ? xdg : join(env["HOME"] ?? homedir(), ".cache")
  return join(base, "polyhost", "runtimes")
}
