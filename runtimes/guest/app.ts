/**
 * The app inside a guest: waits for the entry to be evaluated or to listen, decides on its interface, and says so to
 * the host. Requests of fetch apps go to `fetch-app.ts`; those of server apps never come here (the host speaks to
 * their private socket).
 */
import { createServer, type RequestListener } from "node:http"
import type { Socket } from "node:net"
import { pathToFileURL } from "node:url"
import type { GuestConnection } from "../../protocol/guest-connection.ts"
import type { GuestStream } from "../../protocol/guest-stream.ts"
import type { Welcome } from "../../protocol/messages.ts"
import type { GuestSocket } from "../../protocol/websocket/guest-socket.ts"
import type { GuestConfig } from "../guest-config.ts"
import type { Capture } from "./capture/index.ts"
import type { MakeRequest } from "./fast-request.ts"
import { partsOf } from "./fast-response.ts"
import { createFetchApp, type FetchApp } from "./fetch-app.ts"
import { findHandler, type Handler } from "./handler.ts"
import { nodePlatform } from "./node-platform.ts"
import type { ProcessBindings } from "./process-bindings.ts"

/** How long an app that listens may go on with its top-level code before it counts as a server, in milliseconds. */
const LISTENING_BUT_NOT_EVALUATED_MS = 1000

/** How long an entry that could not be imported may take to listen, in milliseconds. */
const LISTENING_AFTER_FAILED_IMPORT_MS = 500

/** How long after a listen that cannot be served another one is waited for, in milliseconds. */
const ANOTHER_LISTEN_MS = 1000

export interface GuestApp {
  connected(connection: GuestConnection, socket: Socket): void
  /** A remark of the guest's own for the app's log. */
  log(level: "info" | "warn", message: string): void
  welcome(welcome: Welcome): void
  request(stream: GuestStream): void
  webSocket(socket: GuestSocket): void
  shutdown(graceMs: number): void
}

export interface GuestAppParts {
  readonly capture: Capture
  /** The runtime has begun with the entry. */
  readonly mainStarted: Promise<void>
  readonly makeRequest: MakeRequest
  readonly bindings: ProcessBindings
}

export function startApp(config: GuestConfig, parts: GuestAppParts): GuestApp {
  const { capture, makeRequest, bindings } = parts
  let connection: GuestConnection | undefined
  let socket: Socket | undefined
  let fetchApp: FetchApp | undefined
  let settled = false
  let welcomed: (welcome: Welcome) => void
  const welcome = new Promise<Welcome>((resolve) => {
    welcomed = resolve
  })

  if (config.mainIsGuest) {
    parts.mainStarted
      .then(() => import(pathToFileURL(config.entry).href))
      .then(
        (module) => {
          if (findHandler(module) === undefined && capture.all.length === 0)
            connection?.log({ level: "warn", message: NOT_MAIN })
        },
        () => undefined,
      )
  }
  decide(config, parts).then(
    async (decision) => {
      if (decision === undefined) return
      settle()
      const { app } = await welcome
      if (decision.interface === "fetch") {
        fetchApp = createFetchApp({
          handler: decision.handler,
          app,
          log: (log) => connection?.log(log),
          env: { ...process.env, ...bindings.env },
          makeRequest,
          partsOf,
          platform: nodePlatform,
          during: bindings.during,
        })
        connection?.started({ interface: "fetch", websocket: decision.handler.webSocket !== undefined })
      } else connection?.started({ interface: "server", path: decision.path })
    },
    (error: unknown) => failStart("RUNTIME_LOAD_FAILED", error),
  )

  // A listen that cannot be served is not the end: an app may listen for https and http.
  capture.failed.then((failure) => {
    setTimeout(
      () => failStart("RUNTIME_LOAD_FAILED", new Error(failure.message)),
      ANOTHER_LISTEN_MS,
    ).unref?.()
  })

  // Top-level code may wait for an answer of a binding: that keeps the process alive.
  bindings.onBusy((busy) => {
    if (settled) return
    if (busy) socket?.ref()
    else socket?.unref()
  })

  // The entry ended, nothing keeps the process alive, and nobody can be asked for an answer.
  process.once("beforeExit", () => {
    if (!settled) failStart("RUNTIME_INTERFACE_UNKNOWN", new Error(NOTHING_TO_CALL))
  })

  /** From now on the connection keeps the process alive: there is something to serve, or to say. */
  function settle(): void {
    settled = true
    socket?.ref()
  }

  function failStart(code: string, error: unknown): void {
    if (settled) return
    settle()
    const failure = error instanceof Error ? error : new Error(String(error))
    welcome.then(() => {
      connection?.startFailed({ code, message: failure.message, stack: (failure.stack ?? "").slice(0, 8000) })
      connection?.close("the app failed to start")
    })
  }

  return {
    connected(it, its) {
      connection = it
      socket = its
      // An app that ends by itself before it is ready must be able to end.
      if (!settled && bindings.calls.pending === 0) socket.unref()
    },
    log: (level, message) => connection?.log({ level, message }),
    welcome: (message) => welcomed(message),
    request(stream) {
      if (fetchApp !== undefined) bindings.during(stream, fetchApp.request)
    },
    webSocket(socket) {
      if (fetchApp !== undefined) bindings.during(socket, () => fetchApp?.webSocket(socket))
    },
    shutdown(graceMs) {
      const closing = fetchApp === undefined ? Promise.resolve() : fetchApp.close(graceMs)
      closing.then(() => connection?.shutdownComplete())
    },
  }
}

