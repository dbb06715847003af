/** A link over the WebSocket of a runtime's own inspector, on the loopback or a unix socket. Counterpart: the runtime. */
import { WebSocket } from "ws"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import {
  type InspectorEvents,
  type InspectorLink,
  type InspectorProtocol,
  MAX_INSPECTOR_MESSAGE_BYTES,
} from "../inspector-link.ts"

export interface WebSocketLinkOptions {
  readonly url: string
  readonly protocol: InspectorProtocol
  /** Sent before the session ends, when there is something to undo: the message, and the id of the answer to wait for. */
  readonly farewell: Farewell | null
}

export interface Farewell {
  readonly text: string
  readonly id: number
  /** Resolves when it is undone. */
  readonly undone: () => Promise<void>
}

/** How long the inspector may take to accept, to answer the farewell, and to close, in milliseconds each. */
const CONNECT_MS = 3000
const FAREWELL_MS = 500
const CLOSE_MS = 500

/** @throws PolyhostError RUNTIME_INSPECTOR_FAILED */
export async function openWebSocketLink(options: WebSocketLinkOptions): Promise<InspectorLink> {
  const socket = new WebSocket(options.url, {
    perMessageDeflate: false,
    maxPayload: MAX_INSPECTOR_MESSAGE_BYTES,
    handshakeTimeout: CONNECT_MS,
  })
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => {
      // Nothing may come before somebody listens.
      socket.pause()
      resolve()
    })
    socket.once("error", (error) => {
      const message = `its inspector at ${options.url} takes no session: ${messageOf(error)}`
      reject(new PolyhostError("RUNTIME_INSPECTOR_FAILED", message, { cause: error }))
    })
  })
  return new WebSocketLink(socket, options)
}

class WebSocketLink implements InspectorLink {
  readonly protocol: InspectorProtocol
  readonly #socket: WebSocket
  readonly #farewell: WebSocketLinkOptions["farewell"]
  #events: InspectorEvents | null = null
  #closing: Promise<void> | null = null
  #error = ""
  #bidden: (() => void) | null = null

  constructor(socket: WebSocket, { protocol, farewell }: WebSocketLinkOptions) {
    this.protocol = protocol
    this.#socket = socket
    this.#farewell = farewell
    socket.on("error", (error) => {
      this.#error = messageOf(error)
    })
    socket.on("message", (data) => this.#message(String(data)))
    socket.on("close", () => {
      this.#bidden?.()
      if (this.#closing === null) this.#events?.closed(this.#error || "the instance ended the session")
    })
  }

  listen(events: InspectorEvents): void {
    this.#events = events
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.resume()
    else events.closed(this.#error || "the instance ended the session")
  }

  send(text: string): void {
    if (this.#closing !== null || this.#socket.readyState !== WebSocket.OPEN) return
    this.#socket.send(text)
    // An instance whose inspector reads nothing: what is meant for it does not pile up here.
    if (this.#socket.bufferedAmount > MAX_INSPECTOR_MESSAGE_BYTES) this.#socket.terminate()
  }

  pause(): void {
    if (this.#closing === null) this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const socket = this.#socket
    if (socket.readyState === WebSocket.CLOSED) return
    socket.resume()
    if (this.#farewell !== null) {
      const answered = new Promise<void>((resolve) => {
        this.#bidden = resolve
      })
      socket.send(this.#farewell.text)
      await Promise.race([answered, delay(FAREWELL_MS)])
    }
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
    socket.close()
    await Promise.race([closed, delay(CLOSE_MS)])
    socket.terminate()
    if (this.#farewell !== null) await Promise.race([this.#farewell.undone(), delay(FAREWELL_MS)])
  }

  #message(text: string): void {
    if (this.#closing === null) this.#events?.message(text)
    else if (this.#farewell !== null && text.startsWith(`{"id":${this.#farewell.id},`)) this.#bidden?.()
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
