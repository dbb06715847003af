/**
 * Bindings: what the apps of a host reach by name: each other, and the key-value store. Answers the calls of every
 * instance, whatever its runtime. Counterpart inside the app: `runtimes/guest/bindings/`.
 */
import type { CallHandlers } from "../../protocol/calls/call-server.ts"
import type { ServerCall } from "../../protocol/calls/server-call.ts"
import type { Exchange } from "../../protocol/exchange.ts"
import type { WelcomeBinding } from "../../protocol/messages.ts"
import type { AppSpec, Binding } from "../../runtimes/app-spec.ts"
import type { InstanceBindings } from "../../runtimes/runtime.ts"
import type { HostExchange } from "../exchange.ts"
import { ResponseHeads } from "../listener/response-head.ts"
import type { Logger } from "../log/logger.ts"
import { CallExchange } from "./call-exchange.ts"
import { refuse, Store } from "./store.ts"
import { StoreFault } from "./store-fault.ts"

/** Apps that call each other may go this deep; more is taken for a loop. */
export const MOST_HOPS = 16

/** Name of the store that every app has, unless a variable or another binding is called so. */
const DEFAULT_STORE = "STORE"

export interface BindingsParts {
  /** The app of that name, if there is one. */
  readonly app: (name: string) => { admit(exchange: HostExchange): void } | undefined
  /** Folder of the store. */
  readonly stateDir: string
  readonly log: Logger
  readonly nextRequestId: () => string
}

/** The instance that calls. */
export interface Caller {
  /** Hops of the request that it was given last, while it has any. */
  readonly recentDepth: number
}

export class Bindings {
  readonly #parts: BindingsParts
  readonly #store: Store
  readonly #heads = new ResponseHeads()

  constructor(parts: BindingsParts) {
    this.#parts = parts
    this.#store = new Store(parts)
  }

  /** After every instance has ended. Callers share one promise. */
  close(): Promise<void> {
    return this.#store.close()
  }

  /** What an instance of the app may call. */
  of(spec: AppSpec, caller: Caller): InstanceBindings {
    const bindings = bindingsOf(spec)
    return {
      list: [...bindings].map(([name, { kind }]): WelcomeBinding => ({ name, kind })),
      handlers: (exchangeOf): CallHandlers => ({
        call: (call) => {
          const binding = bindings.get(call.head.binding)
          if (binding?.kind !== "app")
            return call.fail("refused", `"${call.head.binding}" is not bound to an app`)
          this.#call(call, { from: spec.name, to: binding.app, depth: depthOf(call, exchangeOf, caller) + 1 })
        },
        store: (request) => {
          const binding = bindings.get(request.binding)
          if (binding?.kind === "store") return this.#store.ask(binding.namespace, request)
          refuse(request, new StoreFault("STORE_UNKNOWN", `"${request.binding}" is not bound to a store`))
        },
      }),
    }
  }

  #call(call: ServerCall, { from, to, depth }: { from: string; to: string; depth: number }): void {
    const { app, log, nextRequestId } = this.#parts
    const exchange = CallExchange.create(call, {
      app: to,
      depth,
      requestId: nextRequestId(),
      heads: this.#heads,
    })
    if (exchange === null) return call.fail("refused", `${JSON.stringify(call.head.url)} cannot be requested`)
    const fail = (code: "CALL_LOOP" | "APP_UNAVAILABLE", detail: string): void => {
      log.request(from, null, { requestId: exchange.requestId, code, detail })
      exchange.fail(code, detail)
    }
    if (depth > MOST_HOPS)
      return fail("CALL_LOOP", `apps called each other ${MOST_HOPS} times for one request`)
    const callee = app(to)
    if (callee === undefined) return fail("APP_UNAVAILABLE", `there is no app "${to}" to be called`)
    callee.admit(exchange)
  }
}

/** With the store that every app has. */
export function bindingsOf(spec: AppSpec): ReadonlyMap<string, Binding> {
  const bindings = new Map<string, Binding>(Object.entries(spec.bindings))
  if (!bindings.has(DEFAULT_STORE) && !Object.hasOwn(spec.env, DEFAULT_STORE))
    bindings.set(DEFAULT_STORE, { kind: "store", namespace: spec.name })
  return bindings
}

/**
 * Hops behind the request that the call is made for. A guest that does not know which that is (a server app, an isolate)
 * most likely works on the one that came last. Whatever it says, the count itself is the host's.
 */
function depthOf(call: ServerCall, exchangeOf: (stream: number) => Exchange | null, caller: Caller): number {
  const cause = call.head.cause === 0 ? null : exchangeOf(call.head.cause)
  return cause === null ? caller.recentDepth : (cause as HostExchange).ticket.depth
}
