/** Servers that mean harm or are broken: the app gets an error in time, the cell keeps nothing. */
import type { Socket } from "node:net"
import { afterEach, expect, test } from "vitest"
import { AbortController } from "../../runtimes/isolate/web/events/abort.ts"
import { eventually, within } from "../support/deadline.ts"
import { callingFrom, closeAll, moment, reasonOf, serve, serveBytes } from "./calling.ts"

afterEach(closeAll)

/** Answers each request with these bytes, and leaves the connection open. */
const answering = (text: string) =>
  serveBytes((socket) => {
    socket.once("data", () => socket.write(text, "latin1"))
  })

test("a head without end is cut at 64 KiB", async () => {
  let sent = 0
  const closed = moment()
  const origin = await serveBytes((socket) => {
    socket.once("close", () => closed.resolve())
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\n")
      const line = `x-more: ${"y".repeat(1000)}\r\n`
      const go = (): void => {
        while (!socket.destroyed) {
          sent += line.length
          if (!socket.write(line)) {
            socket.once("drain", go)
            return
          }
        }
      }
      go()
    })
  })
  const { fetch, open } = callingFrom([origin])
  expect(await reasonOf(fetch(origin))).toContain("the head of the answer is too large")
  await within(5000, "the connection to end", closed.promise)
  expect(sent).toBeLessThan(16 << 20)
  expect(open()).toBe(0)
})

test("a head of many short fields is none that is too large for the isolate", async () => {
  const origin = await answering(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${"a:\r\n".repeat(15_000)}\r\n`)
  const { fetch } = callingFrom([origin])
  const outcome = await fetch(origin).then(
    () => "an answer",
    (error: TypeError) => String((error.cause as Error).message),
  )
  expect(outcome).toMatch(/an answer|too large/)
})

test.each([
  ["a chunk whose size is no number", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"],
  [
    "a chunk that is longer than its size",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n",
  ],
  [
    "a chunk of a size beyond all numbers",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx",
  ],
  [
    "a chunk with an endless extension",
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${"x".repeat(100_000)}`,
  ],
])("%s fails the body", async (_what, answer) => {
  const origin = await answering(answer)
  const { fetch, open } = callingFrom([origin])
  const outcome = within(
    5000,
    "an end",
    fetch(origin).then((response) => response.text()),
  )
  await expect(outcome).rejects.toThrow(/terminated|fetch failed/)
  await eventually(5000, "the call to end", () => open() === 0)
})

