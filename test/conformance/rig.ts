/** One host with the apps of all columns, and the same apps without it: what cases run against. */
import { TestHost } from "../support/harness.ts"
import type { TestRuntime } from "../support/table.ts"
import type { Target } from "./case.ts"
import type { Column } from "./columns.ts"
import { APP_DIR, DirectApps } from "./direct.ts"
import { RawClient } from "./raw-client.ts"
import { requestBytes } from "./request-bytes.ts"

/** What went wrong, with the bytes of the connections that it went wrong on. */
export class CaseError extends Error {
  override readonly name = "CaseError"

  constructor(cause: unknown, clients: readonly RawClient[]) {
    const what = cause instanceof Error ? cause.message : String(cause)
    const bytes = [...clients.slice(0, 1), ...clients.slice(1).slice(-2)].map((it) => it.transcript)
    super([what.trim(), ...bytes].join("\n"), { cause })
  }
}

/** Longest wait for any bytes of the long form of a case. */
const LONG_WAIT_MS = 20_000

export class Rig {
  readonly runtimes: readonly TestRuntime[]
  readonly full: boolean
  readonly #host: TestHost
  readonly #direct: DirectApps
  #ids = 0

  private constructor(host: TestHost, runtimes: readonly TestRuntime[], full: boolean) {
    this.#host = host
    this.#direct = new DirectApps(runtimes)
    this.runtimes = runtimes
    this.full = full
  }

  static async start(
    columns: readonly Column[],
    runtimes: readonly TestRuntime[],
    full: boolean,
  ): Promise<Rig> {
    const apps = columns.map((column) => {
      const runtime = runtimes.find((it) => it.name === column.runtime && it.asked === column.asked)
      if (runtime === undefined) throw new Error(`${column.runtime}@${column.asked} is not in the table`)
      return [
        column.id,
        {
          dir: APP_DIR,
          entry: column.entry,
          runtime: { name: runtime.name, version: runtime.version },
          interface: column.api === "fetch" ? ("fetch" as const) : ("server" as const),
          routes: [`${column.id}.example`],
          stripPrefix: false,
        },
      ]
    })
    return new Rig(await TestHost.start(Object.fromEntries(apps)), runtimes, full)
  }

  /** Runs `use` with the app as a client reaches it; its connections are closed afterwards. */
  async with<T>(column: Column, direct: boolean, use: (at: Target) => Promise<T>): Promise<T> {
    const port = direct ? await this.#direct.portOf(column) : Number(new URL(this.#host.url).port)
    const host = `${column.id}.example`
    const clients: RawClient[] = []
    const connect = (): RawClient => {
      const client = new RawClient(port, this.full ? LONG_WAIT_MS : undefined)
      clients.push(client)
      return client
    }
    try {
      return await use({
        column,
        api: column.api,
        node: column.api === "node:http",
        host,
        direct,
        full: this.full,
        hostPid: direct ? 0 : process.pid,
        connect,
        ask: (parts, options = {}) => {
          const { method = "GET", version = "1.1" } = parts
          return connect()
            .send(requestBytes(host, parts))
            .response({ method, version, ...options })
        },
        bytes: (parts) => requestBytes(host, parts),
        id: () => `${column.id}-${++this.#ids}`,
      })
    } catch (error) {
      throw new CaseError(error, clients)
    } finally {
      for (const client of clients) client.destroy()
    }
  }

  /** Instances that ended by themselves: no case may end an app, or others fail with it. */
  get ends(): string[] {
    return [...this.#host.log.matchAll(/instance (\S+) ended unexpectedly: [^"]*/g)].map(([text]) => text)
  }

  /** Requests that the host still counts, by app: every client has left, so there should be none. */
  get inFlight(): string[] {
    return this.#host.host.apps.flatMap(({ name, instances }) =>
      instances.filter((it) => it.inFlight > 0).map((it) => `${name}: ${it.inFlight}`),
    )
  }

  /** All that the host logged. */
  get log(): string {
    return this.#host.log
  }

  async close(): Promise<void> {
    await Promise.all([this.#host.close(), this.#direct.close()])
  }
}
