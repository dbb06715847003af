/**
 * What the manifest's bindings are in the app: `env.NAME` with `fetch` (another app) or with `get`, `put`, `delete` and
 * `list` (a key-value store). The same in every JavaScript runtime: ECMAScript and the web's own classes, nothing else.
 * Calls go to the host as frames (`protocol/calls/`); what answers them there is `host/bindings/`.
 */
import type { CallClient } from "../../../protocol/calls/call-client.ts"
import type { WelcomeBinding } from "../../../protocol/messages.ts"
import { type AppBinding, createAppBinding } from "./app-binding.ts"
import { createStoreBinding, type StoreBinding } from "./store-binding.ts"

export type { AppBinding } from "./app-binding.ts"
export type { StoreBinding } from "./store-binding.ts"

/** `cause` tells the stream id of the request that the app is answering, 0 when that is not known. */
export function createBindings(
  list: readonly WelcomeBinding[],
  calls: CallClient,
  cause: () => number = () => 0,
): Record<string, AppBinding | StoreBinding> {
  const bindings: Record<string, AppBinding | StoreBinding> = {}
  for (const { name, kind } of list) {
    bindings[name] = kind === "app" ? createAppBinding(name, calls, cause) : createStoreBinding(name, calls)
  }
  return bindings
}
