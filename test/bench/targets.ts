/**
 * Who is measured, and how each is started. Every target serves the same apps (`hello`, `bytes`), each in processes
 * of its own; some also serve `hello` by TLS and HTTP/2, or files. The server app, the bare server and the one behind nginx are
 * one file. Processes as such: processes.ts.
 */
import { copyFile, mkdir, mkdtemp, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { makeCertificate, makeFiles } from "./files.ts"
import { findNginx, nginxConf, type Site } from "./nginx.ts"
import { type Command, freePort, type Started, start } from "./processes.ts"
import { findWorkerd, workerdConf } from "./workerd.ts"

/** `hello-tls` is `hello` by TLS, HTTP/1.1 and HTTP/2; `hello-h2c` the same without TLS; `files` is a folder, and no app. */
export type AppName = "hello" | "bytes" | "hello-tls" | "hello-h2c" | "files"
export type TargetName =
  | "bare"
  | "fetch"
  | "nginx"
  | "server"
  | "thread"
  | "bare-thread"
  | "isolate"
  | "workerd"
  | "files"
  | "nginx-files"

export interface Target {
  /** For `--target`. */
  readonly name: TargetName
  readonly title: string
  /** Why it cannot run on this machine, or null. */
  readonly missing: string | null
  /** The apps that it has. */
  readonly apps: readonly AppName[]
  start(app: AppName): Promise<Running>
}

export interface Running {
  readonly url: string
  /** From spawn to the first right answer, in milliseconds. */
  readonly startMs: number
  /** The processes that it started, the one that listens for clients first. Their children belong to it too. */
  readonly pids: readonly [number, ...number[]]
  /** Where the admin API of a Polyhost listens. */
  readonly adminSocket?: string
  stop(): Promise<void>
}

const APPS = join(import.meta.dirname, "apps")
const POLYHOST = join(import.meta.dirname, "../../host/cli/polyhost.js")

/** All targets, in the order of the report. `dir` takes their sockets, state and configuration. */
export function allTargets(dir: string): readonly Target[] {
  const nginx = findNginx()
  const workerd = findWorkerd()
  const apps: readonly AppName[] = ["hello", "bytes"]
  const frontApps: readonly AppName[] = [...apps, "hello-tls", "hello-h2c"]
  return [
    { name: "bare", title: "bare node:http", missing: null, apps, start: startBare },
    {
      name: "fetch",
      title: "polyhost, fetch app",
      missing: null,
      apps: frontApps,
      start: (app) => (apps.includes(app) ? startPolyhost(dir, app) : startPolyhostFront(dir, app)),
    },
    {
      name: "nginx",
      title: "nginx → node:http",
      missing: nginx === null ? "nginx not found" : null,
      apps: frontApps,
      start: (app) => startBehindNginx(nginx ?? "nginx", dir, app),
    },
    {
      name: "server",
      title: "polyhost, server app",
      missing: null,
      apps,
      start: (app) => startPolyhost(dir, `${app}-server`),
    },
    {
      name: "thread",
      title: "polyhost, fetch app in a thread",
      missing: null,
      apps: ["hello"],
      start: (app) => startPolyhost(dir, `${app}-thread`),
    },
    {
      name: "bare-thread",
      title: "bare node:http in a thread",
      missing: null,
      apps: ["hello"],
      start: startBareThread,
    },
    {
      name: "isolate",
      title: "polyhost, isolate",
      missing: null,
      apps: ["hello"],
      start: (app) => startPolyhost(dir, `${app}-isolate`),
    },
    {
      name: "workerd",
      title: "workerd",
      missing: workerd === null ? "workerd not found" : null,
      apps: ["hello"],
      start: (app) => startWorkerd(workerd ?? "workerd", dir, app),
    },
    {
      name: "files",
      title: "polyhost, static files",
      missing: null,
      apps: ["files"],
      start: (app) => startPolyhostFront(dir, app),
    },
    {
      name: "nginx-files",
      title: "nginx, static files",
      missing: nginx === null ? "nginx not found" : null,
      apps: ["files"],
      start: () => startNginxFiles(nginx ?? "nginx", dir),
    },
  ]
}

async function startBare(app: AppName): Promise<Running> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  return running(url, [await start({ ...serverOf(app), env: { PORT: String(port) }, ready: { url } })])
}

async function startBareThread(app: AppName): Promise<Running> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const args = [join(APPS, `${app}-server/in-thread.mjs`)]
  return running(url, [await start({ ...serverOf(app), args, env: { PORT: String(port) }, ready: { url } })])
}

