/**
 * The harness's half inside the isolate: puts the web APIs on the global object as the runtime does, makes the surroundings the
 * suite expects (a location, names of scopes), and tells results. Bundled at the start of a run; its other half is
 * `isolate.ts`.
 */

import { installWeb } from "../../../runtimes/isolate/web/index.ts"
import type { WebOps } from "../../../runtimes/isolate/web/ops.ts"
import { type FetchAnswer, makeFetch } from "./fetch.ts"
import { pretendScope } from "./scope.ts"

export interface Outside extends Omit<WebOps, "subtle"> {
  /** Begins an operation whose answer comes by `settle`: a promise of the outside cannot cross. */
  readonly begin: (id: number, method: string, request: unknown) => void
  /** JSON of a message: a result, or the end of the file. */
  readonly report: (json: string) => void
}

export interface FileToRun {
  readonly url: string
  readonly title: string | null
  readonly scope: "worker" | "window"
  readonly port: number
}

interface Subtest {
  readonly name: string
  readonly status: number
  readonly message: string | null
}

interface HarnessGlobals {
  add_result_callback(callback: (test: Subtest) => void): void
  add_completion_callback(
    callback: (tests: Subtest[], status: { status: number; message?: string }) => void,
  ): void
  timeout?(): void
}

const global = globalThis as typeof globalThis & HarnessGlobals & Record<string, unknown>

export function start(outside: Outside, file: FileToRun): object {
  const pending = new Map<number, (answer: unknown) => void>()
  const ask = (method: string, request: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      const id = pending.size === 0 ? 1 : Math.max(...pending.keys()) + 1
      pending.set(id, resolve)
      outside.begin(id, method, request)
    })
  const subtle: WebOps["subtle"] = (method, request) => ask(method, request) as ReturnType<WebOps["subtle"]>
  const { timers } = installWeb(global, () => ({ ...outside, subtle }))
  if (typeof global.fetch !== "function")
    define(
      "fetch",
      makeFetch((request) => ask("fetch", { ...request, port: file.port }) as Promise<FetchAnswer>),
    )
  const scope = pretendScope(global, file)
  const { resolve } = Promise
  const loaded: { callback: (() => void) | null } = { callback: null }

  return {
    /** The harness's shell environment takes the next microtask for the moment when the file has run; ours comes later. */
    beforeHarness(): void {
      Promise.resolve = (() => ({
        // biome-ignore lint/suspicious/noThenProperty: stands where the harness expects a promise
        then: (callback: () => void) => {
          loaded.callback = callback
        },
      })) as unknown as typeof Promise.resolve
    },
    afterHarness(): void {
      Promise.resolve = resolve
      global.add_result_callback(({ name, status, message }) => {
        outside.report(JSON.stringify({ name, status, message: message ?? null }))
      })
      global.add_completion_callback((_tests, { status, message }) => {
        outside.report(JSON.stringify({ done: true, status, message: message ?? null }))
      })
      scope.enter()
    },
    afterScripts(): void {
      if (file.scope === "window") scope.load()
      loaded.callback?.()
    },
    giveUp(): void {
      global.timeout?.()
    },
    settle(id: number, answer: unknown): void {
      const resolve = pending.get(id)
      pending.delete(id)
      resolve?.(answer)
    },
    fire(): boolean {
      return timers.fire()
    },
  }
}

function define(name: string, value: unknown): void {
  Object.defineProperty(global, name, { value, writable: true, enumerable: true, configurable: true })
}
