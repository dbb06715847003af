/**
 * An isolate for one test file, with the web APIs that an app's isolate has: its making, the ops behind the web APIs, running
 * scripts. The half inside is `inside/main.ts`.
 */
import { randomFillSync } from "node:crypto"
import { domainToASCII } from "node:url"
import ivm from "isolated-vm"
import { fetchLocal, type LocalRequest } from "./fetch-local.ts"
import type { ChildSetup, Task } from "./messages.ts"

/** As much as an app may have at most; some files make arrays of 100 MB. */
const MEMORY_MB = 512
/** Beyond this the isolate is taken for stuck in one turn. */
const LONGEST_TURN_MS = 120_000

export interface TestIsolate {
  start(): Promise<void>
  runHarness(source: string): Promise<void>
  run(source: string, path: string): Promise<void>
  afterScripts(): Promise<void>
  /** The file's time is up: its harness is to tell what it has. */
  giveUp(): Promise<void>
  close(): void
}

export type Told =
  | { readonly done: true; readonly status: number; readonly message: string | null }
  | { readonly name: string; readonly status: number; readonly message: string | null }

type Step = "beforeHarness" | "afterHarness" | "afterScripts" | "giveUp" | "fire" | "settle"

export function openIsolate(setup: ChildSetup, task: Task, tell: (told: Told) => void): TestIsolate {
  const isolate = new ivm.Isolate({
    memoryLimit: MEMORY_MB,
    onCatastrophicError: () => process.kill(process.pid, "SIGKILL"),
  })
  const state: { steps: ivm.Reference | null; context: ivm.Context | null; timer: NodeJS.Timeout | null } = {
    steps: null,
    context: null,
    timer: null,
  }

  async function step(name: Step, ...args: unknown[]): Promise<unknown> {
    const method: ivm.Reference = await state.steps!.get(name, { reference: true })
    const answer: unknown = await method.apply(undefined, args, {
      timeout: LONGEST_TURN_MS,
      arguments: { copy: true },
    })
    method.release()
    return answer
  }

  function wakeAfter(ms: number): void {
    if (state.timer !== null) clearTimeout(state.timer)
    state.timer = Number.isFinite(ms) ? setTimeout(() => void fire(), ms) : null
  }

  async function begin(id: number, method: string, request: unknown): Promise<void> {
    const answer = await carryOut(method, request)
    await step("settle", id, answer).catch(() => undefined)
  }

  async function fire(): Promise<void> {
    // The isolate may be gone, or the file over: then nobody waits for its timers.
    for (let more = true; more; ) more = (await step("fire").catch(() => false)) === true
  }

  return {
    async start() {
      state.context = await isolate.createContext()
      const { url, title, scope } = { ...task.file, url: `${task.origin}/${task.file.name}` }
      const code = `${setup.bundle}
const [report, domainToASCII, random, begin, wakeAfter, print] = [$0, $1, $2, $3, $4, $5]
return inside.start({ report, domainToASCII, random, begin, wakeAfter, print }, $6)`
      state.steps = await state.context.evalClosure(
        code,
        [
          new ivm.Callback((json: string) => tell(JSON.parse(json) as Told), { ignored: true }),
          new ivm.Callback((host: string) => domainToASCII(host)),
          new ivm.Callback((length: number) => randomFillSync(new Uint8Array(length)).buffer),
          new ivm.Callback(
            (id: number, method: string, request: unknown) => void begin(id, method, request),
            { ignored: true },
          ),
          new ivm.Callback(wakeAfter, { ignored: true }),
          new ivm.Callback(() => undefined, { ignored: true }),
          new ivm.ExternalCopy({ url, title, scope, port: task.port }).copyInto(),
        ],
        { result: { reference: true }, filename: "file:///polyhost/wpt-inside.js" },
      )
    },
    async runHarness(source) {
      await step("beforeHarness")
      await this.run(source, "resources/testharness.js")
      await step("afterHarness")
    },
    async run(source, path) {
      const script = await isolate.compileScript(source, { filename: `file:///${path}` })
      await script.run(state.context!, { timeout: LONGEST_TURN_MS })
    },
    afterScripts: async () => void (await step("afterScripts")),
    giveUp: async () => void (await step("giveUp").catch(() => undefined)),
    close() {
      if (state.timer !== null) clearTimeout(state.timer)
      if (!isolate.isDisposed) isolate.dispose()
    },
  }
}

function carryOut(method: string, request: unknown): Promise<unknown> {
  if (method === "fetch")
    return fetchLocal(request as LocalRequest).catch((error: Error) => ({ error: error.message }))
  return Promise.resolve({ ok: false, name: "NotSupportedError", message: `no operation ${method}` })
}
