/**
 * An isolate for one test file and what the cell does for it: turns with what has come, timers, WebCrypto, outbound requests through
 * the runtime's own egress. The half inside is `inside/main.ts`.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import ivm from "isolated-vm"
import { serveCalls } from "../../protocol/calls/call-connection.ts"
import { createChannelPair } from "../../protocol/memory-channel.ts"
import { createEgress } from "../../runtimes/isolate/egress/egress.ts"
import { createOps } from "../../runtimes/isolate/ops/index.ts"
import type { Factory } from "./factory.ts"
import type { Inside, Outside } from "./inside/main.ts"
import { NOT_WAITING, WAITING } from "./inside/names.ts"
import type { Task } from "./messages.ts"
import { fromRoot } from "./suite.ts"

/** Beyond this an isolate is taken for stuck in one turn. */
const LONGEST_TURN_MS = 120_000

export interface TestIsolate {
  runHarness(source: string): Promise<void>
  run(source: string, path: string): Promise<void>
  afterScripts(): Promise<void>
  giveUp(): Promise<void>
  close(): void
}

export interface ToldSubtest {
  readonly name: string
  readonly status: number
  readonly message: string | null
}

export type Told =
  | { readonly done: true; readonly status: number; readonly message: string | null }
  | ToldSubtest

export function openIsolate(factory: Factory, task: Task, tell: (told: Told) => void): TestIsolate {
  const { isolate, context, start } = factory.open()
  const state: { running: Promise<unknown>; timer: NodeJS.Timeout | null } = {
    running: Promise.resolve(),
    timer: null,
  }
  const outbound = openOutbound((bytes) => void enter("receive", bytes))
  const ops = createOps({ wake, print: () => undefined })
  const outside: Outside = {
    send: (bytes) => outbound.receive(new Uint8Array(bytes)),
    wake,
    begin(id, method, request) {
      void ops.subtle(method, request).then((answer) => enter("settle", id, answer))
    },
    report: (json) => tell(JSON.parse(json) as Told),
    domainToASCII: ops.domainToASCII,
    random: ops.random,
    read: (url) => readFileSync(join(task.root, fromRoot(task.file.path, url)), "utf8"),
  }
  const { title, scope, name } = task.file
  const file = new ivm.ExternalCopy({ url: `${task.origin}/${name}`, title, scope }).copyInto()
  const callbacks = [
    ...NOT_WAITING.map((it) => new ivm.Callback(outside[it], { ignored: true })),
    ...WAITING.map((it) => new ivm.Callback(outside[it])),
  ]
  const inside = start.applySync(undefined, [file, ...callbacks], {
    result: { reference: true },
  }) as ivm.Reference<Inside>

  /** Calls into the isolate go one after another. */
  function inTurn(work: () => Promise<unknown>): Promise<void> {
    const turn = state.running.then(async () => {
      if (!isolate.isDisposed) await work()
    })
    state.running = turn.catch(() => undefined)
    return turn
  }

  async function call(way: keyof Inside, args: readonly unknown[]): Promise<void> {
    const method = (await inside.get(way, { reference: true })) as unknown as ivm.Reference
    try {
      await method.apply(undefined, [...args], { timeout: LONGEST_TURN_MS, arguments: { copy: true } })
    } finally {
      method.release()
    }
  }

  /** What a call rejects with is what a promise inside was rejected with that nobody handles: the isolate is told. */
  async function enter(way: keyof Inside, ...args: unknown[]): Promise<void> {
    await inTurn(() => call(way, args)).catch((reason: unknown) => {
      if (!isolate.isDisposed && way !== "rejected") return enter("rejected", reason)
    })
  }

  function wake(ms: number): void {
    if (state.timer !== null) clearTimeout(state.timer)
    state.timer = ms < 0 ? null : setTimeout(() => void enter("fire"), Math.min(ms, 2 ** 31 - 1))
  }

  return {
    async runHarness(source) {
      await enter("beforeHarness")
      await this.run(source, "resources/testharness.js")
      await enter("afterHarness")
    },
    async run(source, path) {
      await inTurn(async () => {
        const script = await isolate.compileScript(source, { filename: `${task.origin}/${path}` })
        await script.run(context, { timeout: LONGEST_TURN_MS })
      })
    },
    afterScripts: () => enter("afterScripts"),
    giveUp: () => enter("giveUp"),
    close() {
      if (state.timer !== null) clearTimeout(state.timer)
      outbound.close()
      if (!isolate.isDisposed) isolate.dispose()
    },
  }
}

/** The runtime's egress, for which every host of the suite is this machine. */
function openOutbound(send: (bytes: ArrayBuffer) => void): {
  receive(bytes: Uint8Array): void
  close(): void
} {
  const schedule = (run: () => void): void => void setImmediate(run)
  const [inside, cell] = createChannelPair(schedule)
  const egress = createEgress({
    rules: [{ kind: "network", network: "loopback" }],
    app: "wpt",
    version: "0",
    async resolve(host) {
      if (!/(?:^|\.)web-platform\.test$/.test(host) || /nonexistent/.test(host))
        throw new Error(`${host} is not a host of the suite`)
      return [{ address: "127.0.0.1", family: 4 }]
    },
  })
  serveCalls(
    cell,
    { call: (call) => egress.call(call), store: () => undefined, closed: () => undefined },
    schedule,
  )
  inside.listen({ data: (bytes) => send(new Uint8Array(bytes).buffer), ended: () => undefined })
  return {
    receive: (bytes) => inside.write([bytes]),
    close() {
      egress.close()
      inside.close("the file is over")
    },
  }
}
