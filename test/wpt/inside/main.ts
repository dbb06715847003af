/**
 * The harness's script for an isolate, evaluated into a snapshot as an app's isolate's is: the web APIs of the runtime, and in place
 * of the guest what loads the suite's harness and tells results. It leaves one function, which `isolate.ts`, its other half, takes away.
 */
import "../../../runtimes/isolate/web/early.ts"
import { connectCalls } from "../../../protocol/calls/call-connection.ts"
import type { Channel, ChannelListener } from "../../../protocol/channel.ts"
import { installFetch } from "../../../runtimes/isolate/web/fetch-global.ts"
import { installWeb } from "../../../runtimes/isolate/web/index.ts"
import type { SubtleAnswer, WebOps } from "../../../runtimes/isolate/web/ops.ts"
import type { FileToRun } from "./file-to-run.ts"
import { NOT_WAITING, WAITING } from "./names.ts"
import { pretendScope } from "./scope.ts"

/** What the cell's side does; in the order of the start function's parameters. */
export interface Outside {
  /** Bytes for the egress. */
  readonly send: (bytes: ArrayBuffer) => void
  readonly wake: (ms: number) => void
  /** Begins an operation whose answer comes by `settle`. */
  readonly begin: (id: number, method: string, request: unknown) => void
  /** JSON of a result, or of the end of the file. */
  readonly report: (json: string) => void
  readonly domainToASCII: (host: string, beStrict: boolean) => string
  readonly random: (length: number) => ArrayBuffer
  /** The text of a file of the suite. */
  readonly read: (url: string) => string
}

/** The ways in. */
export interface Inside {
  receive(bytes: ArrayBuffer): void
  fire(): void
  settle(id: number, answer: unknown): void
  rejected(reason: unknown): void
  beforeHarness(): void
  afterHarness(): void
  afterScripts(): void
  /** The file's time is up: it tells what it has. */
  giveUp(): void
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

const bound: { ops: WebOps | null; calls: ReturnType<typeof connectCalls> | null } = {
  ops: null,
  calls: null,
}
const global = globalThis as typeof globalThis & HarnessGlobals
const web = installWeb(global, () => bound.ops!)
installFetch(global, () => bound.calls!)

function start(file: FileToRun, ...functions: never[]): Inside {
  const names = [...NOT_WAITING, ...WAITING]
  const outside = Object.fromEntries(names.map((name, at) => [name, functions[at]])) as unknown as Outside
  const waiting = new Map<number, (answer: SubtleAnswer) => void>()
  const state = { last: 0 }
  bound.ops = {
    encodingTables: () => "{}",
    domainToASCII: outside.domainToASCII,
    random: outside.random,
    wakeAfter: (ms) => outside.wake(ms === Number.POSITIVE_INFINITY ? -1 : ms),
    print: () => undefined,
    subtle: (method, request) =>
      new Promise((resolve) => {
        const id = ++state.last
        waiting.set(id, resolve)
        outside.begin(id, method, request)
      }),
  }
  const { channel, receive } = openChannel(outside.send)
  bound.calls = connectCalls(channel, (flush) => queueMicrotask(flush))
  const scope = pretendScope(global, file, outside.read)
  const { resolve } = Promise
  const loaded: { callback: (() => void) | null } = { callback: null }

  return {
    receive,
    fire: () => void web.timers.fire(),
    settle(id, answer) {
      const done = waiting.get(id)
      waiting.delete(id)
      done?.(answer as SubtleAnswer)
    },
    rejected: (reason) => web.reports.rejection(reason),
    // The harness's shell environment takes the next microtask for the moment when all scripts have run; that comes later here.
    beforeHarness() {
      Promise.resolve = (() => ({
        // biome-ignore lint/suspicious/noThenProperty: stands where the harness expects a promise
        then: (callback: () => void) => {
          loaded.callback = callback
        },
      })) as unknown as typeof Promise.resolve
    },
    afterHarness() {
      Promise.resolve = resolve
      global.add_result_callback(({ name, status, message }) => {
        outside.report(JSON.stringify({ name, status, message: message ?? null }))
      })
      global.add_completion_callback((_tests, { status, message }) => {
        outside.report(JSON.stringify({ done: true, status, message: message ?? null }))
      })
      scope.enter()
    },
    afterScripts() {
      if (file.scope === "window") scope.load()
      loaded.callback?.()
    },
    giveUp: () => global.timeout?.(),
  }
}

/** The channel to the egress: what is written leaves at once. */
function openChannel(send: Outside["send"]): { channel: Channel; receive: (bytes: ArrayBuffer) => void } {
  const state: { listener: ChannelListener | null } = { listener: null }
  const channel: Channel = {
    bufferedBytes: 0,
    write(chunks) {
      for (const chunk of chunks) send(chunk.slice().buffer as ArrayBuffer)
    },
    listen(listener) {
      state.listener = listener
    },
    close: (reason) => state.listener?.ended(reason),
  }
  return { channel, receive: (bytes) => state.listener?.data(new Uint8Array(bytes)) }
}

Object.defineProperty(globalThis, "__wpt_start", { value: start, configurable: true })
