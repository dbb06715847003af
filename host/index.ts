/**
 * Embedding: a host inside another program (DESIGN 4.7). No process-wide handlers, no exit, nothing left after `close`.
 * The command line is a user of the same function: `cli/`.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Duplex } from "node:stream"
import { PolyhostError } from "../protocol/errors.ts"
import { createToolchain, type ToolchainEvent } from "../runtimes/toolchain/index.ts"
import { baseEnvironment, type Environment, hostEnvironment, runtimeCacheDir } from "./config/environment.ts"
import {
  formatProblem,
  type HostConfigInput,
  isError,
  type LoadedConfig,
  loadConfig,
} from "./config/index.ts"
import { RunningHost } from "./host.ts"
import type { HostStatus } from "./host-status.ts"
import { createFunctionWriter, type LogWriter } from "./log/log-writer.ts"
import { createLogger, type LogFormat } from "./log/logger.ts"
import type { AppStatus } from "./supervisor/app-status.ts"
import type { Inspectable, Inspection } from "./supervisor/inspection.ts"
import { hostVersion } from "./version.ts"

export { type ErrorCode, PolyhostError } from "../protocol/errors.ts"
export type { AppManifestInput, HostConfigInput } from "./config/index.ts"
export type { HostStatus } from "./host-status.ts"
export type { AppState, AppStatus, InstanceStatus } from "./supervisor/app-status.ts"
export type { ToolchainEvent }

export interface Host {
  /** Starts the apps and listens. Resolves with the listeners' URLs, before the apps are ready (requests wait for them). */
  listen(): Promise<readonly string[]>
  /** Answers a request in this process, without a socket: the app is found by the URL's host and path. */
  fetch(request: Request): Promise<Response>
  /** A request listener for somebody's own `http.createServer(host.handler)`. */
  readonly handler: (message: IncomingMessage, response: ServerResponse) => void
  /** Takes WebSockets and other upgrades of such a server: `server.on("upgrade", host.upgrade)`. */
  readonly upgrade: (message: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** State of every app. Empty before the first use. */
  readonly apps: readonly AppStatus[]
  status(): HostStatus
  /** Resolves when each app serves, is idle, or has failed once. */
  ready(): Promise<void>
  /** `app`: an app's state changed. `install`: a runtime is being installed. Returns a function that unsubscribes. */
  on<Name extends keyof HostEvents>(event: Name, listener: (value: HostEvents[Name]) => void): () => void
  /** Starts or stops one app. @throws PolyhostError HOST_UNKNOWN_APP */
  start(name: string): Promise<AppStatus>
  stop(name: string): Promise<AppStatus>
  /**
   * Reads the configuration again and replaces the app by a new generation without a refused request. Resolves when the
   * new one serves and the old one is drained. @throws PolyhostError with the reason when it does not come up: the old
   * generation then goes on.
   */
  reload(name: string): Promise<AppStatus>
  /** Drains, stops every app, and leaves nothing behind: no socket, child, file or timer. Callers share one promise. */
  close(): Promise<void>
}

export interface HostEvents {
  app: AppStatus
  install: ToolchainEvent
}

export interface HostOptions {
  /** Folder that relative paths in the config start from. Default: the current one. */
  readonly cwd?: string
  /** Takes the log, text that ends with a line end. Default: the log is dropped. */
  readonly log?: (text: string) => void
  /** Form of the log. Default: `json`. */
  readonly logFormat?: LogFormat
}

/**
 * A host of these apps. Nothing happens before the first `listen`, `fetch`, `handler` or `upgrade` call; errors of the config
 * (PolyhostError CONFIG_INVALID, every problem in its message) come from there.
 */
export function createHost(config: HostConfigInput, options: HostOptions = {}): Host {
  const cwd = options.cwd ?? process.cwd()
  return hostOf({
    load: () => loadConfig({ config, cwd }),
    writer: createFunctionWriter(options.log ?? (() => undefined)),
    logFormat: options.logFormat ?? "json",
    env: hostEnvironment(),
    logProblems: true,
  })
}

export interface HostSource {
  readonly load: () => Promise<LoadedConfig>
  readonly writer: LogWriter
  readonly logFormat: LogFormat
  readonly env: Environment
  /** See HostParts. */
  readonly collectGarbage?: () => void
  /** Log what is wrong with the config. The command line prints it itself. */
  readonly logProblems?: boolean
  /** Addresses to listen on instead of the config's. */
  readonly listen?: readonly string[]
  /** See HostParts. */
  readonly stateDir?: string
}

