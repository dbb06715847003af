/**
 * Messages of an inspector between a cell and the host, on a unix socket of their own: four bytes of length (big endian), then
 * the text in UTF-8. For both sides; each checks lengths, for a cell shares its process with the code of apps.
 */
import type { Socket } from "node:net"
import { MAX_INSPECTOR_MESSAGE_BYTES } from "./inspector-link.ts"

export interface InspectorPipe {
  send(text: string): void
  pause(): void
  resume(): void
  /** Lets what was sent go first. */
  end(): void
  /** Bytes sent that the other side has not taken. */
  readonly bufferedBytes: number
}

export interface InspectorPipeEvents {
  message(text: string): void
  /** Once, whatever the reason. */
  closed(reason: string): void
}

const LENGTH_BYTES = 4

/** Begins to read at once. */
export function inspectorPipe(socket: Socket, events: InspectorPipeEvents): InspectorPipe {
  let chunks: Buffer[] = []
  let bytes = 0
  let reason = "the other side ended the session"

  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    read()
  })
  socket.on("error", (error) => {
    reason = error.message
  })
  socket.on("close", () => events.closed(reason))

  function read(): void {
    while (bytes >= LENGTH_BYTES) {
      const length = peekLength()
      if (length > MAX_INSPECTOR_MESSAGE_BYTES) {
        reason = `a message of ${length} bytes, more than the ${MAX_INSPECTOR_MESSAGE_BYTES} that one may have`
        socket.destroy()
        return
      }
      if (bytes < LENGTH_BYTES + length) return
      const all = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
      chunks = [all.subarray(LENGTH_BYTES + length)]
      bytes -= LENGTH_BYTES + length
      events.message(all.toString("utf8", LENGTH_BYTES, LENGTH_BYTES + length))
    }
  }

  /** Pieces are joined once a whole message is there, and not with each that comes. */
  function peekLength(): number {
    const [first] = chunks
    if (first !== undefined && first.length >= LENGTH_BYTES) return first.readUInt32BE(0)
    const all = Buffer.concat(chunks)
    chunks = [all]
    return all.readUInt32BE(0)
  }

  return {
    send(text) {
      if (socket.destroyed || socket.writableEnded) return
      const body = Buffer.from(text)
      const head = Buffer.allocUnsafe(LENGTH_BYTES)
      head.writeUInt32BE(body.length, 0)
      socket.cork()
      socket.write(head)
      socket.write(body)
      socket.uncork()
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    end: () => void socket.end(),
    get bufferedBytes() {
      return socket.writableLength
    },
  }
}
