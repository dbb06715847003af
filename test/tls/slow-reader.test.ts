/** A client that takes a large answer slowly over TLS is not one that takes nothing: it gets all of it. */
import { connect as connectTcp } from "node:net"
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { Authority } from "./certificates.ts"
import { handshake } from "./clients.ts"
import { listenWith } from "./listening.ts"

const BYTES = 9_000_000
/** So long a client may take nothing; the system below takes bytes in steps, two or three in that time. */
const SEND_MS = 2000
const authority = new Authority()
let at: Awaited<ReturnType<typeof listenWith>>

beforeAll(async () => {
  at = await listenWith(authority.issue({ names: ["a.test"] }), { sendMs: SEND_MS }, (exchange) => {
    const lines = Buffer.from(`Content-Length: ${BYTES}\r\n`)
    // In one write, as a file may come.
    exchange.respond({ status: 200, reason: "", lines }, Buffer.alloc(BYTES), true)
  })
})

afterAll(async () => {
  await at.close()
  authority.remove()
})

async function asking() {
  const raw = connectTcp(Number(new URL(at.url).port), "127.0.0.1")
  const socket = await handshake(at.url, { socket: raw })
  onTestFinished(() => void socket.destroy())
  socket.on("error", () => undefined)
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
  return socket
}

test("one that takes nothing is cut", async () => {
  const socket = await asking()
  socket.pause()
  await eventually(3 * SEND_MS, "its end", () => at.connections.closed === 1)
})

test("one that takes two megabytes a second gets all of nine", async () => {
  const socket = await asking()
  let [bytes, may, ended] = [0, 0, false]
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes >= may) socket.pause()
  })
  socket.on("close", () => {
    ended = true
  })
  const reading = setInterval(() => {
    may += 200_000
    socket.resume()
  }, 100)
  onTestFinished(() => clearInterval(reading))
  await eventually(15_000, "all of the answer, or an end", () => bytes > BYTES || ended)
  expect(bytes).toBeGreaterThan(BYTES)
}, 20_000)
