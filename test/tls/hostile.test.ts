/** Clients that cost: handshakes that never end, garbage in the middle, more connections than there are places. */
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { Duplex } from "node:stream"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { START_MS, TestHost } from "../support/harness.ts"
import { Authority } from "./certificates.ts"
import { get, handshake } from "./clients.ts"

const APP = { dir: `${import.meta.dirname}/app`, routes: ["/*"], stripPrefix: false }
const authority = new Authority()
const opened: Socket[] = []
let host: TestHost
let url: string

beforeAll(async () => {
  const certificates = [authority.issue({ names: ["site.test"] })]
  host = await TestHost.start(
    { app: APP },
    { listen: ["https://127.0.0.1:0"], config: { tls: { certificates }, timeouts: { headers: "4s" } } },
  )
  url = host.url
}, START_MS)

afterAll(async () => {
  for (const socket of opened) socket.destroy()
  await host.close()
  authority.remove()
})

/** What a real client sends first. */
async function firstRecord(): Promise<Buffer> {
  const server = createServer()
  const first = new Promise<Buffer>((resolve) => {
    server.once("connection", (socket) => {
      socket.once("data", (bytes: Buffer) => {
        resolve(bytes)
        socket.destroy()
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  handshake(`https://127.0.0.1:${port}`, { servername: "site.test" }).catch(() => undefined)
  const bytes = await within(5000, "a client's first bytes", first)
  server.close()
  return bytes
}

async function openMany(count: number, bytes: Buffer | null): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => hostPort())
  await within(
    15_000,
    `${count} connections`,
    Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve, reject) => {
            socket.on("error", () => undefined)
            socket.resume()
            socket.once("connect", () => {
              if (bytes !== null) socket.write(bytes)
              resolve()
            })
            socket.once("close", () => reject(new Error("closed")))
          }),
      ),
    ),
  )
  return sockets
}

function closeAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy()
}

describe("a thousand connections that say", () => {
  test("nothing leave the host serving, and end by a deadline", async () => {
    const silent = await openMany(1000, null)
    const startedMs = performance.now()
    expect(await get(url, "/hello")).toContain("hello")
    expect(performance.now() - startedMs).toBeLessThan(2000)
    await eventually(6000, "their end", () => silent.every((socket) => socket.destroyed || socket.closed))
  })

  test("half a hello, or all of one and no more, leave the host serving", async () => {
    const record = await firstRecord()
    for (const bytes of [record.subarray(0, 100), record]) {
      const half = await openMany(1000, bytes)
      // All places for handshakes are taken: the wait is for those that take too long.
      expect(await get(url, "/hello")).toContain("hello")
      closeAll(half)
    }
  })
})

test("a hello that comes byte by byte is a hello", async () => {
  const socket = hostPort().setNoDelay(true)
  const record = await firstRecord()
  let first: Buffer | null = null
  socket.once("data", (bytes: Buffer) => {
    first = bytes
  })
  for (const byte of record.subarray(0, 60)) socket.write(Buffer.of(byte))
  socket.write(record.subarray(60))
  await eventually(5000, "an answer", () => first !== null)
  // A handshake record with a ServerHello.
  expect([first![0], first![5]]).toEqual([22, 2])
  socket.destroy()
})

test("garbage after the handshake ends that connection, and its request in the app", async () => {
  const raw = hostPort()
  const ours = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _encoding, done) => raw.write(bytes, () => done()),
  })
  raw.on("data", (bytes: Buffer) => ours.push(bytes))
  const socket = await handshake(url, { socket: ours })
  socket.on("error", () => undefined)
  socket.write("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
  await eventually(5000, "the request", () => host.app("app").instances[0]?.inFlight === 1)
  raw.write("this is no record of TLS, and long enough to be read as one")
  await eventually(5000, "its end", () => host.app("app").instances[0]?.inFlight === 0)
  await eventually(5000, "the connection's end", () => raw.closed)
  socket.destroy()
})

function hostPort(): Socket {
  const socket = connect(Number(new URL(url).port), "127.0.0.1")
  opened.push(socket)
  return socket
}
