/**
 * The composition of a host: builds the parts, starts them in order, stops them in reverse. Owns no policy.
 * `createHost` (index.ts) is the way in for programs, `cli/` for people.
 */

import { rm } from "node:fs/promises"
import type { IncomingMessage, ServerResponse } from "node:http"
import { availableParallelism } from "node:os"
import { PolyhostError } from "../protocol/errors.ts"
import type { AppSpec } from "../runtimes/app-spec.ts"
import { createRuntimes, type Runtimes } from "../runtimes/index.ts"
import type { Toolchain } from "../runtimes/toolchain/index.ts"
import { routesOf } from "./app-routes.ts"
import { Bindings } from "./bindings/bindings.ts"
import { formatProblem, type LoadedConfig } from "./config/index.ts"
import { createFetchExchange } from "./embed/fetch-exchange.ts"
import type { HostExchange } from "./exchange.ts"
import { appStatus, certificateStatus, type HostStatus, memoryReader } from "./host-status.ts"
import { createServices, type ListenerServices } from "./listener/http1/services.ts"
import type { RequestIds } from "./listener/listener.ts"
import { requestHandler } from "./listener/node-handler.ts"
import { NodeUpgrades } from "./listener/node-upgrade.ts"
import { createRequestIds } from "./listener/request-ids.ts"
import { Listeners } from "./listeners.ts"
import type { Logger } from "./log/logger.ts"
import { createRouter, type Router } from "./router.ts"
import { createRunDir } from "./run-dir.ts"
import { FileCache } from "./static/file-cache.ts"
import { StreamedBytes } from "./streamed-bytes.ts"
import { App } from "./supervisor/app.ts"
import type { AppStatus } from "./supervisor/app-status.ts"
import { brokenAppStatus } from "./supervisor/broken-app.ts"
import type { Inspection } from "./supervisor/inspection.ts"
import { createStartGate } from "./supervisor/start-gate.ts"

export interface HostParts {
  readonly config: LoadedConfig
  readonly toolchain: Toolchain
  readonly log: Logger
  readonly version: string
  /** Folder for what outlives the host, instead of the config's. Made when it is first needed. */
  readonly stateDir?: string
  readonly baseEnv: Readonly<Record<string, string>>
  /** Addresses to listen on instead of the config's. */
  readonly listen?: readonly string[]
  /** Collects young garbage, when this process is the host's own. */
  readonly collectGarbage?: () => void
  readonly onChange?: (app: AppStatus) => void
}

/** Where requests go: an app, or an app that cannot be because its configuration is wrong. */
type Target = App | { readonly broken: string }

/** How often heartbeats are sent and silence is looked for, in milliseconds. */
const TICK_MS = 500

export class RunningHost {
  readonly #parts: HostParts
  readonly #runtimes: Runtimes
  readonly #apps = new Map<string, App>()
  readonly #bindings: Bindings
  readonly #fileCache = new FileCache()
  readonly #gate = createStartGate(availableParallelism())
  readonly #reloading = new Map<string, Promise<void>>()
  #router: Router<Target>
  readonly #ids: RequestIds = createRequestIds()
  readonly #services: ListenerServices
  readonly #startedAtMs = performance.now()
  readonly #startedAt = new Date()
  readonly #ticker: NodeJS.Timeout
  readonly handler: (message: IncomingMessage, response: ServerResponse) => void
  /** Connections that somebody's own server gave away. */
  readonly upgrades: NodeUpgrades
  #listeners: Listeners | null = null
  #closing: Promise<void> | null = null
  #lastTickMs = performance.now()

