/** A channel on a unix socket (`node:net`), used by both sides: the host on accepted sockets, guests on their own. */
import { connect, type Socket } from "node:net"
import type { Channel, ChannelListener } from "../protocol/channel.ts"
import type { SharedRead } from "./shared-read.ts"

/** A channel on a socket that was accepted, paused. The socket is the one to use from now on. */
export function acceptSocketChannel(
  accepted: Socket,
  reads: SharedRead,
): { channel: Channel; socket: Socket } {
  const socket = reads.adopt(accepted, (bytes) => channel.received(copyOf(bytes)))
  const channel = new SocketChannel(socket)
  return { channel, socket }
}

/**
 * A channel to the socket at `path`. `ownBuffer`: read into a buffer of its own, which Node offers for sockets that connect;
 * else the runtime makes one of 64 KiB for each read, however few bytes come.
 */
export function connectSocketChannel(path: string, ownBuffer: boolean): { channel: Channel; socket: Socket } {
  if (!ownBuffer) {
    const socket = connect(path)
    const channel = new SocketChannel(socket)
    socket.on("data", (chunk: Uint8Array) => channel.received(chunk))
    return { channel, socket }
  }
  const reads = new ReadBuffer()
  const socket = connect({
    path,
    onread: {
      buffer: () => reads.buffer,
      callback: (length: number) => {
        channel.received(reads.take(length))
        return true
      },
    },
  })
  const channel = new SocketChannel(socket)
  socket.resume()
  return { channel, socket }
}

/** A few bytes are copied out of it; when many came it is given away, and the next read gets another. */
class ReadBuffer {
  buffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)

  take(length: number): Uint8Array {
    const { buffer } = this
    if (length >= GIVE_AWAY_BYTES) {
      this.buffer = Buffer.allocUnsafeSlow(READ_BYTES)
      return buffer.subarray(0, length)
    }
    return copyOf(buffer.subarray(0, length))
  }
}

function copyOf(bytes: Buffer): Uint8Array {
  const copy = Buffer.allocUnsafe(bytes.length)
  bytes.copy(copy)
  return copy
}

const READ_BYTES = 64 * 1024
const GIVE_AWAY_BYTES = 16 * 1024

class SocketChannel implements Channel {
  readonly #socket: Socket
  #listener: ChannelListener | null = null
  #reason = "the other side closed the channel"

  constructor(socket: Socket) {
    this.#socket = socket
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength
  }

  write(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket
    if (socket.destroyed) return
    if (chunks.length === 1) {
      socket.write(chunks[0]!)
      return
    }
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.uncork()
  }

  listen(listener: ChannelListener): void {
    const socket = this.#socket
    this.#listener = listener
    socket.on("end", () => socket.destroy())
    socket.on("error", (error) => {
      this.#reason = error.message
    })
    socket.on("close", () => listener.ended(this.#reason))
  }

  /** Bytes of the other side, which are the listener's from now on. */
  received(chunk: Uint8Array): void {
    this.#listener?.data(chunk)
  }

  close(reason: string): void {
    this.#reason = reason
    this.#socket.destroySoon()
  }
}
