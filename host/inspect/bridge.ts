/**
 * Carries the messages of one debugger: between a WebSocket of the admin API and the inspector link of an instance. Knows nothing
 * of what they say. A slow debugger makes the inspector wait; nothing piles up here.
 */
import type { WebSocket } from "ws"
import type { Inspection } from "../supervisor/inspection.ts"

/** Bytes on their way to the debugger from which on the inspector waits. */
const HIGH_WATER_BYTES = 1024 * 1024
/** Close codes of WebSockets: done, and gone away for a reason. */
const CLOSE_NORMAL = 1000
const CLOSE_GONE = 1001
const MAX_REASON_BYTES = 120

/** Resolves when the session has ended, whoever ended it. */
export function bridge(socket: WebSocket, inspection: Inspection): Promise<void> {
  const { link } = inspection
  let paused = false

  function sent(): void {
    if (!paused || socket.bufferedAmount > HIGH_WATER_BYTES / 2) return
    paused = false
    link.resume()
  }

  return new Promise((resolve) => {
    const end = (): void => {
      inspection.close().then(resolve)
    }
    socket.on("error", () => undefined)
    socket.on("close", end)
    socket.on("message", (data, isBinary) => {
      if (!isBinary) link.send(String(data))
    })
    link.listen({
      message(text) {
        socket.send(text, sent)
        if (paused || socket.bufferedAmount <= HIGH_WATER_BYTES) return
        paused = true
        link.pause()
      },
      closed(reason) {
        socket.close(reason === "" ? CLOSE_NORMAL : CLOSE_GONE, cut(reason))
        end()
      },
    })
    if (socket.readyState !== socket.OPEN) end()
  })
}

function cut(reason: string): string {
  return Buffer.from(reason).subarray(0, MAX_REASON_BYTES).toString().replaceAll("\ufffd", "")
}