async function startWorkerd(workerd: string, dir: string, app: AppName): Promise<Running> {
  const place = await mkdtemp(join(dir, "workerd-"))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const conf = join(place, "config.capnp")
  await copyFile(join(APPS, `${app}/${app}.mjs`), join(place, "app.mjs"))
  await writeFile(conf, workerdConf(port, "app.mjs"))
  return running(url, [
    await start({ name: "workerd", file: workerd, args: ["serve", conf], env: {}, ready: { url } }),
  ])
}

async function startPolyhost(dir: string, app: string): Promise<Running> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const stateDir = await mkdtemp(join(dir, `${app}-`))
  const started = await start({
    name: `polyhost with ${app}`,
    file: process.execPath,
    args: [POLYHOST, "serve", join(APPS, app), "--listen", `127.0.0.1:${port}`, "--state-dir", stateDir],
    env: {},
    ready: { url },
  })
  return { ...running(url, [started]), adminSocket: join(stateDir, "admin.sock") }
}

/** What needs a host config: TLS, HTTP/2, files. */
async function startPolyhostFront(dir: string, app: AppName): Promise<Running> {
  const place = await mkdtemp(join(dir, `${app}-`))
  const port = await freePort()
  const scheme = app === "hello-tls" ? "https" : "http"
  const url = `${scheme}://127.0.0.1:${port}/`
  const hello = join(APPS, "hello")
  const folder = { path: "/*", dir: app === "files" ? makeFiles(dir) : "" }
  const config = {
    listen: [app === "hello-tls" ? `https://127.0.0.1:${port}` : `127.0.0.1:${port}`],
    ...(app === "hello-tls" ? { tls: { certificates: [makeCertificate(dir)] } } : {}),
    ...(app === "hello-h2c" ? { http2: { cleartext: true } } : {}),
    apps: [app === "files" ? { ...HELLO, dir: hello, static: [folder] } : hello],
  }
  const file = join(place, "polyhost.json")
  await writeFile(file, JSON.stringify(config))
  const started = await start({
    name: `polyhost with ${app}`,
    file: process.execPath,
    args: [POLYHOST, "serve", file, "--state-dir", join(place, "state")],
    env: {},
    ready: { url },
  })
  const adminSocket = join(place, "state", "admin.sock")
  // Files wake no app that could be asked for its version.
  return app === "files" ? running(url, [started]) : { ...running(url, [started]), adminSocket }
}

const HELLO = { name: "hello", runtime: "node@26", entry: "hello.mjs", interface: "fetch" } as const

async function startBehindNginx(nginx: string, dir: string, app: AppName): Promise<Running> {
  const socketPath = join(await mkdtemp(join(dir, "node-")), "node.sock")
  const name = app === "bytes" ? "bytes" : "hello"
  const ready = { url: "http://localhost/", socketPath }
  const server = await start({ ...serverOf(name), env: { SOCKET: socketPath }, ready })
  try {
    const { url, started } = await startNginx(nginx, dir, {
      serves: { proxyTo: socketPath },
      http2: app === "hello-tls" || app === "hello-h2c",
      certificate: app === "hello-tls" ? makeCertificate(dir) : null,
    })
    return running(url, [started, server])
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function startNginxFiles(nginx: string, dir: string): Promise<Running> {
  const site = { serves: { files: makeFiles(dir) }, http2: false, certificate: null }
  const { url, started } = await startNginx(nginx, dir, site)
  return running(url, [started])
}

async function startNginx(
  nginx: string,
  dir: string,
  site: Omit<Site, "prefix" | "port">,
): Promise<{ url: string; started: Started }> {
  const prefix = await mkdtemp(join(dir, "nginx-"))
  await mkdir(join(prefix, "tmp"))
  const port = await freePort()
  const url = `${site.certificate === null ? "http" : "https"}://127.0.0.1:${port}/`
  const conf = join(prefix, "nginx.conf")
  await writeFile(conf, nginxConf({ ...site, prefix, port }))
  const first = "files" in site.serves ? "1k.txt" : ""
  const started = await start({
    name: "nginx",
    file: nginx,
    args: ["-e", "stderr", "-p", prefix, "-c", conf],
    env: {},
    ready: { url: url + first, http2: site.http2 },
  })
  return { url, started }
}

function serverOf(app: AppName): Omit<Command, "env" | "ready"> {
  return {
    name: `node:http with ${app}`,
    file: process.execPath,
    args: [join(APPS, `${app}-server/server.mjs`)],
  }
}

function running(url: string, processes: readonly [Started, ...Started[]]): Running {
  const [first, ...others] = processes
  return {
    url,
    startMs: first.startMs,
    pids: [first.pid, ...others.map((it) => it.pid)],
    async stop() {
      for (const it of processes) await it.stop()
    },
  }
}
