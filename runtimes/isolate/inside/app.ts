/**
 * The guest of an isolate: says hello, waits for the app's module and the host's welcome, answers requests. What it has in
 * common with guests in processes is `runtimes/guest/`.
 */
import type { Channel } from "../../../protocol/channel.ts"
import { PROTOCOL_VERSION } from "../../../protocol/frames.ts"
import { GuestConnection } from "../../../protocol/guest-connection.ts"
import type { GuestStream } from "../../../protocol/guest-stream.ts"
import type { Welcome } from "../../../protocol/messages.ts"
import { createBindings } from "../../guest/bindings/index.ts"
import type { ResponseParts } from "../../guest/fast-response.ts"
import { createFetchApp, type FetchApp } from "../../guest/fetch-app.ts"
import { findHandler, type Handler } from "../../guest/handler.ts"
import type { RequestRecord } from "../../guest/request-record.ts"
import type { InsideConfig } from "../border.ts"
import { makeHeaders, receiveRequest, responseParts } from "../web/fetch/index.ts"
import { isolatePlatform } from "./platform.ts"

export interface IsolateApp {
  /** @returns whether the app takes WebSocket connections. */
  loaded(namespace: object): boolean
  failed(code: string, message: string, stack: string): void
}

export interface IsolateAppParts {
  readonly config: InsideConfig
  readonly channel: Channel
  readonly schedule: (flush: () => void) => void
  readonly reportError: (text: string) => void
}

export function startApp({ config, channel, schedule, reportError }: IsolateAppParts): IsolateApp {
  let welcome: Welcome | undefined
  let handler: Handler | undefined
  let failure: { code: string; message: string; stack: string } | undefined
  let app: FetchApp | undefined
  /** The request whose handler runs. */
  let current = 0
  const connection = new GuestConnection(
    channel,
    {
      welcome(message) {
        welcome = message
        proceed()
      },
      request(stream) {
        current = stream.id
        app?.request(stream)
        current = 0
      },
      webSocket: (socket) => app?.webSocket(socket),
      shutdown({ graceMs }) {
        const closing = app === undefined ? Promise.resolve() : app.close(graceMs)
        closing.then(() => connection.shutdownComplete())
      },
      // The cell ends the isolate.
      closed: () => undefined,
    },
    schedule,
  )
  // What goes on after an await cannot be told apart: an isolate has no async context.
  const bindings = createBindings(config.bindings, connection.calls, () => current)
  if (!config.oneRequest) {
    connection.hello({
      protocol: PROTOCOL_VERSION,
      token: config.token,
      runtime: { name: "isolate", version: config.version },
      pid: config.pid,
      features: [],
    })
  }

  function during(stream: GuestStream, run: (stream: GuestStream) => void): void {
    const before = current
    current = stream.id
    try {
      run(stream)
    } finally {
      current = before
    }
  }

  function proceed(): void {
    if (welcome === undefined) return
    if (failure !== undefined) {
      connection.startFailed(failure)
    } else if (handler !== undefined) {
      app = createFetchApp({
        handler,
        app: welcome.app,
        log: (log) => connection.log(log),
        env: { ...config.env, ...bindings },
        makeRequest,
        partsOf,
        platform: isolatePlatform(reportError),
        during,
      })
      if (!config.oneRequest)
        connection.started({ interface: "fetch", websocket: handler.webSocket !== undefined })
    }
  }

  return {
    loaded(namespace) {
      handler = findHandler(namespace)
      if (handler === undefined || handler.kind === "node") {
        const message = handler === undefined ? NOTHING_TO_CALL : NODE_HANDLER
        handler = undefined
        failure = { code: "RUNTIME_INTERFACE_UNKNOWN", message, stack: "" }
      }
      proceed()
      return handler?.webSocket !== undefined
    },
    failed(code, message, stack) {
      // It serves already: something of its top-level code went wrong that nobody waits for.
      if (app !== undefined) return reportError(`${message}\n${stack}`)
      failure = { code, message, stack }
      proceed()
    },
  }
}

const NOTHING_TO_CALL =
  "the entry was evaluated to its end, but exports no fetch handler (export default { fetch }); an isolate cannot listen"
const NODE_HANDLER =
  'the entry exports a Node handler (request, response), which an isolate cannot call: export default { fetch }, or use the runtime "node" or "thread"'

/** A Request whose parts are made when the app asks for them. */
function makeRequest(record: RequestRecord): Request {
  const outside = {
    get method() {
      return record.method
    },
    get url() {
      return record.url
    },
    get headers() {
      const list = record.headerList
      const pairs: [string, string][] = []
      for (let i = 0; i < list.length; i += 2) pairs[i >> 1] = [list[i]!.toLowerCase(), list[i + 1]!]
      return makeHeaders(pairs)
    },
    get signal() {
      return record.signal
    },
    body: record.body,
  }
  return receiveRequest(outside as unknown as Parameters<typeof receiveRequest>[0]) as unknown as Request
}

/** Undefined for a Response of a library's own class. */
function partsOf(response: Response): ResponseParts | undefined {
  const parts = responseParts(response)
  if (parts === null) return undefined
  const { headers, body } = parts
  let lines = ""
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`
  const isAtHand = body === null || typeof body === "string" || body instanceof Uint8Array
  return { status: parts.status, reason: parts.statusText, lines, body: isAtHand ? body : undefined }
}
