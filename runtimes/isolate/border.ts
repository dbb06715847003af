/**
 * What crosses between a cell's loop and the inside of one of its isolates, by copy. Types and names only, for both sides.
 * The cell calls in with all that has come since the last time: a turn. The inside calls out with what it has made.
 */
import type { WelcomeBinding } from "../../protocol/messages.ts"

/** Name of the start function on the isolate's global object, until the cell has taken it away. */
export const START = "__polyhost_start"

/** What the inside is told once. */
export interface InsideConfig {
  readonly token: string
  /** Version of V8's host, for the hello. */
  readonly version: string
  readonly pid: number
  /** What the app finds in `ctx.env`. */
  readonly env: Readonly<Record<string, string>>
  readonly bindings: readonly WelcomeBinding[]
  /**
   * A context of its own for one request (`policy: "perRequest"`): the hello was said by another context of this isolate, and the
   * host's welcome is repeated.
   */
  readonly oneRequest: boolean
}

/** Functions of the cell. Each becomes a plain function inside; none may be reachable from the app. In the order of START's parameters. */
export interface CellFunctions {
  /** Bytes for the host. */
  readonly send: (bytes: ArrayBuffer) => void
  /** Bytes for the cell's own egress. */
  readonly sendEgress: (bytes: ArrayBuffer) => void
  /** When to fire timers, in milliseconds from now; -1: never. */
  readonly wake: (ms: number) => void
  readonly print: (stream: "stdout" | "stderr", text: string) => void
  /** Begins an operation whose answer comes as `Settled` in a later turn. */
  readonly begin: (id: number, method: string, request: unknown) => void
  /** The app's module was evaluated to its end; it takes WebSocket connections or not. */
  readonly evaluated: (takesSockets: boolean) => void
  /** The inside is broken. */
  readonly fatal: (why: string) => void
  /** Returns when the cell has taken all that was sent before. These wait for the cell, those above do not. */
  readonly barrier: () => void
  readonly domainToASCII: (host: string, beStrict: boolean) => string
  readonly encodingTables: () => string
  /** A stack with positions in the app's own files instead of its bundle. */
  readonly mapStack: (stack: string) => string
  readonly random: (length: number) => ArrayBuffer
}

/** Those of CellFunctions that wait for an answer. */
export const WAITING = ["barrier", "domainToASCII", "encodingTables", "mapStack", "random"] as const
export const NOT_WAITING = ["send", "sendEgress", "wake", "print", "begin", "evaluated", "fatal"] as const

/** What the start function returns: the ways in. */
export interface Inside {
  turn(
    bytes: ArrayBuffer | undefined,
    egress: ArrayBuffer | undefined,
    due: boolean,
    settled: readonly Settled[] | undefined,
  ): void
  /** A promise was rejected with this, and nobody handles it. */
  rejected(reason: unknown): void
  /**
   * The app's module is going to be evaluated; the hook's `call` is to be told its namespace. `hasMap`: positions in it are not those
   * in the app's files.
   */
  prepare(hook: ModuleHook, hasMap: boolean): void
  /** It could not be. */
  failed(code: string, message: string, stack: string): void
}

export interface Settled {
  readonly id: number
  readonly answer: unknown
}

/** Namespace of HOOK_MODULE. */
export interface ModuleHook {
  on(evaluated: (namespace: object) => void): void
}

/**
 * isolated-vm does not tell when a module with top-level await is done. So the app's module is imported by one of ours, which runs when
 * that is done, and calls what the guest has left in a third. The app can import neither: its own imports were bundled.
 */
export const HOOK_MODULE =
  "let call; export function on(it) { call = it } export function done(app) { call(app) }"
export const MAIN_MODULE = 'import * as app from "app"; import { done } from "hook"; done(app)'
