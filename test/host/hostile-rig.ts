/** A host with an app that records what it sees, and clients that send what no honest client sends. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createHost, type Host, type HostConfigInput } from "../../host/index.ts"
import { eventually, within } from "../support/deadline.ts"
import { THIS_NODE } from "../support/harness.ts"
import { ask, RawConnection } from "../support/http-client.ts"

const RECORDER = `
let seen = []
const endless = () => new ReadableStream({ pull(it) { it.enqueue(new Uint8Array(65536)) } })
export default {
  async fetch(request, ctx) {
    const { pathname } = new URL(request.url)
    if (pathname === "/seen") {
      const list = seen
      seen = []
      return Response.json(list)
    }
    seen.push(request.method + " " + pathname)
    if (pathname === "/read") return new Response(String((await request.text()).length))
    if (pathname === "/hang") return new Promise(() => request.signal.addEventListener("abort", () => seen.push("left")))
    if (pathname === "/endless") return new Response(endless())
    if (pathname === "/large") return new Response("x".repeat(100000))
    if (pathname === "/context")
      return Response.json({ url: request.url, address: ctx.clientAddress, headers: [...request.headers] })
    // Made of parts, so that no runtime checks them.
    const bad = { "/split-value": ["x-a", "b\\r\\nset-cookie: evil=1"], "/split-name": ["x-a: b\\r\\nset-cookie", "evil"] }[pathname]
    if (bad !== undefined) {
      const response = new Response("split")
      Object.defineProperty(response, "headers", { value: { [Symbol.iterator]: () => [bad][Symbol.iterator](), entries: () => [bad][Symbol.iterator](), forEach: (call) => call(bad[1], bad[0]), get: () => null, has: () => false, getSetCookie: () => [] } })
      return response
    }
    return new Response("good")
  },
}
`
/** Answers with whatever bytes the request names, as no server should. */
const RAW_SERVER = `
const net = require("net")
const http = require("http")
const server = http.createServer((request, response) => {
  if (request.url === "/hello") response.end("hello")
  else request.socket.end(Buffer.from(request.headers["x-raw"], "base64"))
})
server.listen(3000)
`

export class HostileRig {
  readonly dir = mkdtempSync(join(tmpdir(), "pht-hostile-"))
  url = ""
  #host: Host | null = null
  log = ""

  static async start(
    config: Partial<HostConfigInput> = {},
    app: Record<string, unknown> = {},
  ): Promise<HostileRig> {
    const rig = new HostileRig()
    for (const [name, file, source] of [
      ["recorder", "app.mjs", RECORDER],
      ["raw", "server.cjs", RAW_SERVER],
    ] as const) {
      mkdirSync(join(rig.dir, name))
      writeFileSync(join(rig.dir, name, file), source)
    }
    writeFileSync(join(rig.dir, "recorder", "own.html"), "<p>a page of the app's own</p>")
    writeFileSync(join(rig.dir, "host.html"), "<p>a page of the host's own</p>")
    const common = { runtime: THIS_NODE, envFile: false } as const
    const host = createHost(
      {
        listen: ["127.0.0.1:0"],
        ...config,
        apps: [
          { name: "recorder", dir: "recorder", entry: "app.mjs", routes: ["/*"], ...common, ...app },
          { name: "raw", dir: "raw", entry: "server.cjs", routes: ["/raw/*"], stripPrefix: true, ...common },
        ] as HostConfigInput["apps"],
      },
      {
        cwd: rig.dir,
        log: (text) => {
          rig.log += text
        },
      },
    )
    rig.#host = host
    rig.url = (await within(30_000, "the host's start", host.listen()))[0] as string
    await within(30_000, "the apps' start", host.ready())
    return rig
  }

  async close(): Promise<void> {
    await within(20_000, "the host's close", this.#host?.close() ?? Promise.resolve())
    rmSync(this.dir, { recursive: true, force: true })
  }

  connect(): RawConnection {
    const connection = new RawConnection(this.url)
    connection.socket.setNoDelay(true)
    return connection
  }

  /** Requests that the app has seen since the last time. */
  async seen(): Promise<string[]> {
    return JSON.parse((await ask(this.url, { path: "/seen" })).text)
  }

  /** Resolves when the app has seen `requests` since the last time. */
  async connected(requests: number): Promise<void> {
    await eventually(10_000, `${requests} requests at the app`, () =>
      this.#host?.apps.some((app) => app.name === "recorder" && inFlight(app.instances) >= requests),
    )
  }

  /** As `send`, but a connection that was refused or cut is an answer too. */
  async tried(bytes: string): Promise<string> {
    const connection = this.connect().write(bytes)
    try {
      return await connection.until(/\r\n\r\n/, 5000)
    } catch {
      return connection.received
    } finally {
      connection.destroy()
    }
  }

  /** Sends `bytes` at once and resolves with all that came back until the host closed. */
  async send(bytes: string): Promise<string> {
    const connection = this.connect()
    try {
      return await connection.write(bytes).closed()
    } finally {
      connection.destroy()
    }
  }

  /** The same, byte by byte, each given to the system before the next. */
  async sendSlowly(bytes: string): Promise<string> {
    const connection = this.connect()
    try {
      await new Promise<void>((resolve) => connection.socket.once("connect", () => resolve()))
      for (const letter of bytes) {
        if (connection.socket.destroyed || !connection.socket.writable) break
        connection.write(letter)
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
      return await connection.closed()
    } finally {
      connection.destroy()
    }
  }
}

export interface RawAnswer {
  readonly status: number
  readonly closes: boolean
  readonly body: string
  /** Code of the problem, or "". */
  readonly code: string
}

/** The answers in `text`, which all have a length. */
export function answersIn(text: string): RawAnswer[] {
  const answers: RawAnswer[] = []
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\r\n\r\n", at)
    if (end === -1) throw new Error(`half a head: ${JSON.stringify(text.slice(at))}`)
    const head = text.slice(at, end + 2)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    const length = Number(/\r\nContent-Length: (\d+)\r\n/i.exec(head)?.[1] ?? 0)
    const body = text.slice(end + 4, end + 4 + length)
    if (status !== 100)
      answers.push({
        status,
        closes: /\r\nConnection: close\r\n/i.test(head),
        body,
        code: body.startsWith("{") ? ((JSON.parse(body) as { code?: string }).code ?? "") : "",
      })
    at = end + 4 + length
  }
  return answers
}

/** Open files of this process, the host's among them. */
export function openFiles(): number {
  return readdirSync("/proc/self/fd").length
}

/** Resolves when no more files are open than `before`. */
export function filesBackTo(before: number): Promise<unknown> {
  return eventually(10_000, `open files back to ${before}`, () => openFiles() <= before)
}

export function head(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`
}

function inFlight(instances: readonly { readonly inFlight: number }[]): number {
  return instances.reduce((sum, one) => sum + one.inFlight, 0)
}