const NOT_MAIN =
  "the entry neither exports a fetch handler nor listens yet. If it waits for import.meta.main, that is false before Deno 2.4: use deno@2.4 or later"

const NOTHING_TO_CALL =
  "the entry was evaluated to its end, but exports no fetch handler (export default { fetch }) and never called listen"

/** Node before 18. */
const NO_FETCH_API =
  "the entry exports a fetch handler, but this runtime has no fetch API (Request is not defined): use node@18 or later"

type Decision = { interface: "fetch"; handler: Handler } | { interface: "server"; path: string }

/** Resolves with undefined when the entry was evaluated and has neither: it may still listen later. */
async function decide(config: GuestConfig, parts: GuestAppParts): Promise<Decision | undefined> {
  const { capture, mainStarted } = parts
  const listening = capture.first.then((listen): Decision => ({ interface: "server", path: listen.path }))
  listening.catch(() => undefined)
  const evaluated = entryEvaluated(config, mainStarted).then(
    (module) => choose(config, capture, module),
    // What cannot be imported may run all the same as the main program (an entry that a require hook compiles).
    (error: unknown) => Promise.race([listening, failLater(error)]),
  )
  if (config.interface === "fetch") {
    const decision = await evaluated
    if (decision?.interface === "fetch") return decision
    throw new Error('the manifest says interface "fetch", but the entry exports no fetch handler')
  }
  return Promise.race([
    // An entry whose top-level code never ends (an accept loop) is a server as soon as it listens.
    listening.then((decision) => Promise.race([evaluated.then((it) => it ?? decision), later(decision)])),
    evaluated.then((decision) => decision ?? listening),
  ])
}

/** Undefined: the server that listens, or will, is the app. */
function choose(config: GuestConfig, capture: Capture, module: unknown): Decision | undefined {
  const handler = findHandler(module)
  if (handler === undefined) return undefined
  const listens = capture.all.length > 0
  if (globalThis.Request === undefined && handler.kind !== "node") {
    const isFetch = handler.kind === "fetch" || config.interface === "fetch"
    if (isFetch && !listens && config.interface !== "server") throw new Error(NO_FETCH_API)
    return undefined
  }
  // What the manifest says goes before what the app looks like.
  const isNative = config.interface !== "fetch" && handler.nativeOnly(config.runtime)
  if (
    handler.kind === "fetch" &&
    (config.interface === "server" || (isNative && config.runtime === "deno"))
  ) {
    // `deno serve`: the default export is served by the runtime's own server.
    if (!listens && config.runtime === "deno") serveOnDeno(handler)
    return undefined
  }
  if (listens && isNative) return undefined
  // An explicit fetch object is how the app wants to be called, also when it listens for its own sake.
  if (handler.kind === "fetch") return { interface: "fetch", handler }
  // A bare function is a guess: a listen that happened is better evidence.
  if (listens) return undefined
  if (handler.kind === "function" && config.interface !== "server") return { interface: "fetch", handler }
  serveNodeHandler(handler.call as unknown as RequestListener)
  return undefined
}

function serveOnDeno(handler: Handler): void {
  const { Deno } = globalThis as unknown as { Deno: { serve(handler: Handler["call"]): unknown } }
  Deno.serve(handler.call)
}

/** Its listen is captured like any other, and so it becomes the app's server. */
function serveNodeHandler(listener: RequestListener): void {
  createServer(listener).listen(0, "127.0.0.1")
}

/** A broken entry ends the process by itself, and its own words are the better message: wait for that first. */
function failLater(error: unknown): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(reject, LISTENING_AFTER_FAILED_IMPORT_MS, error)
  })
}

function later(decision: Decision): Promise<Decision> {
  return new Promise((resolve) => {
    setTimeout(resolve, LISTENING_BUT_NOT_EVALUATED_MS, decision).unref?.()
  })
}

/** The entry's module namespace, once the runtime has evaluated it as its main program. */
async function entryEvaluated(config: GuestConfig, mainStarted: Promise<void>): Promise<unknown> {
  await mainStarted
  const module: unknown = await import(pathToFileURL(config.entry).href)
  // Bun before 1.3 gives the namespace of a main module while its top-level code still waits for something.
  while (isUnfinished(module)) await new Promise((resolve) => setTimeout(resolve, UNFINISHED_LOOK_MS))
  return module
}

const UNFINISHED_LOOK_MS = 5

function isUnfinished(module: unknown): boolean {
  try {
    findHandler(module)
    return false
  } catch (error) {
    return error instanceof ReferenceError
  }
}