test.each([
  ["no HTTP at all", "SSH-2.0-OpenSSH_9.9\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"],
  [
    "a length and chunks",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["a line break in a value", "HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n"],
  [
    "a switch of protocols that nobody asked for",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nmore",
  ],
])("%s is no answer", async (_what, answer) => {
  const origin = await answering(answer)
  const { fetch, open } = callingFrom([origin])
  expect(await within(5000, "a failure", reasonOf(fetch(origin)))).toMatch(/^fetch failed: ./)
  expect(open()).toBe(0)
})

test("what comes after an answer is not taken for the next one", async () => {
  let connections = 0
  const origin = await serveBytes((socket) => {
    connections++
    socket.once("data", () => {
      const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine${poison}`)
    })
  })
  const { fetch } = callingFrom([origin])
  for (let i = 0; i < 3; i++) expect(await (await fetch(origin)).text()).toBe("mine")
  expect(connections).toBe(3)
})

test("a body that is cut short is an error, by length, in chunks and under a coding", async () => {
  const origin = await serve((request, response) => {
    if (request.url === "/length") response.setHeader("Content-Length", "100")
    if (request.url === "/gzip") response.setHeader("Content-Encoding", "gzip")
    response.write(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]))
    setImmediate(() => response.socket?.destroy())
  })
  const { fetch } = callingFrom([origin])
  for (const path of ["/length", "/chunks", "/gzip"]) {
    const body = fetch(`${origin}${path}`).then((response) => response.text())
    await expect(body).rejects.toMatchObject({
      message: expect.stringMatching(/terminated|fetch failed/) as string,
    })
  }
})

test("a closed port, and a name that is not found, say so", async () => {
  const origin = await serve((_request, response) => response.end())
  await closeAll()
  const { fetch } = callingFrom([origin, "public"], {
    resolve: async (host) => {
      throw Object.assign(new Error(`the name ${host} was not found (ENOTFOUND)`), { code: "ENOTFOUND" })
    },
  })
  expect(await reasonOf(fetch(origin))).toContain("ECONNREFUSED")
  expect(await reasonOf(fetch("http://nowhere.example/"))).toContain(
    "nowhere.example was not found (ENOTFOUND)",
  )
})

const SHORT = { connectMs: 100, headMs: 150, idleMs: 200 }

test("a connection that is not made, a head that does not come, a body that stands still: each has its end", async () => {
  const origin = await serveBytes((socket) => {
    socket.once("data", (bytes) => {
      if (bytes.includes("/drip")) drip(socket, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nx: ")
      if (bytes.includes("/body")) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    })
  })
  const { fetch, open } = callingFrom([origin, "public"], {
    timeouts: SHORT,
    resolve: () => new Promise(() => undefined),
  })
  expect(await reasonOf(fetch("http://slow.example/"))).toContain("no connection was made within 0.1 s")
  expect(await reasonOf(fetch(`${origin}/head`))).toContain("the server gave no answer within 0.15 s")
  expect(await reasonOf(fetch(`${origin}/drip`))).toContain("the server gave no answer within 0.15 s")
  const response = await fetch(`${origin}/body`)
  await expect(response.text()).rejects.toMatchObject({
    message: "terminated",
    cause: { code: "ERR_OUTBOUND_TIMEOUT", message: "the answer's body did not move within 0.2 s" },
  })
  expect(open()).toBe(0)
})

test("an upload that the server does not read has its end", async () => {
  const origin = await serve((request) => request.pause())
  const { fetch, open } = callingFrom([origin], { timeouts: SHORT })
  const body = new Uint8Array(32 << 20)
  expect(await reasonOf(fetch(origin, { method: "POST", body }))).toContain("the request's body did not move")
  expect(open()).toBe(0)
})

test("a TLS server that does not shake hands has its end", async () => {
  const origin = await serveBytes(() => undefined)
  const secure = origin.replace("http:", "https:")
  const { fetch } = callingFrom([secure], { timeouts: SHORT })
  expect(await reasonOf(fetch(secure))).toContain("no connection was made within 0.1 s")
})

test("names that resolve slowly wait, two at a time and not without end", async () => {
  const release: (() => void)[] = []
  const { fetch, open } = callingFrom(["public"], {
    resolve: (host) => new Promise((_resolve, reject) => release.push(() => reject(new Error(`no ${host}`)))),
  })
  const started: Promise<string>[] = []
  for (let round = 0; round < 5; round++) {
    const controller = new AbortController()
    const fetches = Array.from({ length: 64 }, (_, at) =>
      fetch(`http://${round}.${at}.example/`, { signal: controller.signal }),
    )
    started.push(...fetches.map((it) => it.then(String, (error: Error) => String(error.cause ?? error))))
    // In the last round there is room for two only: two run and 256 wait.
    await eventually(5000, "the calls to be open", () => open() === (round < 4 ? 64 : 2))
    if (round === 4) await Promise.race(fetches).catch(() => undefined)
    controller.abort()
    await eventually(5000, "the calls to end", () => open() === 0)
  }
  expect(release).toHaveLength(2)
  const outcomes = await within(5000, "the fetches", Promise.all(started))
  expect(outcomes.some((it) => it.includes("more than 256 requests wait"))).toBe(true)
  for (let done = 0; done < release.length; done++) {
    release[done]?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(release).toHaveLength(258)
})

function drip(socket: Socket, start: string): void {
  socket.write(start)
  const timer = setInterval(() => socket.write("a"), 20)
  socket.once("close", () => clearInterval(timer))
}
