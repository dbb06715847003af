/**
 * `polyhost serve`: a host with its state directory, admin API, signals and output. Owns their order; the host itself is
 * `hostOf`, the same that embedders get.
 */
import { resolve } from "node:path"
import { messageOf } from "../../protocol/errors.ts"
import { type AdminServer, serveAdminSocket, serveAdminTcp } from "../admin/index.ts"
import { formatProblem, type LoadedConfig, loadConfig, parseListen, uniqueListen } from "../config/index.ts"
import { hostOf } from "../index.ts"
import type { LogFormat } from "../log/logger.ts"
import { hostVersion } from "../version.ts"
import { createCollector } from "./collector.ts"
import { type CommandCall, EXIT_DONE, EXIT_FAILED, EXIT_USAGE, UsageError } from "./command.ts"
import { createFirstStates } from "./first-states.ts"
import { createScreen } from "./screen.ts"
import { createServeReport, type ServeReport } from "./serve-report.ts"
import { watchForShutdown } from "./shutdown.ts"
import { openStateDir } from "./state-dir.ts"
import { count } from "./table.ts"

type ServeHost = ReturnType<typeof hostOf>

/** How long a host that failed may take to end its children in order, in milliseconds. The watchdog ends the rest. */
const CRASH_CLOSE_MS = 2000
const FLUSH_MS = 200

