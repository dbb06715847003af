/** A channel on a unix socket (`node:net`), used by both sides: the host on accepted sockets, guests on their own. */
import type { Socket } from "node:net"
import type { Channel, ChannelListener } from "../protocol/channel.ts"

export function createSocketChannel(socket: Socket): Channel {
  return new SocketChannel(socket)
}

class SocketChannel implements Channel {
  readonly #socket: Socket
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
    socket.on("data", (chunk: Uint8Array) => listener.data(chunk))
    socket.on("end", () => socket.destroy())
    socket.on("error", (error) => {
      this.#reason = error.message
    })
    socket.on("close", () => listener.ended(this.#reason))
  }

  close(reason: string): void {
    this.#reason = reason
    this.#socket.destroySoon()
  }
}
