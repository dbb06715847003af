/**
 * The host's end of the control connections of cells: one unix socket, where a cell says hello with the one-time token of its
 * start. Checks all that a cell says. Knows nothing of what it means: that is `cell.ts`.
 */
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { createServer, type Socket } from "node:net"
import { join } from "node:path"
import { type CellToHost, type HostToCell, MAX_CELL_LINE_BYTES } from "./cell-messages.ts"
import { cellMessageSchema } from "./cell-schemas.ts"
import { readMessages, writeMessage } from "./message-lines.ts"

const HELLO_MS = 5000

export interface CellEndpoint {
  readonly path: string
  /** Waits for one cell; `connected` is called when it came, and says who hears of it. */
  expect(connected: (control: CellControl) => CellControlEvents): {
    readonly token: string
    cancel(): void
  }
  close(): Promise<void>
}

export interface CellControl {
  send(message: HostToCell): void
  close(): void
}

export interface CellControlEvents {
  message(message: CellToHost): void
  /** It said what no cell says. */
  broken(why: string): void
}

export async function createCellEndpoint(runDir: string): Promise<CellEndpoint> {
  const path = join(runDir, "cells.sock")
  const expected = new Map<string, (control: CellControl) => CellControlEvents>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
    accept(socket, expected)
  })
  server.listen(path)
  await once(server, "listening")
  return {
    path,
    expect(connected) {
      const token = randomBytes(24).toString("base64url")
      expected.set(token, connected)
      return { token, cancel: () => expected.delete(token) }
    },
    async close() {
      server.close()
      const closed = [...sockets].map((socket) => once(socket, "close"))
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
    },
  }
}

function accept(socket: Socket, expected: Map<string, (control: CellControl) => CellControlEvents>): void {
  let events: CellControlEvents | undefined
  const timer = setTimeout(() => socket.destroy(), HELLO_MS).unref()
  socket.on("error", () => undefined)
  socket.once("close", () => clearTimeout(timer))
  const broken = (why: string): void => {
    socket.destroy()
    events?.broken(why)
  }
  readMessages(socket, MAX_CELL_LINE_BYTES, {
    message(text) {
      const result = cellMessageSchema.safeParse(text)
      if (!result.success) return broken(`a malformed message (${result.error.message.slice(0, 300)})`)
      const message = result.data
      if (events !== undefined)
        return message.type === "hello" ? broken("a second hello") : events.message(message)
      const connected = message.type === "hello" ? expected.get(message.token) : undefined
      if (connected === undefined || message.type !== "hello") return broken("a stranger")
      expected.delete(message.token)
      clearTimeout(timer)
      events = connected({ send: (it) => writeMessage(socket, it), close: () => socket.destroy() })
    },
    broken,
  })
}