export async function run(call: CommandCall): Promise<number> {
  const { terminal } = call
  const listen = uniqueListen(call.options("listen"))
  for (const text of listen) checkAddress("--listen", text)
  const admin = call.option("admin")
  const adminAddress = admin === undefined ? null : tcpAddress(admin)

  const config = await loadConfig({ paths: call.words, cwd: terminal.cwd })
  for (const problem of config.problems) terminal.err(`${formatProblem(problem, terminal.cwd)}\n`)
  if (config.fatal) return EXIT_USAGE

  const given = call.option("state-dir")
  const stateDir = await openStateDir(given === undefined ? config.stateDir : resolve(terminal.cwd, given))
  const closers: (() => Promise<void>)[] = [() => stateDir.release()]
  try {
    return await serve(call, { config, listen, adminAddress, stateDir: stateDir.path, closers })
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/** The first time what was read already, then as the files are by then: for reloads. */
function configReader(first: LoadedConfig, input: { paths: readonly string[]; cwd: string }) {
  let next: LoadedConfig | null = first
  return async (): Promise<LoadedConfig> => {
    const config = next ?? (await loadConfig(input))
    next = null
    return config
  }
}

interface ServeParts {
  readonly config: LoadedConfig
  readonly listen: readonly string[]
  readonly adminAddress: { readonly host: string; readonly port: number } | null
  readonly stateDir: string
  /** What to undo at the end, last first. */
  readonly closers: (() => Promise<void>)[]
}

async function serve(call: CommandCall, parts: ServeParts): Promise<number> {
  const { config, closers } = parts
  const { terminal } = call
  const format = (call.option("log") ?? "pretty") as LogFormat
  const screen = createScreen(terminal.stdout, terminal.columns)
  const collectGarbage = createCollector()
  const host = hostOf({
    load: configReader(config, { paths: call.words, cwd: terminal.cwd }),
    stateDir: parts.stateDir,
    writer: screen,
    logFormat: format,
    env: terminal.env,
    ...(collectGarbage === null ? {} : { collectGarbage }),
    ...(parts.listen.length === 0 ? {} : { listen: parts.listen }),
  })
  const report = createServeReport({
    screen,
    format,
    isTerminal: terminal.isTerminal,
    columns: terminal.columns,
    specs: config.apps,
    brokenNames: config.broken.map(({ name }) => name),
    listeners: () => urls,
  })
  let urls: readonly string[] = []
  const ended = untilEnded(call, host, report)
  closers.push(ended.unwatch)
  closers.push(() => host.close())
  const stopInstall = host.on("install", report.install)
  closers.push(async () => stopInstall())

  // States are told after the header, which needs the addresses.
  const startedMs = performance.now()
  urls = await host.listen()
  const opened = await openAdmin(host, parts)
  closers.push(...opened.map((server) => () => server.close()))
  report.header(`polyhost ${hostVersion()} listens on ${urls.join(" and ")} (pid ${process.pid})`)
  for (const server of opened) {
    if (server.url === null) continue
    report.header(`admin API on ${server.url}, token ${server.token}`)
    if (!/^http:\/\/(?:127\.|\[::1\])/.test(server.url)) {
      report.say("warn", "the admin API is open to the network: its token crosses it readable")
    }
  }
  const total = config.apps.length + config.broken.length
  const first = createFirstStates(total, report.app, () => report.header(summary(host, startedMs)))
  const stopStates = host.on("app", (status) => {
    if (!ended.isEnding()) first(status)
  })
  closers.push(async () => stopStates())
  for (const status of host.apps) first(status)
  return ended.code
}

interface OpenedAdmin extends AdminServer {
  readonly url: string | null
  readonly token: string | null
}

async function openAdmin(host: ServeHost, { adminAddress, stateDir }: ServeParts): Promise<OpenedAdmin[]> {
  const socket = await serveAdminSocket(host, stateDir)
  const local = { close: () => socket.close(), url: null, token: null }
  if (adminAddress === null) return [local]
  try {
    return [local, await serveAdminTcp(host, adminAddress)]
  } catch (error) {
    await socket.close()
    throw error
  }
}

/** The exit code, once a signal or a crash has closed the host. */
function untilEnded(
  { terminal }: CommandCall,
  host: ServeHost,
  report: ServeReport,
): { code: Promise<number>; isEnding: () => boolean; unwatch: () => Promise<void> } {
  let unwatch: () => void = () => undefined
  let isEnding = false
  const code = new Promise<number>((done) => {
    let hurried = false
    unwatch = watchForShutdown(terminal, {
      drain(reason) {
        isEnding = true
        const inFlight = requestsInFlight(host)
        const waiting = inFlight === 0 ? "" : `, ${count(inFlight, "request")} to finish; again to hurry`
        report.say("info", `stopping (${reason})${waiting}`)
        host.close().then(
          () => {
            report.say("info", "stopped")
            done(hurried ? EXIT_FAILED : EXIT_DONE)
          },
          (error) => {
            report.say("error", `stopping failed: ${messageOf(error)}`)
            done(EXIT_FAILED)
          },
        )
      },
      hurry() {
        hurried = true
        report.say("warn", "hurrying: requests in progress are cut")
        host.kill("the host was told to hurry")
      },
      // The watchdog ends what is left of the apps.
      giveUp: () => process.exit(EXIT_FAILED),
      crash(error) {
        isEnding = true
        const text = (error instanceof Error ? error.stack : undefined) ?? messageOf(error)
        report.say("error", `the host failed; this is a defect of Polyhost\n${text}`)
        host.kill("the host failed")
        const timer = setTimeout(async () => {
          await terminal.stdout.flush(FLUSH_MS)
          process.exit(EXIT_FAILED)
        }, CRASH_CLOSE_MS)
        const end = (): void => {
          clearTimeout(timer)
          done(EXIT_FAILED)
        }
        host.close().then(end, end)
      },
    })
  })
  return { code, isEnding: () => isEnding, unwatch: async () => unwatch() }
}

function requestsInFlight(host: ServeHost): number {
  let total = 0
  for (const { instances, queue } of host.apps) {
    total += queue.waiting
    for (const { inFlight } of instances) total += inFlight
  }
  return total
}

function summary(host: ServeHost, startedMs: number): string {
  const states = new Map<string, number>()
  for (const { state } of host.apps) states.set(state, (states.get(state) ?? 0) + 1)
  const parts = [...states].map(([state, number]) => `${number} ${state}`)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  return `${count(host.apps.length, "app")}: ${parts.join(", ")}, after ${seconds} s`
}

function checkAddress(option: string, text: string): void {
  const address = parseListen(text)
  if ("problem" in address) throw new UsageError(`${option} ${text}: ${address.problem}`, "serve")
}

function tcpAddress(text: string): { host: string; port: number } {
  checkAddress("--admin", text)
  const address = parseListen(text)
  if ("host" in address && address.tls !== true) return address
  throw new UsageError(`--admin ${text}: an address of the form HOST:PORT is expected`, "serve")
}
