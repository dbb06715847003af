/** A crossws peer whose connection is a stream of messages to the host. */
import { toBufferLike } from "crossws/dist/_chunks/adapter.mjs"
import { Peer, type PeerParts } from "crossws/dist/_chunks/peer.mjs"
import { MAX_CLOSE_REASON_BYTES } from "../../../protocol/frames.ts"
import { mayClose } from "../../../protocol/websocket/close-code.ts"
import type { GuestSocket } from "../../../protocol/websocket/guest-socket.ts"
import type { GuestPlatform } from "../platform.ts"

export interface SocketPeerParts extends PeerParts {
  readonly ws: SocketObject
  readonly socket: GuestSocket
  readonly platform: GuestPlatform
  readonly remoteAddress: string
}

export class SocketPeer extends Peer<SocketPeerParts> {
  override get remoteAddress(): string | undefined {
    return this._internal.remoteAddress
  }

  override send(data: unknown): number {
    const { socket, platform } = this._internal
    sendOn(socket, encoded(data, platform))
    return socket.bufferedBytes
  }

  override _publish(topic: string, data: unknown): void {
    const message = encoded(data, this._internal.platform)
    for (const peer of this._internal.peers as Set<SocketPeer>) {
      if (peer !== this && peer._topics.has(topic)) sendOn(peer._internal.socket, message)
    }
  }

  override close(code?: number, reason?: string): void {
    this._internal.ws.close(code, reason)
  }

  override terminate(): void {
    this._internal.ws.terminate()
  }
}

/** What `peer.websocket` shows, named as the web's WebSocket names it. Functions without `this`: crossws puts a proxy before it. */
export interface SocketObject {
  readonly readyState: number
  readonly bufferedAmount: number
  readonly protocol: string
  readonly url: string
  binaryType: string
  send(data: unknown): void
  close(code?: number, reason?: string): void
  terminate(): void
}

const OPEN = 1
const CLOSING = 2
const CLOSED = 3

export function socketObject(
  socket: GuestSocket,
  platform: GuestPlatform,
  { protocol, url }: { protocol: string; url: string },
): SocketObject {
  return {
    get readyState() {
      return socket.done ? CLOSED : socket.closing ? CLOSING : OPEN
    },
    get bufferedAmount() {
      return socket.bufferedBytes
    },
    protocol,
    url: url.replace(/^http/, "ws"),
    // What the app gets of `message.data`: as it is.
    binaryType: "",
    send: (data) => sendOn(socket, encoded(data, platform)),
    close(code = 1000, reason = "") {
      // As `ws` and browsers have it: what may not be sent is a mistake in the app.
      if (!mayClose(code)) throw new RangeError(`the close code must be one of RFC 6455 7.4, not ${code}`)
      const bytes = platform.utf8(String(reason))
      if (bytes.length > MAX_CLOSE_REASON_BYTES)
        throw new RangeError(`the reason has ${bytes.length} bytes; the most is ${MAX_CLOSE_REASON_BYTES}`)
      socket.close(code, bytes)
    },
    terminate: () => socket.terminate(),
  }
}

interface Encoded {
  readonly isText: boolean
  readonly bytes: Uint8Array
}

function sendOn(socket: GuestSocket, { isText, bytes }: Encoded): void {
  socket.send(isText, bytes)
}

/** As crossws has it: strings and what becomes one are text, bytes are binary, objects are JSON. */
function encoded(data: unknown, platform: GuestPlatform): Encoded {
  const value = toBufferLike(data)
  if (typeof value === "string") return { isText: true, bytes: platform.utf8(value) }
  const bytes = copyOf(value)
  if (bytes !== undefined) return { isText: false, bytes }
  if (typeof Blob === "function" && value instanceof Blob)
    throw new TypeError("a Blob cannot be sent as it is: send what its arrayBuffer() gives")
  return { isText: true, bytes: platform.utf8(JSON.stringify(value)) }
}

/** The app may go on with its own bytes, and these may have to wait. */
function copyOf(value: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(value))
    return new Uint8Array(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  const isBuffer =
    value instanceof ArrayBuffer ||
    (typeof SharedArrayBuffer === "function" && value instanceof SharedArrayBuffer)
  return isBuffer ? new Uint8Array(new Uint8Array(value)) : undefined
}
