/** The host's own end of WebSocket connections on a real listener, with an app that is a function of the test. */
import { Socket } from "node:net"
import type { HostExchange } from "../../host/exchange.ts"
import { DEFAULT_HTTP_SETTINGS } from "../../host/listener/http-settings.ts"
import { createServices } from "../../host/listener/http1/services.ts"
import type { Listener } from "../../host/listener/listener.ts"
import { createPlainListener } from "../../host/listener/plain-listener.ts"
import { createRequestIds } from "../../host/listener/request-ids.ts"
import { StreamedBytes } from "../../host/streamed-bytes.ts"
import { createWebSocketAcceptor } from "../../host/websocket/acceptor.ts"
import type { WebSocketEnd, WebSocketEvents } from "../../protocol/websocket.ts"
import type { WebSocketLimits } from "../../runtimes/app-spec.ts"

export const LIMITS: WebSocketLimits = {
  messageBytes: 16 * 1024 * 1024,
  pingMs: Number.POSITIVE_INFINITY,
  idleMs: Number.POSITIVE_INFINITY,
  compression: true,
}

/** One connection as an app has it. */
export class AppSocket implements WebSocketEvents {
  end!: WebSocketEnd
  readonly exchange: HostExchange
  readonly messages: { isText: boolean; bytes: Uint8Array }[] = []
  drains = 0
  closedWith: { code: number; reason: string } | null = null
  closes = 0
  onMessage: (socket: AppSocket, isText: boolean, bytes: Uint8Array) => void
  onClosed: () => void = () => undefined
  onDrained: () => void = () => undefined

  constructor(exchange: HostExchange, onMessage: AppSocket["onMessage"]) {
    this.exchange = exchange
    this.onMessage = onMessage
  }

  message(isText: boolean, bytes: Uint8Array): void {
    this.onMessage(this, isText, bytes)
  }

  drained(): void {
    this.drains++
    this.onDrained()
  }

  closed(code: number, reason: string): void {
    this.closes++
    this.closedWith = { code, reason }
    this.onClosed()
  }
}

export interface RigOptions {
  readonly limits?: Partial<WebSocketLimits>
  readonly subprotocol?: string
  readonly lines?: string
  readonly onMessage?: AppSocket["onMessage"]
}

export interface AcceptorRig {
  readonly url: string
  /** In the order in which they came. */
  readonly sockets: AppSocket[]
  /** What `accept` threw. */
  readonly errors: unknown[]
  close(): Promise<void>
}

export async function startAcceptor(options: RigOptions = {}): Promise<AcceptorRig> {
  const acceptor = createWebSocketAcceptor({ ...LIMITS, ...options.limits })
  const sockets: AppSocket[] = []
  const errors: unknown[] = []
  const handle = (exchange: HostExchange): void => {
    if (!acceptor.check(exchange)) return
    const socket = new AppSocket(exchange, options.onMessage ?? echo)
    sockets.push(socket)
    const lines = Buffer.from(options.lines ?? "", "latin1")
    try {
      socket.end = acceptor.accept(exchange, { subprotocol: options.subprotocol ?? "", lines }, socket)
    } catch (error) {
      errors.push(error)
      exchange.fail("APP_RESPONSE_INVALID", "refused")
    }
  }
  const services = createServices({
    settings: DEFAULT_HTTP_SETTINGS,
    errorPages: new Map(),
    ids: createRequestIds(),
    streamed: new StreamedBytes(null),
    handle,
    refused: () => undefined,
  })
  const listener: Listener = await createPlainListener({ host: "127.0.0.1", port: 0 }, services)
  return {
    url: listener.url,
    sockets,
    errors,
    async close() {
      listener.destroy()
      await listener.close()
    },
  }
}

export function echo(socket: AppSocket, isText: boolean, bytes: Uint8Array): void {
  socket.end.send(bytes, isText, true)
}

export function openSockets(): number {
  const handles = (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles()
  return handles.filter((it) => it instanceof Socket && it.remotePort !== undefined).length
}
