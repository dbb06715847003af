/** Bytes out, bytes back. */
import { connect } from "node:net"
import { within } from "../support/deadline.ts"
import { ANSWER_MS } from "../support/http-client.ts"

/** Sends `text` (Latin-1) and resolves with all that came back until the other side closed. */
export function exchangeBytes(base: string, text: string): Promise<Buffer> {
  const url = new URL(base)
  const socket = connect(Number(url.port), url.hostname)
  const answered = new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    socket.on("data", (chunk: Buffer) => chunks.push(chunk))
    socket.on("end", () => resolve(Buffer.concat(chunks)))
    socket.on("error", reject)
  })
  socket.write(text, "latin1")
  return within(ANSWER_MS, `the answer to ${text.slice(0, 200)}`, answered).finally(() => socket.destroy())
}
