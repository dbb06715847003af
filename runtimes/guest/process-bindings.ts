/**
 * Bindings in a process or a thread: made before any code of the app runs, so that top-level code and servers (which get no
 * `ctx`) find them as `globalThis.polyhost.env`. Knows which request a call is made for, by the runtime's async context.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import { CallClient } from "../../protocol/calls/call-client.ts"
import type { GuestStream } from "../../protocol/guest-stream.ts"
import type { WelcomeBinding } from "../../protocol/messages.ts"
import { createBindings } from "./bindings/index.ts"

export interface ProcessBindings {
  readonly calls: CallClient
  readonly env: Readonly<Record<string, unknown>>
  /** Settles when the app has asked for something for the first time. */
  readonly needed: Promise<void>
  onBusy(listener: (busy: boolean) => void): void
  /** Runs the app's code for a request. */
  during(stream: GuestStream, run: (stream: GuestStream) => void): void
}

export function installBindings(list: readonly WelcomeBinding[]): ProcessBindings {
  const calls = new CallClient()
  let listener: (busy: boolean) => void = () => undefined
  let need: () => void
  const needed = new Promise<void>((resolve) => {
    need = resolve
  })
  calls.onBusy = (busy) => {
    if (busy) need()
    listener(busy)
  }
  // Only calls of apps can go round in circles; without them no request pays for the context.
  const current = list.some(({ kind }) => kind === "app") ? new AsyncLocalStorage<number>() : null
  // Before Node 18 there are no streams and no Request: nothing a binding could give or take.
  const isPossible = globalThis.ReadableStream !== undefined
  const env = createBindings(isPossible ? list : [], calls, () => current?.getStore() ?? 0)
  Object.defineProperty(globalThis, "polyhost", {
    // Made when it is asked for: Deno may refuse the variables, and an app that asks for none is not to end for it.
    value: {
      get env() {
        const made = { ...process.env, ...env }
        Object.defineProperty(this, "env", { value: made, enumerable: true })
        return made
      },
    },
    enumerable: false,
    configurable: true,
    writable: true,
  })
  return {
    calls,
    env,
    needed,
    onBusy(next) {
      listener = next
    },
    during(stream, run) {
      if (current === null) run(stream)
      else current.run(stream.id, run, stream)
    },
  }
}
