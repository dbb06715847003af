/**
 * Finds what an app's module wants to be called with, in the order of DESIGN 4.6: `mod.fetch`, `default.fetch`,
 * a default function of fewer than two parameters, a Node `(req, res)` function.
 */

import { isForBun, isForDeno, readHooks, type WebSocketHooks } from "./websocket/hooks.ts"

export interface Handler {
  /** `fetch`: an explicit fetch method; `function`: a bare function that takes a Request; `node`: `(req, res)`. */
  readonly kind: "fetch" | "function" | "node"
  readonly call: (request: Request, context: unknown, again: unknown) => unknown
  /** The app's own `close`, run before it stops. */
  readonly close: (() => unknown) | undefined
  /** Its hooks for WebSocket connections. */
  readonly webSocket: WebSocketHooks | undefined
  /** It uses what only its runtime's own server offers (Bun's `routes` and `websocket`, Deno's `upgradeWebSocket`). */
  nativeOnly(runtime: string): boolean
}

type AnyFunction = (...parameters: unknown[]) => unknown

export function findHandler(module: unknown): Handler | undefined {
  if (!isObject(module)) return undefined
  if (isFunction(module["fetch"])) return fetchHandler(module, module["fetch"])
  let exported = module["default"]
  // A CommonJS module that was compiled from `export default`.
  if (isObject(exported) && !isFunction(exported["fetch"]) && exported["default"] !== undefined) {
    exported = exported["default"]
  }
  if (isObject(exported) && isFunction(exported["fetch"])) return fetchHandler(exported, exported["fetch"])
  if (!isFunction(exported) || isClass(exported)) return undefined
  return {
    kind: exported.length < 2 ? "function" : "node",
    call: exported as Handler["call"],
    close: undefined,
    webSocket: undefined,
    nativeOnly: () => false,
  }
}

function fetchHandler(owner: Record<string, unknown>, fetch: AnyFunction): Handler {
  const close = owner["close"]
  return {
    kind: "fetch",
    // Looked up once: a module namespace is slow to read, and `this` must be the object that owns the method.
    call: fetch.bind(owner) as Handler["call"],
    close: isFunction(close) ? () => close.call(owner) : undefined,
    webSocket: readHooks(owner["websocket"]),
    nativeOnly: (runtime) =>
      (runtime === "bun" && (isRouteTable(owner["routes"]) || isForBun(owner["websocket"], fetch))) ||
      (runtime === "deno" && isForDeno(owner["websocket"], fetch)),
  }
}

/** Bun's `routes`: an object by path. Hono apps have a list of that name. */
function isRouteTable(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === "object" && value !== null) || typeof value === "function"
}

function isFunction(value: unknown): value is AnyFunction {
  return typeof value === "function"
}

function isClass(value: AnyFunction): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value))
}
