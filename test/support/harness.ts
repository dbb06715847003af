/**
 * A host for a test: on a free port, with temporary folders of its own and its log kept; closed when the test ends,
 * and then nothing may be left: no process that it started, no file, no socket.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import { type AppStatus, createHost, type Host, type HostConfigInput } from "../../host/index.ts"
import { eventually, within } from "./deadline.ts"
import { type Answer, type Ask, ask } from "./http-client.ts"
import { commandOf, groupAlive, processesWith } from "./processes.ts"

export const FIXTURES = join(import.meta.dirname, "../fixtures/apps")

/** The Node that runs the tests: nothing to look for, nothing to install. */
export const THIS_NODE = { name: "node", path: process.execPath } as const

/** Longest time that installing runtimes and starting apps may take. */
export const START_MS = 120_000
const CLOSE_MS = 40_000
/** Where temporary folders go, before any test host changes it. */
const TEMP = tmpdir()

type AppInput = HostConfigInput["apps"] extends (infer Item)[] | undefined ? Exclude<Item, string> : never
export type TestApp = Partial<AppInput>
type Defaults = HostConfigInput["defaults"]

export interface TestHostOptions {
  readonly listen?: string[]
  readonly defaults?: Defaults
  /** More of the host config. */
  readonly config?: Pick<HostConfigInput, "tls" | "http2" | "trustProxy" | "limits" | "timeouts">
  /** Resolve before the apps are ready. */
  readonly eager?: boolean
}

/**
 * Starts a host and closes it when the test has finished. Keys of `apps` are names; without `dir` it is the fixture of that
 * name, without `runtime` this Node. Each is routed at `/NAME/*`, prefix stripped, unless it says otherwise.
 */
export async function startHost(
  apps: Record<string, TestApp>,
  options: TestHostOptions = {},
): Promise<TestHost> {
  const host = await TestHost.start(apps, options)
  onTestFinished(() => host.close())
  return host
}

export class TestHost {
  readonly host: Host
  /** Where temporary files of the host and its apps go. */
  readonly dir: string
  urls: readonly string[] = []
  readonly #pids = new Set<number>()
  readonly #tmpdir = process.env["TMPDIR"]
  #log = ""
  #waiters: (() => void)[] = []

  private constructor(apps: Record<string, TestApp>, options: TestHostOptions) {
    this.dir = mkdtempSync(join(TEMP, "pht-"))
    process.env["TMPDIR"] = this.dir
    const config: HostConfigInput = {
      listen: options.listen ?? ["127.0.0.1:0"],
      apps: Object.entries(apps).map(([name, app]) => ({
        name,
        dir: join(FIXTURES, name),
        runtime: THIS_NODE,
        routes: [`/${name}/*`],
        stripPrefix: true,
        envFile: false,
        ...app,
      })) as HostConfigInput["apps"],
      ...(options.defaults === undefined ? {} : { defaults: options.defaults }),
      ...options.config,
    }
    this.host = createHost(config, { cwd: this.dir, log: (text) => this.#logged(text) })
    this.host.on("app", (app) => {
      for (const { pid } of app.instances) if (pid !== null) this.#pids.add(pid)
    })
  }

  static async start(apps: Record<string, TestApp>, options: TestHostOptions = {}): Promise<TestHost> {
    const it = new TestHost(apps, options)
    try {
      it.urls = await within(START_MS, "the host's start", it.host.listen())
      if (options.eager !== true) await within(START_MS, "the apps' start", it.host.ready())
      return it
    } catch (error) {
      await it.close()
      throw error
    }
  }

  /** Address of the first listener. */
  get url(): string {
    return this.urls[0] as string
  }

  /** All of the log so far. */
  get log(): string {
    return this.#log
  }

  /** Process ids of all instances that this host ever had. */
  get pids(): ReadonlySet<number> {
    return this.#pids
  }

  ask(path: string, options: Omit<Ask, "path"> = {}): Promise<Answer> {
    return ask(this.url, { ...options, path })
  }

  app(name: string): AppStatus {
    const app = this.host.apps.find((it) => it.name === name)
    if (app === undefined) throw new Error(`no app ${name}`)
    return app
  }

  pidOf(name: string): number {
    return this.app(name).instances[0]?.pid ?? 0
  }

  /** Resolves when the log has a match. */
  async logged(pattern: RegExp, ms = 10_000): Promise<RegExpExecArray> {
    const found = (async () => {
      while (true) {
        const match = pattern.exec(this.#log)
        if (match !== null) return match
        await new Promise<void>((resolve) => this.#waiters.push(resolve))
      }
    })()
    return within(ms, `${pattern} in the log:\n${this.#log.slice(-2000)}`, found)
  }

  /** Resolves when the app is in a state that passes. */
  async state(name: string, passes: (app: AppStatus) => boolean, ms = 10_000): Promise<AppStatus> {
    const reached = new Promise<AppStatus>((resolve) => {
      const off = this.host.on("app", (app) => check(app))
      const check = (app: AppStatus): void => {
        if (app.name !== name || !passes(app)) return
        off()
        resolve(app)
      }
      check(this.app(name))
    })
    return within(ms, `the state of ${name} (${JSON.stringify(this.app(name))})`, reached)
  }

  /** Closes the host and asserts that nothing is left. */
  async close(): Promise<void> {
    try {
      await within(CLOSE_MS, "the host's close", this.host.close())
      await eventually(1000, "the end of the instances' processes", () =>
        [...this.#pids].every((pid) => !groupAlive(pid)),
      )
      // The host's apps have its TMPDIR, its watchdog names the run folder in it.
      const children = processesWith(this.dir)
      if (children.length > 0)
        throw new Error(`processes are left: ${children.map((pid) => `${pid} ${commandOf(pid)}`).join("; ")}`)
      const files = existsSync(this.dir)
        ? readdirSync(this.dir).filter((it) => it.startsWith("polyhost-"))
        : []
      if (files.length > 0) throw new Error(`files are left: ${files.join(", ")}`)
    } finally {
      if (this.#tmpdir === undefined) delete process.env["TMPDIR"]
      else process.env["TMPDIR"] = this.#tmpdir
      rmSync(this.dir, { recursive: true, force: true })
    }
  }

  #logged(text: string): void {
    this.#log += text
    if (this.#log.length > 4_000_000) this.#log = this.#log.slice(-2_000_000)
    for (const wake of this.#waiters.splice(0)) wake()
  }
}
