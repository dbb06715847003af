/** Starts fixture apps under real runtimes with a guest of nothing but capture, and talks to their private sockets. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import * as http from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { buildSync } from "esbuild"
import { inject } from "vitest"
import { commandLine as bun } from "../../runtimes/bun/command-line.ts"
import { commandLine as deno } from "../../runtimes/deno/command-line.ts"
import { commandLine as node } from "../../runtimes/node/command-line.ts"

const START_MS = 15_000
const fixtures = join(import.meta.dirname, "../fixtures/capture")
const commandLines = { node, bun, deno }

export type RuntimeKind = keyof typeof commandLines

export interface First {
  readonly path: string
  readonly by: string
  readonly asked: string
  readonly hasOptions: boolean
}

export interface App {
  readonly first: Promise<First>
  readonly failed: Promise<{ kind: string; message: string }>
  /** Everything it wrote, `@capture` lines of the guest left out. */
  output(): string
  readonly logs: readonly string[]
  get(path: string, headers?: Record<string, string>): Promise<string>
  /** Sends the head of an upgrade and, after the answer's head, `bytes`; resolves with all of the answer when it contains `until`. */
  upgrade(head: string, bytes: string, until: string): Promise<string>
  outputContains(text: string): Promise<void>
  /** TCP ports that its process listens on. Linux only: empty elsewhere. */
  tcpPorts(): number[]
  stop(): Promise<void>
}

/** Path of the binary of a version in the table. */
function findBinary(name: RuntimeKind, version: string): string {
  const found = inject("runtimes").find((it) => it.name === name && it.version === version)
  if (found === undefined) throw new Error(`${name} ${version} is not in the table of test/support/table.ts`)
  return found.path
}

export class Rig {
  readonly dir = mkdtempSync(join(tmpdir(), "ph-cap-"))
  readonly #apps: App[] = []
  readonly #guest = join(this.dir, "guest.cjs")
  #count = 0

  constructor() {
    buildSync({
      entryPoints: [join(import.meta.dirname, "preload.ts")],
      bundle: true,
      platform: "node",
      format: "cjs",
      target: "node14.17",
      logLevel: "warning",
      outfile: this.#guest,
    })
  }

  start(
    name: RuntimeKind,
    version: string,
    fixture: string,
    options: { args?: string[]; env?: Record<string, string> } = {},
  ): App {
    const binary = findBinary(name, version)
    const entry = join(fixtures, fixture)
    const prefix = join(this.dir, `${this.#count++}-`)
    const line = commandLines[name]({
      entry,
      version,
      args: options.args ?? [],
      guest: this.#guest,
      interface: "auto",
      dir: fixtures,
      sockets: [0, 1, 2].map((index) => `${prefix}p${index}.sock`),
    })
    const child = spawn(binary, line.args, {
      cwd: fixtures,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: process.env["HOME"] ?? "",
        NO_COLOR: "1",
        POLYHOST_CAPTURE_DIR: this.dir,
        POLYHOST_CAPTURE_PREFIX: `${this.#count - 1}-p`,
        ...(line.mainIsGuest ? { POLYHOST_CAPTURE_ENTRY: entry } : {}),
        ...line.env,
        ...options.env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    })
    const app = watch(child)
    this.#apps.push(app)
    return app
  }

  async close(): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.stop()))
    rmSync(this.dir, { recursive: true, force: true })
  }
}

function watch(child: ChildProcess): App {
  let output = ""
  let partial = ""
  const logs: string[] = []
  const first = deferred<First>()
  const failed = deferred<{ kind: string; message: string }>()
  const watchers = new Set<() => void>()
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()))
  child.stdout?.on("data", (chunk) => {
    output += chunk
    for (const check of watchers) check()
  })
  child.stderr?.on("data", (chunk) => {
    const lines = `${partial}${chunk}`.split("\n")
    partial = lines.pop() ?? ""
    for (const line of lines) {
      if (!line.startsWith("@capture ")) output += `${line}\n`
      else {
        const { event, value } = JSON.parse(line.slice("@capture ".length))
        if (event === "first") first.resolve(value)
        else if (event === "failed") failed.resolve(value)
        else logs.push(value)
      }
    }
    for (const check of watchers) check()
  })
  const timer = setTimeout(() => giveUp("did nothing in time"), START_MS)
  const giveUp = (why: string) => {
    first.reject(new Error(`The app ${why}. It wrote:\n${output}${partial}`))
    failed.reject(new Error(`The app ${why}. It wrote:\n${output}${partial}`))
  }
  ended.then(() => giveUp("ended"))
  child.once("error", (error) => giveUp(error.message))
  const settled = () => clearTimeout(timer)
  first.promise.then(settled, settled)
  failed.promise.catch(() => undefined)

  return {
    first: first.promise,
    failed: failed.promise,
    output: () => output,
    logs,
    async get(path, headers = {}) {
      const { path: socketPath } = await first.promise
      return new Promise((resolve, reject) => {
        const request = http.get({
          socketPath,
          path,
          agent: false,
          headers: { host: "shop.example:8080", ...headers },
        })
        request.setTimeout(START_MS, () => request.destroy(new Error("no answer in time")))
        request.once("error", reject)
        request.once("response", (response) => {
          let body = ""
          response.setEncoding("utf8").on("data", (chunk) => {
            body += chunk
          })
          response.once("error", reject)
          response.once("end", () => resolve(body))
        })
      })
    },
    async upgrade(head, bytes, until) {
      const { path } = await first.promise
      return new Promise((resolve, reject) => {
        let seen = ""
        const socket = connect(path, () => socket.write(head))
        socket.setTimeout(START_MS, () => socket.destroy(new Error(`no "${until}" in "${seen}"`)))
        socket.once("error", reject)
        socket.once("close", () => reject(new Error(`closed before "${until}" in "${seen}"`)))
        socket.on("data", (chunk) => {
          const switched = seen.includes("\r\n\r\n")
          seen += chunk.toString("latin1")
          if (!switched && seen.includes("\r\n\r\n")) socket.write(bytes, "latin1")
          if (seen.includes(until)) {
            resolve(seen)
            socket.destroy()
          }
        })
      })
    },
    outputContains(text) {
      return new Promise((resolve, reject) => {
        const deadline = setTimeout(() => reject(new Error(`No "${text}" in:\n${output}`)), START_MS)
        const check = () => {
          if (!output.includes(text)) return
          clearTimeout(deadline)
          watchers.delete(check)
          resolve()
        }
        watchers.add(check)
        check()
      })
    },
    tcpPorts: () => tcpPortsOf(child.pid ?? 0),
    async stop() {
      clearTimeout(timer)
      first.promise.catch(() => undefined)
      child.kill("SIGKILL")
      await ended
    },
  }
}

function tcpPortsOf(pid: number): number[] {
  if (process.platform !== "linux") return []
  const fds = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkOrNothing(`/proc/${pid}/fd/${fd}`))
  const listening = ["tcp", "tcp6"]
    .flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && fds.includes(`socket:[${fields[9]}]`))
  return listening.map((fields) => Number.parseInt((fields[1] ?? "").split(":").pop() ?? "", 16))
}

function readlinkOrNothing(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ""
  }
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void } {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
