/** `polyhost runtimes`: what the toolchain finds, installs and removes. */
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import {
  createToolchain,
  type InstalledRuntime,
  type KeepReason,
  type Toolchain,
} from "../../runtimes/toolchain/index.ts"
import { runtimeCacheDir } from "../config/environment.ts"
import { loadConfig, parseRuntimeText } from "../config/index.ts"
import { didYouMean } from "../config/suggest.ts"
import { createLogger } from "../log/logger.ts"
import { type CommandCall, EXIT_DONE, EXIT_FAILED, type Terminal, UsageError } from "./command.ts"
import { createInstallProgress } from "./install-progress.ts"
import { createScreen } from "./screen.ts"
import { count, formatBytes, table } from "./table.ts"

const ACTIONS = ["ls", "install", "prune"]

export async function run(call: CommandCall): Promise<number> {
  const { terminal } = call
  const [action = "ls", ...specs] = call.words
  if (!ACTIONS.includes(action)) {
    const hint = didYouMean(action, ACTIONS) || ` (actions: ${ACTIONS.join(", ")})`
    throw new UsageError(`unknown action "${action}" of "runtimes"${hint}`, "runtimes")
  }
  checkSpecs(action, specs)
  const toolchain = createToolchain({
    cacheDir: runtimeCacheDir(terminal.env),
    lockFile: (await loadConfig({ paths: [], cwd: terminal.cwd })).lockFile,
    env: terminal.env,
    report: progressTo(terminal),
  })
  try {
    if (action === "install") return await install(call, toolchain, specs)
    if (action === "prune") await prune(call, toolchain)
    else await list(call, toolchain)
    return EXIT_DONE
  } finally {
    await toolchain.close()
  }
}

function checkSpecs(action: string, specs: readonly string[]): void {
  if (action !== "install") {
    if (specs.length === 0) return
    throw new UsageError(`"runtimes ${action}" does not take "${specs[0]}"`, "runtimes")
  }
  if (specs.length === 0)
    throw new UsageError('"runtimes install" needs a runtime, such as node@22', "runtimes")
  for (const spec of specs) {
    const parsed = parseRuntimeText(spec)
    if ("problem" in parsed) throw new UsageError(`"${spec}": ${parsed.problem}`, "runtimes")
  }
}

async function list({ terminal, flag }: CommandCall, toolchain: Toolchain): Promise<void> {
  const installed = await toolchain.installed()
  if (flag("json")) return terminal.out(`${JSON.stringify(installed, null, 2)}\n`)
  if (installed.length === 0) {
    return terminal.out('no runtime found; "polyhost runtimes install node@22" installs one\n')
  }
  const rows = installed.map(({ name, version, source, bytes, path }) => [
    name,
    version,
    source,
    bytes === undefined ? "-" : formatBytes(bytes),
    path,
  ])
  terminal.out(table([["NAME", "VERSION", "SOURCE", "SIZE", "PATH"], ...rows], new Set([3])))
}

/** Each on its own: one that cannot be had keeps no other from being installed. */
async function install(
  { terminal }: CommandCall,
  toolchain: Toolchain,
  specs: readonly string[],
): Promise<number> {
  const given = new AbortController()
  const stop = (): void => given.abort(new PolyhostError("TOOLCHAIN_INSTALL_FAILED", "interrupted"))
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"]
  for (const signal of signals) process.once(signal, stop)
  terminal.launcherGone.addEventListener("abort", stop)
  const results = await Promise.allSettled(
    specs.map(async (spec) => {
      for (const { name, version, path } of await toolchain.install([spec], given.signal)) {
        terminal.out(`${name} ${version}  ${path}\n`)
      }
    }),
  )
  for (const signal of signals) process.off(signal, stop)
  terminal.launcherGone.removeEventListener("abort", stop)
  const failed = results.filter((result) => result.status === "rejected")
  for (const { reason } of failed) {
    const code = reason instanceof PolyhostError ? `${reason.code}: ` : ""
    terminal.err(`polyhost: ${code}${messageOf(reason)}\n`)
  }
  return failed.length === 0 ? EXIT_DONE : EXIT_FAILED
}

/** Other folders' lock files are not known here: what was used lately may be theirs. */
const KEPT_DAYS = 30
const WHY_KEPT: Readonly<Record<KeepReason, string>> = {
  pinned: "pinned by this folder's lock file",
  "in use": "in use by a running host",
  "used lately": `used in the last ${KEPT_DAYS} days; --all removes it too`,
}

async function prune({ terminal, flag }: CommandCall, toolchain: Toolchain): Promise<void> {
  const usedWithinMs = flag("all") ? 0 : KEPT_DAYS * 24 * 60 * 60_000
  const { removed, freedBytes, kept } = await toolchain.prune([], usedWithinMs)
  for (const { name, version, why } of kept) terminal.out(`kept ${name} ${version} (${WHY_KEPT[why]})\n`)
  for (const { name, version, bytes } of removed)
    terminal.out(`removed ${name} ${version}${sizeText(bytes)}\n`)
  terminal.out(`${count(removed.length, "version")} removed, ${formatBytes(freedBytes)} freed\n`)
}

function sizeText(bytes: InstalledRuntime["bytes"]): string {
  return bytes === undefined ? "" : ` (${formatBytes(bytes)})`
}

function progressTo(terminal: Terminal): ReturnType<typeof createInstallProgress> {
  const screen = createScreen(terminal.stdout, terminal.columns)
  const logger = createLogger(screen, "pretty")
  return createInstallProgress({
    say: (level, text) => logger[level](null, null, text),
    ...(terminal.isTerminal ? { redraw: (key, text) => screen.setLine(key, text) } : {}),
  })
}
