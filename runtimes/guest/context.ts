/**
 * The second argument of `fetch(request, ctx)`. One object a request, made cheaply: what is the same for every
 * request lies on its prototype, and below that the app's variables, so that Workers apps find `env.NAME` on it and,
 * given it again as their third argument, `ctx.waitUntil`. Deno apps find `info.remoteAddr`, Bun apps `server.requestIP`.
 */
import type { Log, Welcome } from "../../protocol/messages.ts"
import type { RequestRecord } from "./request-record.ts"

export interface AppContext {
  readonly env: Readonly<Record<string, unknown>>
  /** Keeps the instance alive for work that goes on after the answer. */
  waitUntil(promise: Promise<unknown>): void
  /** Aborts when the client leaves or the host gives the request up. */
  readonly signal: AbortSignal
  readonly app: { readonly name: string; readonly generation: number; readonly instance: string }
  readonly log: AppLog
  /** Address of the client, without its port. */
  readonly clientAddress: string
}

export type AppLog = Record<Log["level"], (message: string) => void>

export interface ContextParts {
  readonly env: Record<string, unknown>
  readonly app: Welcome["app"]
  readonly log: (log: Log) => void
  readonly waitUntil: (promise: Promise<unknown>) => void
}

const RECORD = Symbol("polyhost.context.record")

interface ContextFields {
  [RECORD]: RequestRecord
}

/** A function that makes the context of a request. */
export function contextMaker({
  env,
  app,
  log,
  waitUntil,
}: ContextParts): (record: RequestRecord) => AppContext {
  const prototype = Object.create(env) as object
  const write = (level: Log["level"]) => (message: string) => log({ level, message: String(message) })
  const shared = {
    env,
    app: { name: app.name, generation: app.generation, instance: app.instance },
    log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
    waitUntil,
    passThroughOnException: () => undefined,
    timeout: () => undefined,
    upgrade: () => false,
    completed: Promise.resolve(),
  }
  for (const [key, value] of Object.entries(shared)) {
    Object.defineProperty(prototype, key, { value, writable: true, configurable: true })
  }
  const perRequest: Record<string, (record: RequestRecord) => unknown> = {
    signal: (record) => record.signal,
    clientAddress: (record) => record.clientAddress,
    remoteAddr: (record) => ({ transport: "tcp", hostname: record.clientAddress, port: 0 }),
    requestIP: (record) => () => ({
      address: record.clientAddress,
      family: record.clientAddress.includes(":") ? "IPv6" : "IPv4",
      port: 0,
    }),
  }
  for (const [key, read] of Object.entries(perRequest)) {
    Object.defineProperty(prototype, key, {
      configurable: true,
      get(this: ContextFields) {
        return read(this[RECORD])
      },
    })
  }
  return (record) => {
    const context = Object.create(prototype) as ContextFields
    context[RECORD] = record
    return context as unknown as AppContext
  }
}
