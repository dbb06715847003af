/**
 * A socket to a server app. A server may answer before it has read the request, and close (a body limit does): the host's
 * next write then fails, and `net` would drop the answer that lies unread in the connection. Here a failed write only ends
 * the writing: it is never reported as done, the stream takes no more, and what the app sent is read first.
 */
import { Socket, type SocketConstructorOpts } from "node:net"

type Written = (error?: Error | null) => void

export class UpstreamSocket extends Socket {
  readonly #writeFailed: () => void
  #written: Written | undefined
  #settled: Written = () => undefined

  constructor(options: SocketConstructorOpts, writeFailed: () => void) {
    super(options)
    this.#writeFailed = writeFailed
  }

  override _write(chunk: unknown, encoding: BufferEncoding, written: Written): void {
    super._write(chunk, encoding, this.#settle(written))
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], written: Written): void {
    super._writev?.(chunks, this.#settle(written))
  }

  /** The stream hands in the same function each time. */
  #settle(written: Written): Written {
    if (this.#written !== written) {
      this.#written = written
      this.#settled = (error) => {
        if (error) this.#writeFailed()
        else written()
      }
    }
    return this.#settled
  }
}
