/**
 * One context of an isolate with the guest in it: the ways in, as methods. Owns the references that lead inside; what goes in and
 * when is the lane's (`lane.ts`).
 */
import ivm from "isolated-vm"
import {
  type CellFunctions,
  HOOK_MODULE,
  type Inside,
  type InsideConfig,
  MAIN_MODULE,
  NOT_WAITING,
  type Settled,
  WAITING,
} from "../border.ts"
import type { IsolateFactory } from "./factory.ts"
import type { Bundle } from "./modules/bundler.ts"

export interface TurnInput {
  readonly bytes: ArrayBuffer | undefined
  readonly egress: ArrayBuffer | undefined
  readonly due: boolean
  readonly settled: readonly Settled[] | undefined
}

const COPY = { arguments: { copy: true } } as const

export interface GuestParts {
  readonly config: InsideConfig
  readonly functions: CellFunctions
  readonly inspect: boolean
}

const REFERENCE = { result: { reference: true } } as const

function startArguments({ config, functions }: GuestParts): unknown[] {
  return [
    new ivm.ExternalCopy(config).copyInto({ release: true }),
    ...NOT_WAITING.map((name) => new ivm.Callback(functions[name], { ignored: true })),
    ...WAITING.map((name) => new ivm.Callback(functions[name])),
  ]
}

export class GuestContext {
  readonly context: ivm.Context
  readonly #ways: Readonly<Record<keyof Inside, ivm.Reference>>

  private constructor(context: ivm.Context, ways: Readonly<Record<keyof Inside, ivm.Reference>>) {
    this.context = context
    this.#ways = ways
  }

  /** In an isolate that has run nothing of an app: our own code runs at once, on this thread. */
  static make(isolate: ivm.Isolate, factory: IsolateFactory, parts: GuestParts): GuestContext {
    const { context, start } = factory.context(isolate, parts.inspect)
    const inside = start.applySync(undefined, startArguments(parts), REFERENCE) as ivm.Reference<Inside>
    const way = (name: keyof Inside): ivm.Reference =>
      inside.getSync(name, { reference: true }) as unknown as ivm.Reference
    const ways = {
      turn: way("turn"),
      rejected: way("rejected"),
      prepare: way("prepare"),
      failed: way("failed"),
    }
    start.release()
    inside.release()
    return new GuestContext(context, ways)
  }

  /** In an isolate where an app may be busy: this thread must not wait for it. */
  static async makeLater(
    isolate: ivm.Isolate,
    factory: IsolateFactory,
    parts: GuestParts,
  ): Promise<GuestContext> {
    const { context, start } = await factory.contextLater(isolate, parts.inspect)
    const inside = (await start.apply(undefined, startArguments(parts), REFERENCE)) as ivm.Reference<Inside>
    const way = (name: keyof Inside): Promise<ivm.Reference> =>
      inside.get(name, { reference: true }) as unknown as Promise<ivm.Reference>
    const [turn, rejected, prepare, failed] = await Promise.all([
      way("turn"),
      way("rejected"),
      way("prepare"),
      way("failed"),
    ])
    start.release()
    inside.release()
    return new GuestContext(context, { turn, rejected, prepare, failed })
  }

  /** Like the others, rejects when the isolate is gone, or with what a promise was rejected with that nobody handles. */
  turn({ bytes, egress, due, settled }: TurnInput): Promise<unknown> {
    return this.#ways.turn.apply(undefined, [bytes, egress, due, settled], COPY)
  }

  rejected(reason: unknown): Promise<unknown> {
    return this.#ways.rejected.apply(undefined, [reason], COPY)
  }

  /** Compiles and links the app's module. What is returned evaluates it; the guest is told when that is done. */
  async link(isolate: ivm.Isolate, bundle: Bundle): Promise<() => Promise<unknown>> {
    const { context } = this
    const app = await isolate.compileModule(bundle.code, { filename: bundle.filename })
    const hook = await isolate.compileModule(HOOK_MODULE, { filename: "polyhost:hook.js" })
    const main = await isolate.compileModule(MAIN_MODULE, { filename: "polyhost:main.js" })
    const unbundled = (specifier: string): never => {
      throw new Error(`"${specifier}" was not bundled`)
    }
    await hook.instantiate(context, unbundled)
    await hook.evaluate()
    await this.#ways.prepare.apply(undefined, [
      hook.namespace.derefInto({ release: true }),
      bundle.map !== null,
    ])
    await app.instantiate(context, unbundled)
    await main.instantiate(context, (specifier) => (specifier === "app" ? app : hook))
    return async () => {
      try {
        await main.evaluate()
      } finally {
        // Held from here they would hold the context.
        for (const module of [app, hook, main]) module.release()
      }
    }
  }

  failed(code: string, message: string, stack: string): Promise<unknown> {
    return this.#ways.failed.apply(undefined, [code, message, stack])
  }

  release(): void {
    for (const it of [...Object.values(this.#ways), this.context]) it.release()
  }
}
