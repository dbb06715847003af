/**
 * WebSocket: what a thousand idle sockets cost, and how many echoes a second go through the host, for a server with `ws` behind
 * it (a tunnel) and for a fetch app with hooks (the host ends the protocol), beside the bare server. One client, in this process.
 */
import { mkdtemp } from "node:fs/promises"
import { join } from "node:path"
import { WebSocket } from "ws"
import { freePort, pssMib, type Started, start, tree } from "./processes.ts"

export interface Sockets {
  readonly title: string
  readonly count: number
  /** Of one idle socket, in KiB: of the process that listens, and of the others together (the app). */
  readonly hostKib: number
  readonly appKib: number
  /** Echoes a second, one figure a round. */
  readonly echoesPerSecond: readonly number[]
}

export interface SocketPlan {
  readonly dir: string
  readonly short: boolean
  readonly rounds: number
  readonly seconds: number
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

interface Server {
  readonly title: string
  readonly app: "ws-server" | "ws-hooks"
  /** By Polyhost; else by Node alone. */
  readonly hosted: boolean
}

const APPS = join(import.meta.dirname, "apps")
const POLYHOST = join(import.meta.dirname, "../../host/cli/polyhost.js")
const SERVERS: readonly Server[] = [
  { title: "bare ws server", app: "ws-server", hosted: false },
  { title: "polyhost, the same server (tunnel)", app: "ws-server", hosted: true },
  { title: "polyhost, fetch app with hooks", app: "ws-hooks", hosted: true },
]
const ECHO_SOCKETS = 64
const ECHO = "x".repeat(32)
/** Sockets are opened so many at a time: a backlog is no part of what is measured. */
const OPENED_AT_ONCE = 50
/** Memory is read after a rest, in milliseconds: engines give back what they do not need. */
const REST_MS = 1000

export async function measureSockets(plan: SocketPlan): Promise<readonly Sockets[]> {
  const count = plan.short ? 100 : 1000
  const results: Sockets[] = []
  for (const server of SERVERS) results.push(await measureIdle(plan, server, count))
  const running: { result: Sockets & { readonly echoesPerSecond: number[] }; url: string; it: Started }[] = []
  try {
    for (const [index, server] of SERVERS.entries()) {
      const { url, it } = await startServer(plan, server)
      running.push({ result: { ...(results[index] as Sockets), echoesPerSecond: [] }, url, it })
    }
    for (let round = 0; round < plan.rounds; round++) {
      for (const { result, url } of running) {
        plan.signal.throwIfAborted()
        const rate = await echoes(url, plan.seconds)
        result.echoesPerSecond.push(rate)
        plan.log(`round ${round + 1}/${plan.rounds} · echo · ${result.title}: ${Math.round(rate)}/s`)
      }
    }
    return running.map(({ result }) => result)
  } finally {
    for (const { it } of running) await it.stop()
  }
}

async function measureIdle(plan: SocketPlan, server: Server, count: number): Promise<Sockets> {
  plan.signal.throwIfAborted()
  const { url, it } = await startServer(plan, server)
  try {
    // The first sockets bring in code that all of them share.
    close(await openMany(url, count / 10))
    const before = await memory(it.pid)
    const sockets = await openMany(url, count)
    const after = await memory(it.pid)
    close(sockets)
    const hostKib = ((after.first - before.first) * 1024) / count
    const appKib = ((after.others - before.others) * 1024) / count
    plan.log(
      `${count} idle sockets · ${server.title}: ${hostKib.toFixed(1)} KiB each, and ${appKib.toFixed(1)} KiB in the app`,
    )
    return { title: server.title, count, hostKib, appKib, echoesPerSecond: [] }
  } finally {
    await it.stop()
  }
}

async function startServer(plan: SocketPlan, server: Server): Promise<{ url: string; it: Started }> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const app = join(APPS, server.app)
  const stateDir = await mkdtemp(join(plan.dir, `${server.app}-`))
  const args = server.hosted
    ? [POLYHOST, "serve", app, "--listen", `127.0.0.1:${port}`, "--state-dir", stateDir]
    : [join(app, "server.mjs")]
  const env = server.hosted ? {} : { PORT: String(port) }
  const it = await start({ name: server.title, file: process.execPath, args, env, ready: { url } })
  return { url, it }
}

async function memory(pid: number): Promise<{ first: number; others: number }> {
  await new Promise((resolve) => setTimeout(resolve, REST_MS))
  const [first, ...others] = tree([pid])
  return { first: pssMib(first as number), others: others.reduce((sum, it) => sum + pssMib(it), 0) }
}

async function openMany(url: string, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = []
  while (sockets.length < count) {
    const some = Math.min(OPENED_AT_ONCE, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => openOne(url)))))
  }
  return sockets
}

function openOne(url: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^http/, "ws"), { perMessageDeflate: false })
    socket.once("open", () => resolve(socket))
    socket.once("error", reject)
  })
}

function close(sockets: readonly WebSocket[]): void {
  for (const socket of sockets) socket.terminate()
}

/** Each socket says the next word when the last has come back. */
async function echoes(url: string, seconds: number): Promise<number> {
  const sockets = await openMany(url, ECHO_SOCKETS)
  let count = 0
  for (const socket of sockets)
    socket.on("message", (data: Buffer) => {
      if (data.length !== ECHO.length) throw new Error(`${url}: an echo of ${data.length} bytes`)
      count++
      socket.send(ECHO)
    })
  const startedMs = performance.now()
  for (const socket of sockets) socket.send(ECHO)
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const elapsedMs = performance.now() - startedMs
  const rate = (count / elapsedMs) * 1000
  close(sockets)
  if (count === 0) throw new Error(`${url}: no echo in ${seconds} s`)
  return rate
}
