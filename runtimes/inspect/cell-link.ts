/**
 * A link to an instance in a cell: the cell is told a path and a one-time token, and connects there for this one session.
 * Counterpart in the cell: `inside/cell-session.ts`.
 */
import { randomBytes, timingSafeEqual } from "node:crypto"
import { createServer, type Server, type Socket } from "node:net"
import { join } from "node:path"
import { PolyhostError } from "../../protocol/errors.ts"
import { type InspectorPipe, inspectorPipe } from "../inspector-frames.ts"
import { type InspectorEvents, type InspectorLink, MAX_INSPECTOR_MESSAGE_BYTES } from "../inspector-link.ts"

/** What the cell is told (`cell-messages.ts`). */
export interface InspectOrder {
  /** Unix socket of the host's to connect to, and the first message to send there. */
  readonly path: string
  readonly token: string
}

export interface CellLinkOptions {
  /** Folder of the host's sockets, and a name in it that nobody else uses. */
  readonly runDir: string
  readonly name: string
  /** Tells the cell. */
  readonly order: (order: InspectOrder) => void
  /** Settles when the instance is gone. */
  readonly gone: Promise<unknown>
}

const CONNECT_MS = 3000
const CLOSE_MS = 1000

/** @throws PolyhostError RUNTIME_INSPECTOR_FAILED */
export async function openCellLink({ runDir, name, order, gone }: CellLinkOptions): Promise<InspectorLink> {
  const path = join(runDir, name)
  const token = randomBytes(24).toString("base64url")
  const link = new CellLink()
  const server = createServer((socket) => accept(socket, token, link))
  const failed = (why: string): PolyhostError => new PolyhostError("RUNTIME_INSPECTOR_FAILED", why)
  try {
    await listen(server, path)
    order({ path, token })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(failed(`its cell did not connect within ${CONNECT_MS} ms`)), CONNECT_MS)
    })
    const ended = gone.then(() => {
      throw failed("the instance ended")
    })
    await Promise.race([link.opened, late, ended]).finally(() => clearTimeout(timer))
    return link
  } catch (error) {
    void link.close()
    throw error
  } finally {
    server.close()
  }
}

function accept(socket: Socket, token: string, link: CellLink): void {
  let known = false
  const stranger = setTimeout(() => socket.destroy(), CONNECT_MS)
  socket.once("close", () => clearTimeout(stranger))
  const pipe = inspectorPipe(socket, {
    message(text) {
      if (known) link.message(text)
      else if (link.isOpen || !sameText(text, token)) socket.destroy()
      else {
        known = true
        clearTimeout(stranger)
        // Nothing is read before somebody listens.
        socket.pause()
        link.connected(pipe, socket)
      }
    },
    closed: (reason) => {
      if (known) link.ended(reason)
    },
  })
}

class CellLink implements InspectorLink {
  readonly protocol = "v8"
  readonly opened: Promise<void>
  #open!: () => void
  #pipe: InspectorPipe | null = null
  #socket: Socket | null = null
  #events: InspectorEvents | null = null
  /** Came with the token in one read. */
  #early: string[] = []
  #endReason: string | null = null
  #closing: Promise<void> | null = null

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  get isOpen(): boolean {
    return this.#pipe !== null
  }

  connected(pipe: InspectorPipe, socket: Socket): void {
    this.#pipe = pipe
    this.#socket = socket
    this.#open()
  }

  message(text: string): void {
    if (this.#closing !== null) return
    if (this.#events === null) this.#early.push(text)
    else this.#events.message(text)
  }

  ended(reason: string): void {
    this.#endReason = reason
    if (this.#closing === null) this.#events?.closed(reason)
  }

  listen(events: InspectorEvents): void {
    this.#events = events
    for (const text of this.#early.splice(0)) events.message(text)
    if (this.#endReason !== null) events.closed(this.#endReason)
    else this.#pipe?.resume()
  }

  send(text: string): void {
    if (this.#closing !== null) return
    this.#pipe?.send(text)
    if ((this.#pipe?.bufferedBytes ?? 0) > MAX_INSPECTOR_MESSAGE_BYTES) this.#socket?.destroy()
  }

  pause(): void {
    if (this.#closing === null) this.#pipe?.pause()
  }

  resume(): void {
    this.#pipe?.resume()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const socket = this.#socket
    if (socket === null || socket.destroyed) return
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
    socket.resume()
    socket.end()
    const timer = setTimeout(() => socket.destroy(), CLOSE_MS)
    await closed
    clearTimeout(timer)
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(path, () => resolve())
  })
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
