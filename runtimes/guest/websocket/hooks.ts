/**
 * What an app's `websocket` is: crossws hooks, as an object or by its `resolve`, or Bun's own handlers, which only Bun's server
 * can call.
 */

export const HOOK_NAMES = ["upgrade", "open", "message", "close", "drain", "error", "ping", "pong"] as const
export type HookName = (typeof HOOK_NAMES)[number]

type AnyFunction = (...parameters: unknown[]) => unknown

export interface WebSocketHooks {
  readonly hooks: Readonly<Partial<Record<HookName, AnyFunction>>>
  /** Finds more hooks for a request. `websocket: {}`: the answer of `fetch` has them. */
  readonly resolve: AnyFunction | "fetch" | undefined
}

/** Undefined where the app takes no WebSocket connections. */
export function readHooks(websocket: unknown): WebSocketHooks | undefined {
  if (typeof websocket !== "object" || websocket === null) return undefined
  const owner = websocket as Record<string, unknown>
  const hooks: Partial<Record<HookName, AnyFunction>> = {}
  for (const name of HOOK_NAMES) {
    const hook = owner[name]
    // `this` is the object that owns the hook, which may be an instance of the app's own class.
    if (typeof hook === "function") hooks[name] = (hook as AnyFunction).bind(owner)
  }
  const { resolve } = owner
  if (typeof resolve === "function") return { hooks, resolve: (resolve as AnyFunction).bind(owner) }
  return { hooks, resolve: Object.keys(hooks).length === 0 ? "fetch" : undefined }
}

/** Options of Bun's server that crossws' hooks do not have. */
const BUN_ONLY = [
  "maxPayloadLength",
  "backpressureLimit",
  "closeOnBackpressureLimit",
  "idleTimeout",
  "publishToSelf",
  "sendPings",
  "perMessageDeflate",
  "data",
]

/** `websocket` is Bun's: its server alone has the `upgrade` that `fetch` calls. */
export function isForBun(websocket: unknown, fetch: (...parameters: never[]) => unknown): boolean {
  if (typeof websocket !== "object" || websocket === null) return false
  if (BUN_ONLY.some((key) => key in websocket)) return true
  if ("upgrade" in websocket || "error" in websocket || "resolve" in websocket) return false
  const text = Function.prototype.toString.call(fetch)
  return /\.\s*upgrade\s*\(/.test(text) || /\bserver\b/.test(parametersOf(text))
}

/** `fetch` calls `Deno.upgradeWebSocket`, which takes requests of Deno's server alone. */
export function isForDeno(websocket: unknown, fetch: (...parameters: never[]) => unknown): boolean {
  return (
    websocket === undefined && /\bDeno\.upgradeWebSocket\s*\(/.test(Function.prototype.toString.call(fetch))
  )
}

/** The text between the parentheses of a function's parameters; what stands in defaults may cut it short. */
function parametersOf(text: string): string {
  const from = text.indexOf("(")
  const arrow = text.indexOf("=>")
  if (from < 0 || (arrow >= 0 && arrow < from)) return ""
  return text.slice(from, text.indexOf(")", from) + 1)
}
