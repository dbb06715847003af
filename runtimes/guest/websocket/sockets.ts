/**
 * WebSocket connections of a fetch app inside the guest: asks the app's `upgrade` hook, accepts or refuses, and calls its hooks
 * with what comes. crossws' own classes do what the app sees; the protocol's streams are `protocol/websocket/`. One hook's failure
 * is that hook's alone.
 */
import { AdapterHookable, getPeers, getWebSocketHooks, type Upgraded } from "crossws/dist/_chunks/adapter.mjs"
import { WSError } from "crossws/dist/_chunks/error.mjs"
import { Message, type Peer } from "crossws/dist/_chunks/peer.mjs"
import type { GuestStream } from "../../../protocol/guest-stream.ts"
import type { GuestSocket, GuestSocketEvents } from "../../../protocol/websocket/guest-socket.ts"
import type { AppContext } from "../context.ts"
import { linesOf } from "../fast-response.ts"
import type { GuestPlatform } from "../platform.ts"
import { isPromise, thrownStack } from "../results.ts"
import type { HookName, WebSocketHooks } from "./hooks.ts"
import { type SocketObject, SocketPeer, socketObject } from "./peer.ts"
import { hooksOfAnswer } from "./resolve.ts"

export interface WebSocketsOptions {
  readonly hooks: WebSocketHooks
  /** The app's fetch handler: `websocket: {}` has its hooks in the answers. */
  readonly fetch: (request: Request, context: unknown, again: unknown) => unknown
  readonly platform: GuestPlatform
  /** Runs code of the app on behalf of a connection. */
  readonly during: (stream: GuestStream, run: (stream: GuestStream) => void) => void
  /** What is to be waited for before the instance stops. */
  readonly waitUntil: (promise: Promise<unknown>) => void
}

/** A client that wants a connection, as the rest of the guest has it. */
export interface Connect {
  readonly socket: GuestSocket
  readonly request: Request
  readonly context: AppContext
  /** The app answers with a Response instead. */
  answer(response: unknown): void
  /** Its hook threw. */
  fail(error: unknown): void
  /** The connection is over. */
  left(): void
}

export interface WebSockets {
  connect(connect: Connect): Promise<void>
}

export function createWebSockets(options: WebSocketsOptions): WebSockets {
  const { platform, during, waitUntil } = options
  const contexts = new WeakMap<object, AppContext>()
  const adapter = new AdapterHookable(adapterOptions(options, contexts))
  const peersByNamespace = new Map<string, Set<Peer>>()

  /** Calls a hook; its failure is told to the `error` hook. @returns a promise where the hook gives one. */
  function call(name: HookName, peer: Peer, detail?: unknown): Promise<unknown> | undefined {
    try {
      const result = adapter.callHook(name, peer, detail)
      if (!isPromise(result)) return undefined
      return Promise.resolve(result).catch((error: unknown) => failed(name, peer, error))
    } catch (error) {
      failed(name, peer, error)
      return undefined
    }
  }

  function failed(name: HookName, peer: Peer, error: unknown): void {
    platform.reportError(`the websocket hook "${name}" failed: ${thrownStack(error)}`)
    if (name !== "error") void call("error", peer, new WSError(error))
  }

  function open({ socket, request, context, left }: Connect, upgraded: Upgraded, protocol: string): void {
    const peers = getPeers(peersByNamespace, upgraded.namespace)
    const ws: SocketObject = socketObject(socket, platform, { protocol, url: request.url })
    const peer: SocketPeer = new SocketPeer({
      ws,
      socket,
      platform,
      request,
      peers,
      context: upgraded.context,
      namespace: upgraded.namespace,
      remoteAddress: context.clientAddress,
    })
    const events: GuestSocketEvents = {
      message(isText, bytes, cost) {
        during(socket, () => {
          // A copy in a buffer of its own: what was read lies among other frames.
          const data = isText ? platform.text(bytes) : new Uint8Array(bytes)
          const done = call("message", peer, new Message(data, peer))
          if (done === undefined) return socket.consumed(cost)
          // More comes when the app is done with this: what it does not keep up with stays with the client.
          waitUntil(done.then(() => socket.consumed(cost)))
        })
      },
      drained: () => during(socket, () => void call("drain", peer)),
      closed(code, reason) {
        peers.delete(peer)
        if (peers.size === 0) peersByNamespace.delete(upgraded.namespace)
        left()
        during(socket, () => {
          const done = call("close", peer, { code, reason })
          if (done !== undefined) waitUntil(done)
        })
      },
    }
    const accepted = socket.accept({ subprotocol: protocol, lines: linesOf(answerHeaders(upgraded)) }, events)
    if (!accepted) return
    peers.add(peer)
    void call("open", peer)
  }

  return {
    async connect(connect) {
      try {
        contexts.set(connect.request, connect.context)
        const upgraded = await adapter.upgrade(connect.request)
        if (connect.socket.done) return
        if (upgraded.endResponse !== undefined) return connect.answer(upgraded.endResponse)
        if (upgraded.handled === true)
          throw new TypeError("an upgrade cannot be handled by the app itself here")
        const protocol = new Headers(upgraded.upgradeHeaders).get("sec-websocket-protocol") ?? ""
        if (protocol !== "" && !TOKEN.test(protocol))
          throw new TypeError(`the subprotocol ${JSON.stringify(protocol)} is not a token`)
        during(connect.socket, () => open(connect, upgraded, protocol))
      } catch (error) {
        connect.fail(error)
      }
    },
  }
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** The host's own part of the answer. */
const OF_THE_HOST = [
  "connection",
  "upgrade",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
  "content-length",
  "transfer-encoding",
]

function answerHeaders({ upgradeHeaders }: Upgraded): Headers {
  const headers = new Headers(upgradeHeaders)
  for (const name of OF_THE_HOST) headers.delete(name)
  return headers
}

function adapterOptions(
  { hooks, fetch }: WebSocketsOptions,
  contexts: WeakMap<object, AppContext>,
): ConstructorParameters<typeof AdapterHookable>[0] {
  const { upgrade } = hooks.hooks
  const withContext =
    upgrade === undefined
      ? hooks.hooks
      : { ...hooks.hooks, upgrade: (request: Request) => upgrade(request, contexts.get(request)) }
  if (hooks.resolve === undefined) return { hooks: withContext }
  if (hooks.resolve !== "fetch") return { hooks: withContext, resolve: hooks.resolve }
  return {
    hooks: withContext,
    resolve: async (request) => {
      const context = contexts.get(request)
      return hooksOfAnswer(await fetch(request, context, context), getWebSocketHooks(request))
    },
  }
}
