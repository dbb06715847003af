/**
 * Command line of a Deno process that runs an app. From Deno 2.4 the guest is preloaded and the entry stays the main program;
 * before, the guest is the main program and imports the entry (`import.meta.main` is then false in it).
 */
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import * as semver from "semver"
import { PolyhostError } from "../../protocol/errors.ts"
import type { CommandLine, CommandLineInput } from "../command-line.ts"
import { isNewEnough, OLDEST_VERSIONS } from "../toolchain/oldest.ts"

const HAS_PRELOAD = ">=2.4.0"
/** Unix sockets also need the net permission, each by its whole path. Before, `--allow-net=unix:…` is a syntax error. */
const SOCKETS_NEED_NET = ">=2.9.0"
/** Variables that the guest reads and removes. */
const GUEST_ENV = "POLYHOST_*"

export function commandLine(input: CommandLineInput): CommandLine {
  const { entry, version, guest, dir } = input
  if (!isNewEnough("deno", version)) {
    throw new PolyhostError(
      "RUNTIME_UNSUPPORTED",
      `deno ${version} is too old: Polyhost runs apps on deno ${OLDEST_VERSIONS.deno} and later`,
    )
  }
  const args = withoutServe(input.args)
  const restricted = args.some((arg) => PERMISSION_FLAG.test(arg))
  const permissions = restricted ? guestPermissions(input, args) : ["--allow-all"]
  const prompt = args.includes("--no-prompt") ? [] : ["--no-prompt"]
  if (semver.satisfies(version, HAS_PRELOAD)) {
    const flags = [...permissions, ...prompt, ...args, "--preload", guest]
    return { args: ["run", ...flags, entry], env: {}, mainIsGuest: false }
  }
  if (!restricted) {
    // `eval` looks for deno.json and package.json from the working directory on; `run GUEST` would look beside the guest.
    const script = `import(${JSON.stringify(pathToFileURL(guest).href)})`
    return {
      args: ["eval", ...args.filter((arg) => arg !== "--no-prompt"), script],
      env: {},
      mainIsGuest: true,
    }
  }
  const config = args.some((arg) => /^(-c|--config)(=|$)/.test(arg)) ? [] : configFlag(dir)
  return { args: ["run", ...permissions, ...prompt, ...config, ...args, guest], env: {}, mainIsGuest: true }
}

/** Long and short permission flags of `deno run`, alone (`-A`) or with values (`--allow-read=x`, `-R=x`), and `-P` (permission sets). */
const PERMISSION_FLAG = /^(--(allow|deny|ignore)-(?!scripts)|--permission-set|-[ARWNESIP]+(=|$))/

/**
 * `deno serve` loads no preload, so its apps run by `deno run` and the guest serves their default export. Drops the subcommand
 * and its own options.
 */
function withoutServe(args: readonly string[]): readonly string[] {
  if (args[0] === "run") return args.slice(1)
  if (args[0] !== "serve") return args
  const kept: string[] = []
  for (let index = 1; index < args.length; index++) {
    const arg = args[index] as string
    if (arg === "--port" || arg === "--host") index++
    else if (!/^(--(port|host)=|--parallel$|--open$)/.test(arg)) kept.push(arg)
  }
  return kept
}

/** What the guest needs beside what the app is granted. A flag without a value already grants all, and ours would narrow it. */
function guestPermissions(
  { sockets = [], guest, entry, version }: CommandLineInput,
  args: readonly string[],
): string[] {
  if (args.some((arg) => /^(--allow-all|-A|-P.*|--permission-set.*)$/.test(arg))) return []
  const dirs = [...new Set(sockets.map((socket) => dirname(socket)))]
  const wanted: [long: string, short: string, values: string[]][] = [
    ["--allow-read", "-R", [...dirs, guest, entry]],
    ["--allow-write", "-W", dirs],
    ["--allow-env", "-E", [GUEST_ENV]],
  ]
  if (semver.satisfies(version, SOCKETS_NEED_NET)) {
    wanted.push(["--allow-net", "-N", sockets.map((socket) => `unix:${socket}`)])
  }
  return wanted
    .filter(([long, short, values]) => values.length > 0 && !args.includes(long) && !args.includes(short))
    .map(([long, , values]) => `${long}=${values.join(",")}`)
}

function configFlag(dir: string): string[] {
  const file = ["deno.json", "deno.jsonc"].map((name) => join(dir, name)).find((path) => existsSync(path))
  return file === undefined ? [] : ["--config", file]
}