export interface OwnHost extends Host {
  kill(reason: string): void
  /** @throws PolyhostError HOST_UNKNOWN_APP, RUNTIME_NO_INSPECTOR */
  inspectable(name: string): Inspectable
  /** A session with the inspector of an app's instance; null: of any. @throws PolyhostError, see `supervisor/inspection.ts` */
  inspect(name: string, instanceId: string | null): Promise<Inspection>
}

/** The host behind `createHost` and `polyhost serve`. Not part of the package's interface. */
export function hostOf(source: HostSource): OwnHost {
  const listeners = new Map<keyof HostEvents, Set<(value: never) => void>>()
  let running: RunningHost | undefined
  let starting: Promise<RunningHost> | undefined
  let closing: Promise<void> | undefined

  function emit<Name extends keyof HostEvents>(event: Name, value: HostEvents[Name]): void {
    for (const listener of listeners.get(event) ?? []) (listener as (it: HostEvents[Name]) => void)(value)
  }

  function boot(): Promise<RunningHost> {
    if (closing !== undefined) return Promise.reject(new PolyhostError("HOST_CLOSED", "the host is closed"))
    starting ??= start()
    return starting
  }

  async function start(): Promise<RunningHost> {
    const config = await source.load()
    if (config.fatal) {
      const problems = config.problems.filter(isError).map((problem) => formatProblem(problem))
      throw new PolyhostError("CONFIG_INVALID", problems.join("\n"))
    }
    const log = createLogger(source.writer, source.logFormat)
    if (source.logProblems === true) {
      for (const problem of config.problems) {
        log[isError(problem) ? "error" : "warn"](null, null, formatProblem(problem))
      }
    }
    const toolchain = createToolchain({
      cacheDir: runtimeCacheDir(source.env),
      lockFile: config.lockFile,
      env: source.env,
      report: (event) => emit("install", event),
    })
    running = await RunningHost.start({
      config,
      toolchain,
      log,
      version: hostVersion(),
      baseEnv: baseEnvironment(source.env),
      ...(source.stateDir === undefined ? {} : { stateDir: source.stateDir }),
      ...(source.listen === undefined ? {} : { listen: source.listen }),
      ...(source.collectGarbage === undefined ? {} : { collectGarbage: source.collectGarbage }),
      onChange: (status) => emit("app", status),
    })
    return running
  }

  const statusOf = (host: RunningHost, name: string): AppStatus => {
    const { apps } = host.status()
    const found = apps.find((app) => app.name === name)
    if (found !== undefined) return found
    const names = apps.map((app) => app.name)
    throw new PolyhostError("HOST_UNKNOWN_APP", `no app "${name}" (apps: ${names.join(", ")})`)
  }

  return {
    listen: async () => (await boot()).listen(),
    fetch: async (request) => (await boot()).fetch(request),
    handler(message, response) {
      if (running !== undefined) running.handler(message, response)
      else {
        boot().then(
          (host) => host.handler(message, response),
          () => response.writeHead(503).end(),
        )
      }
    },
    upgrade(message, socket, head) {
      if (running !== undefined) running.upgrades.upgrade(message, socket, head)
      else {
        socket.on("error", () => socket.destroy())
        boot().then(
          (host) => host.upgrades.upgrade(message, socket, head),
          () => socket.destroy(),
        )
      }
    },
    get apps() {
      return running?.status().apps ?? []
    },
    status() {
      if (running !== undefined) return running.status()
      return {
        host: { version: hostVersion(), pid: process.pid, uptimeSeconds: 0, listeners: [], certificates: [] },
        apps: [],
      }
    },
    ready: async () => (await boot()).settled(),
    on(event, listener) {
      const set = listeners.get(event) ?? new Set()
      listeners.set(event, set)
      set.add(listener)
      return () => set.delete(listener)
    },
    async start(name) {
      const host = await boot()
      statusOf(host, name)
      host.apps.get(name)?.fleet.start()
      await host.apps.get(name)?.fleet.settled()
      return statusOf(host, name)
    },
    async stop(name) {
      const host = await boot()
      statusOf(host, name)
      await host.apps.get(name)?.stop()
      return statusOf(host, name)
    },
    async reload(name) {
      const host = await boot()
      statusOf(host, name)
      await host.reload(name, await source.load())
      return statusOf(host, name)
    },
    close() {
      closing ??= (async () => {
        const host = await starting?.catch(() => undefined)
        await host?.close()
      })()
      return closing
    },
    inspectable(name) {
      const app = running?.apps.get(name)
      if (app !== undefined) return app.inspectable()
      throw new PolyhostError("HOST_UNKNOWN_APP", `no app "${name}" runs`)
    },
    async inspect(name, instanceId) {
      const host = await boot()
      statusOf(host, name)
      return host.inspect(name, instanceId)
    },
    kill(reason) {
      running?.kill(reason)
    },
  }
}
