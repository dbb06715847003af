/**
 * `polyhost inspect APP`: lets debuggers of this machine find an app of a running host until Ctrl-C, or fetches a CPU profile or a
 * heap snapshot of it. The host does the work; `devtools-server.ts` is what debuggers see.
 */
import { createWriteStream } from "node:fs"
import { rm } from "node:fs/promises"
import { basename, resolve } from "node:path"
import { pipeline } from "node:stream/promises"
import type { WebSocket } from "ws"
import { download, openSession } from "../admin/index.ts"
import { parseListen } from "../config/index.ts"
import { hostVersion } from "../version.ts"
import { type CommandCall, EXIT_DONE, UsageError } from "./command.ts"
import { serveDevtools } from "./devtools-server.ts"
import { askHost, findStateDir, refused } from "./find-host.ts"

const DEFAULT_PLACE = { host: "127.0.0.1", port: 9229 }

export async function run(call: CommandCall): Promise<number> {
  const profile = call.option("profile")
  const wantsSnapshot = call.flag("heap-snapshot")
  if (profile !== undefined && wantsSnapshot) {
    throw new UsageError("--profile and --heap-snapshot are two calls", "inspect")
  }
  if (profile !== undefined && !(Number(profile) > 0)) {
    throw new UsageError(`--profile is a number of seconds, not "${profile}"`, "inspect")
  }
  const isCapture = profile !== undefined || wantsSnapshot
  if (call.option("output") !== undefined && !isCapture) {
    throw new UsageError("--output goes with --profile or --heap-snapshot", "inspect")
  }
  if (call.option("listen") !== undefined && isCapture) {
    throw new UsageError("--listen goes without --profile and --heap-snapshot", "inspect")
  }
  if (profile !== undefined) return capture(call, `profile?seconds=${encodeURIComponent(profile)}`)
  if (wantsSnapshot) return capture(call, "heap-snapshot")
  return debug(call, placeOf(call))
}

/** To the file named, else to standard output; on a terminal, which no such file is for, to one with the host's own name for it. */
async function capture(call: CommandCall, verb: string): Promise<number> {
  const { terminal } = call
  const ended = untilInterrupted()
  try {
    const stateDir = await findStateDir(call)
    const answer = await download(stateDir, pathOf(call, verb), ended.signal)
    if ("text" in answer) throw refused(answer)
    const named = /filename="([^"]+)"/.exec(answer.headers["content-disposition"] ?? "")?.[1]
    const given =
      call.option("output") ?? (terminal.isTerminal ? basename(named ?? "capture.json") : undefined)
    if (given === undefined) {
      await pipeline(answer, createWriteStream("", { fd: 1, autoClose: false }))
      return EXIT_DONE
    }
    const file = resolve(terminal.cwd, given)
    try {
      await pipeline(answer, createWriteStream(file))
    } catch (error) {
      await rm(file, { force: true })
      throw error
    }
    terminal.err(`wrote ${file}; open it in Chrome DevTools (chrome://inspect)\n`)
    return EXIT_DONE
  } finally {
    ended.unwatch()
  }
}

async function debug(
  call: CommandCall,
  place: { host: string; port: number; orNext: boolean },
): Promise<number> {
  const { terminal } = call
  const { text } = await askHost(call, { method: "GET", path: pathOf(call, "inspect", false) })
  const { app, protocol, runtime } = JSON.parse(text) as {
    app: string
    protocol: "v8" | "webkit"
    runtime: { name: string; version: string }
  }
  const stateDir = await findStateDir(call)
  const ended = untilInterrupted()
  const say = (line: string): void => terminal.err(`${line}\n`)
  const server = await serveDevtools({
    ...place,
    title: `${app} (${runtime.name} ${runtime.version})`,
    protocol,
    version: `Polyhost/${hostVersion()}`,
    openSession: async (): Promise<WebSocket> => {
      const session = await openSession(stateDir, pathOf(call, "inspect"))
      if ("text" in session) throw refused(session)
      return session
    },
    say,
  })
  try {
    terminal.out(`Debugger for ${app} (${runtime.name} ${runtime.version}) listening on ${server.url}\n`)
    if (protocol === "webkit") {
      say(`It speaks WebKit's protocol, not that of Chrome DevTools. Open\n  ${server.page}`)
    } else say(`Open chrome://inspect in Chrome or Edge, or this address:\n  ${server.page}`)
    if (!/^(?:127\.|::1$|localhost$)/.test(place.host))
      say("Warning: whoever reaches this address can run code in the app.")
    say("While a debugger is attached the app has no deadlines and is not replaced as wedged. Ctrl-C ends.")
    await new Promise<void>((done) => {
      ended.signal.addEventListener("abort", () => done())
      terminal.launcherGone.addEventListener("abort", () => done())
      if (ended.signal.aborted || terminal.launcherGone.aborted) done()
    })
  } finally {
    ended.unwatch()
    await server.close()
  }
  return EXIT_DONE
}

function pathOf({ words, option }: CommandCall, verb: string, withInstance = true): string {
  const path = `/v1/apps/${encodeURIComponent(words[0] ?? "")}/${verb}`
  const instance = option("instance")
  if (instance === undefined || !withInstance) return path
  return `${path}${path.includes("?") ? "&" : "?"}instance=${encodeURIComponent(instance)}`
}

function placeOf(call: CommandCall): { host: string; port: number; orNext: boolean } {
  const text = call.option("listen")
  if (text === undefined) return { ...DEFAULT_PLACE, orNext: true }
  const address = parseListen(text)
  if ("problem" in address) throw new UsageError(`--listen ${text}: ${address.problem}`, "inspect")
  if ("host" in address && address.tls !== true) {
    return { host: address.host === "" ? "0.0.0.0" : address.host, port: address.port, orNext: false }
  }
  throw new UsageError(`--listen ${text}: an address of the form HOST:PORT is expected`, "inspect")
}

function untilInterrupted(): { signal: AbortSignal; unwatch: () => void } {
  const abort = new AbortController()
  const onSignal = (): void => abort.abort()
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"]
  for (const signal of signals) process.on(signal, onSignal)
  return {
    signal: abort.signal,
    unwatch: () => {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
