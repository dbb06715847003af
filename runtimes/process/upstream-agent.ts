/**
 * The connections to a server app. A server may answer before it has read the request and close (a body limit does): the
 * host's next write then fails, and `node:http` would drop the connection with the answer unread in it. Here a failed write
 * only ends the writing: what the app sent is read first.
 */
import { Agent } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"

/** How long an answer is waited for after a write failed, in milliseconds. */
const ANSWER_AFTER_FAILED_WRITE_MS = 1000

export class UpstreamAgent extends Agent {
  constructor() {
    super({ keepAlive: true, maxFreeSockets: 256, scheduling: "lifo" })
  }

  override createConnection(...parameters: Parameters<Agent["createConnection"]>): Duplex | null | undefined {
    const socket = super.createConnection(...parameters)
    if (socket) readBeforeDestroy(socket as Socket)
    return socket
  }
}

type Written = (error?: Error | null) => void
interface Writes {
  _write(chunk: unknown, encoding: string, written: Written): void
  _writev?: (chunks: unknown[], written: Written) => void
}

function readBeforeDestroy(socket: Socket): void {
  const writes = socket as unknown as Writes
  const { _write, _writev } = writes
  // A write that failed is never reported as done: the stream then takes no more, and reads on.
  const settled =
    (written: Written): Written =>
    (error) => {
      if (!error) return written()
      const end = (): unknown => socket.destroy(error)
      const timer = setTimeout(end, ANSWER_AFTER_FAILED_WRITE_MS)
      socket.once("end", end)
      socket.once("close", () => clearTimeout(timer))
    }
  writes._write = (chunk, encoding, written) => _write.call(socket, chunk, encoding, settled(written))
  if (_writev !== undefined)
    writes._writev = (chunks, written) => _writev.call(socket, chunks, settled(written))
}
