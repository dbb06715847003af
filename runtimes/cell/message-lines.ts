/** JSON messages, one a line, on a socket: reading and writing for both sides of a cell's control connection. */
import type { Socket } from "node:net"
import { StringDecoder } from "node:string_decoder"

/** `message` gets each parsed line; what is not JSON, or longer than `maxBytes`, ends the connection by `broken`. */
export function readMessages(
  socket: Socket,
  maxBytes: number,
  on: { message(message: unknown): void; broken(why: string): void },
): void {
  const decoder = new StringDecoder("utf8")
  let text = ""
  let broken = false
  const breakOff = (why: string): void => {
    broken = true
    text = ""
    on.broken(why)
  }
  socket.on("data", (chunk: Buffer) => {
    if (broken) return
    text += decoder.write(chunk)
    let at = 0
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", at)) {
      const line = text.slice(at, end)
      at = end + 1
      let message: unknown
      try {
        message = JSON.parse(line)
      } catch {
        return breakOff("a line that is not JSON")
      }
      on.message(message)
      if (broken || socket.destroyed) return
    }
    text = text.slice(at)
    if (text.length > maxBytes) breakOff(`a line of more than ${maxBytes} bytes`)
  })
}

export function writeMessage(socket: Socket, message: object): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`)
}
