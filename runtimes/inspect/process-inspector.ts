/**
 * The inspector of an instance that is a process: how each runtime's is opened, and that its own chatter stays out of the app's
 * log. Node starts it when it is asked to by SIGUSR1, even while its event loop stands still, and ends it again with the
 * session; Bun and Deno can only have one from their start on. Counterpart in the guest: `runtimes/guest/inspector.ts`.
 */
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { PolyhostError } from "../../protocol/errors.ts"
import { INSPECTOR_SIGNAL_TAKEN } from "../guest-config.ts"
import type { InspectorLink, InspectorProtocol } from "../inspector-link.ts"
import type { OutputSink } from "../runtime.ts"
import { openWebSocketLink } from "./websocket-link.ts"

export interface ProcessInspectorOptions {
  /** `node`, `bun`, `deno`; with any other there is no inspector. */
  readonly runtime: string
  /** Start the process with its inspector open. */
  readonly fromStart: boolean
  /** Folder of the host's sockets, and how the names begin of those that belong to this instance. */
  readonly runDir: string
  readonly prefix: string
}

export function inspectorProtocol(runtime: string): InspectorProtocol {
  return runtime === "bun" ? "webkit" : "v8"
}

export interface ProcessInspector {
  /** Arguments for the runtime itself. */
  readonly args: readonly string[]
  /** The sink for the process's output, which knows what the inspector says in it. */
  sink(output: OutputSink): OutputSink
  spawned(pid: number): void
  /** @throws PolyhostError RUNTIME_INSPECTOR_AT_START: only an instance that is started for it has one. */
  open(): Promise<InspectorLink>
}

/** How long Node may take from the signal to the line that says where its inspector listens, in milliseconds. */
const SIGNAL_MS = 3000
const SIGUSR1_BIT = 1n << 9n
/** Ids of a debugger's own messages are small. */
const FAREWELL_ID = 2_000_000_001
const LISTENS =
  /^Debugger listening on (ws:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):[1-9]\d{0,4}\/[\w/-]{1,100})$/
const CHATTER =
  /^(?:Debugger listening on ws:\/\/\S+|Debugger ending on ws:\/\/\S+|For help, see: https:\/\/nodejs\.org\/\S*|Debugger attached\.|Waiting for the debugger to disconnect\.\.\.|Debugger session (?:started|ended)\.?|Visit chrome:\/\/inspect to connect to the debugger\.)$/

export async function createProcessInspector(options: ProcessInspectorOptions): Promise<ProcessInspector> {
  const { runtime, fromStart, runDir, prefix } = options
  const socket = join(runDir, `${prefix}inspect.sock`)
  const args = fromStart ? await startArguments(runtime, socket) : []
  let pid = 0
  let url: string | null = runtime === "bun" && fromStart ? `ws+unix://${socket}:/` : null
  /** The inspector was opened by us, so what it prints is not the app's, and it is closed after use. */
  let asked = fromStart
  let found: (() => void) | null = null
  let gone: (() => void) | null = null

  function chatter(text: string): boolean {
    const line = stripVTControlCharacters(text)
    if (!CHATTER.test(line)) return false
    const listens = LISTENS.exec(line)?.[1]
    if (listens !== undefined) {
      url = listens
      found?.()
    } else if (line.startsWith("Debugger ending")) {
      url = null
      gone?.()
    }
    return asked
  }

  async function open(): Promise<InspectorLink> {
    const link = await connect()
    if (link !== null) return link
    if (runtime !== "node") throw atStart(`${runtime} opens its inspector only when it starts`)
    await signal()
    const opened = await connect()
    if (opened !== null) return opened
    throw atStart("it did not open its inspector when it was asked to by SIGUSR1")
  }

  async function connect(): Promise<InspectorLink | null> {
    if (url === null) return null
    const isOurs = runtime === "node" && asked && !fromStart
    const farewell = isOurs ? { text: CLOSE_INSPECTOR, id: FAREWELL_ID, undone } : null
    return openWebSocketLink({ url, protocol: inspectorProtocol(runtime), farewell }).catch(
      (error: unknown) => {
        if (fromStart) throw error
        // It was closed in the meantime.
        url = null
        return null
      },
    )
  }

  /** A signal before Node has closed its inspector would be lost. */
  function undone(): Promise<void> {
    return new Promise((resolve) => {
      gone = resolve
      if (url === null) resolve()
    })
  }

  async function signal(): Promise<void> {
    if (existsSync(join(runDir, prefix + INSPECTOR_SIGNAL_TAKEN))) {
      throw atStart("it handles SIGUSR1, by which Node's inspector is opened, itself")
    }
    if (!catchesSignal(pid)) throw atStart("it does not open its inspector by SIGUSR1 (--disable-sigusr1?)")
    asked = true
    const line = new Promise<void>((resolve) => {
      found = resolve
    })
    process.kill(pid, "SIGUSR1")
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, SIGNAL_MS)
    })
    await Promise.race([line, late])
    clearTimeout(timer)
    found = null
  }

  return {
    args,
    sink: (output) => ({
      line: (stream, text) => (stream === "stderr" && chatter(text) ? true : output.line(stream, text)),
      onDrain: (resume) => output.onDrain(resume),
    }),
    spawned: (it) => {
      pid = it
    },
    open,
  }
}

async function startArguments(runtime: string, socket: string): Promise<string[]> {
  if (runtime === "node") return ["--inspect=127.0.0.1:0"]
  if (runtime === "bun") return [`--inspect=ws+unix://${socket}`]
  // Deno before 2.4 does not say which port it took for 0.
  if (runtime === "deno") return [`--inspect=127.0.0.1:${await freePort()}`]
  return []
}

/**
 * Closes the inspector from inside once this session is gone: its port is open to every user of the machine until then. Not
 * by `require("inspector")`, which an app's own `require` may stand before.
 */
const CLOSE_INSPECTOR = JSON.stringify({
  id: FAREWELL_ID,
  method: "Runtime.evaluate",
  params: { expression: "void setTimeout(() => process._debugEnd(), 50)", silent: true },
})

/** A process that does not catch the signal would be ended by it. Where nobody can tell (no /proc), it is taken to do so. */
function catchesSignal(pid: number): boolean {
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
    return caught === undefined || (BigInt(`0x${caught}`) & SIGUSR1_BIT) !== 0n
  } catch {
    return process.platform !== "linux"
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}

function atStart(detail: string): PolyhostError {
  return new PolyhostError("RUNTIME_INSPECTOR_AT_START", detail)
}