  private constructor(parts: HostParts, runtimes: Runtimes) {
    this.#parts = parts
    this.#runtimes = runtimes
    this.#bindings = new Bindings({
      app: (name) => this.#apps.get(name),
      stateDir: this.#stateDir,
      log: parts.log,
      nextRequestId: () => this.#ids.next(),
    })
    for (const spec of parts.config.apps) this.#apps.set(spec.name, this.#createApp(spec, 1))
    this.#router = createRouter(routesOf<Target>(this.#apps.values(), this.#parts.config.broken))
    const shared = {
      settings: parts.config.http,
      handle: (exchange: HostExchange): void => this.handle(exchange),
      ids: this.#ids,
      streamed: new StreamedBytes(parts.collectGarbage ?? null),
      errorPages: parts.config.errorPages,
    }
    this.handler = requestHandler(shared)
    this.#services = createServices({
      ...shared,
      refused: ({ requestId, code, detail, clientAddress }) =>
        parts.log.request(null, null, { requestId, code, detail: `${detail} (client ${clientAddress})` }),
    })
    this.upgrades = new NodeUpgrades(this.#services)
    this.#ticker = setInterval(() => this.#tick(), TICK_MS)
    this.#ticker.unref()
    for (const app of this.#apps.values()) app.fleet.start()
  }

  /** Starts the apps; listens nowhere yet. Resolves before any app is ready. */
  static async start(parts: HostParts): Promise<RunningHost> {
    const runDir = await createRunDir()
    try {
      const runtimes = await createRuntimes({
        toolchain: parts.toolchain,
        runDir,
        baseEnv: parts.baseEnv,
        isolatesPerCell: parts.config.isolatesPerCell,
      })
      return new RunningHost(parts, runtimes)
    } catch (error) {
      await rm(runDir, { recursive: true, force: true })
      throw error
    }
  }

  /** Listens on every address. @throws PolyhostError HOST_LISTEN_FAILED; the addresses that could be had are closed again. */
  async listen(): Promise<readonly string[]> {
    const { config, log } = this.#parts
    this.#listeners ??= await Listeners.open(this.#parts.listen ?? config.listen, {
      tls: config.tls,
      services: this.#services,
      stateDir: this.#stateDir,
      log,
    })
    return this.urls
  }

  get #stateDir(): string {
    return this.#parts.stateDir ?? this.#parts.config.stateDir
  }

  get urls(): readonly string[] {
    return this.#listeners?.urls ?? []
  }

  get apps(): ReadonlyMap<string, App> {
    return this.#apps
  }

  /** Finds the app of a request and admits it. Never throws. */
  handle(exchange: HostExchange): void {
    if (this.#closing !== null) exchange.closeAfter()
    const match = this.#router.find(exchange.hostName, exchange.path)
    if (match === undefined) {
      exchange.fail("NO_ROUTE", exchange.path)
      return
    }
    const { target } = match
    if (!(target instanceof App)) {
      exchange.fail("APP_UNAVAILABLE", `the configuration of app "${target.broken}" is wrong`)
      return
    }
    if (target.spec.stripPrefix && match.prefix !== "") exchange.mount(match.prefix)
    target.admit(exchange)
  }

  fetch(request: Request): Promise<Response> {
    return createFetchExchange(request, this.#ids.next(), (exchange) => this.handle(exchange))
  }

  status(): HostStatus {
    const memoryOf = memoryReader()
    return {
      host: {
        version: this.#parts.version,
        pid: process.pid,
        uptimeSeconds: Math.round((performance.now() - this.#startedAtMs) / 1000),
        listeners: this.urls,
        certificates: certificateStatus(this.#listeners?.certificates ?? []),
      },
      apps: [
        ...[...this.#apps.values()].map((app) => appStatus(app, memoryOf)),
        ...this.#parts.config.broken.map((app) => brokenAppStatus(app, this.#startedAt)),
      ].sort((a, b) => (a.name < b.name ? -1 : 1)),
    }
  }

  /** A session with the inspector of an instance; null: of any. @throws PolyhostError, see `supervisor/inspection.ts` */
  inspect(name: string, instanceId: string | null): Promise<Inspection> {
    const app = this.#apps.get(name)
    if (app !== undefined) return app.inspect(instanceId)
    return Promise.reject(
      new PolyhostError("HOST_UNKNOWN_APP", `app "${name}" does not run: its configuration is wrong`),
    )
  }

  /**
   * Replaces an app by a new generation, made of `config`: resolves when the new one serves and the old one is drained.
   * Rejects with the reason when the new one does not come up; the old one then goes on. Callers share one promise.
   */
  reload(name: string, config: LoadedConfig): Promise<void> {
    const reloading = this.#reloading.get(name) ?? this.#reload(name, config)
    this.#reloading.set(name, reloading)
    const forget = (): void => {
      this.#reloading.delete(name)
    }
    reloading.then(forget, forget)
    return reloading
  }

  async #reload(name: string, config: LoadedConfig): Promise<void> {
    await this.#listeners?.reloadCertificates()
    const old = this.#apps.get(name)
    const spec = config.apps.find((it) => it.name === name)
    if (old === undefined || spec === undefined) {
      const problems = config.broken.find((it) => it.name === name)?.problems ?? []
      const why =
        problems.map((problem) => formatProblem(problem)).join("\n") || "it is not in the configuration"
      throw new PolyhostError("CONFIG_INVALID", `App "${name}" cannot be reloaded: ${why}`)
    }
    const next = this.#createApp(spec, old.fleet.generation + 1)
    next.fleet.start()
    await next.fleet.complete()
    const { state, lastError } = next.fleet
    if (this.#closing !== null || (state !== "running" && state !== "idle")) {
      await next.stop()
      next.close()
      throw new PolyhostError(
        lastError?.code ?? "HOST_CLOSED",
        `App "${name}" was not reloaded, its generation ${old.fleet.generation} goes on: ${lastError?.message ?? "the host closes"}`,
      )
    }
    this.#apps.set(name, next)
    this.#router = createRouter(routesOf<Target>(this.#apps.values(), this.#parts.config.broken))
    this.#changed(name)
    await old.stop(1012)
    old.close()
  }

  /** Resolves when each app serves, is idle, or has failed once. */
  async settled(): Promise<void> {
    await Promise.all([...this.#apps.values()].map((app) => app.fleet.settled()))
  }

  /**
   * Takes no new connection, serves what is admitted, ends every instance, and leaves nothing behind: no socket, child,
   * file or timer. Callers share one promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Hurries a close: what is in flight is cut. */
  kill(reason: string): void {
    this.#listeners?.destroy()
    this.upgrades.destroy()
    for (const app of this.#apps.values()) app.fleet.kill(reason)
  }

  async #close(): Promise<void> {
    const closed = this.#listeners?.close()
    await Promise.all([...this.#apps.values()].flatMap((app) => [app.stop(), app.filesSent()]))
    await Promise.allSettled(this.#reloading.values())
    // Every app has drained: connections that are still open are idle or will never end.
    this.#listeners?.destroy()
    this.upgrades.destroy()
    await closed
    clearInterval(this.#ticker)
    for (const app of this.#apps.values()) app.close()
    await this.#runtimes.close()
    await this.#bindings.close()
    await this.#parts.toolchain.close()
  }

  #createApp(spec: AppSpec, generation: number): App {
    return new App(spec, {
      runtime: this.#runtimes.get(spec.runtime.name),
      gate: this.#gate,
      log: this.#parts.log,
      bindings: this.#bindings,
      fileCache: this.#fileCache,
      generation,
      changed: (name) => this.#changed(name),
    })
  }

  #tick(): void {
    const nowMs = performance.now()
    const late = nowMs - this.#lastTickMs > 2 * TICK_MS
    this.#lastTickMs = nowMs
    // When this process itself stood still, answers of the guests lie unread: that silence is not theirs.
    if (late) return
    for (const app of this.#apps.values()) app.tick(nowMs)
  }

  #changed(name: string): void {
    const app = this.#apps.get(name)
    if (app !== undefined) this.#parts.onChange?.(appStatus(app, memoryReader()))
  }
}
