/** Limits at their exact boundary, deadlines, and clients that take nothing. */
import { once } from "node:events"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { ask, type RawConnection } from "../support/http-client.ts"
import { answersIn, HostileRig, head, openFiles } from "./hostile-rig.ts"

const GOOD = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n"

describe("limits", () => {
  let rig: HostileRig
  beforeAll(async () => {
    rig = await HostileRig.start({}, { limits: { requestBody: "1KB" } })
  })
  afterAll(() => rig?.close())

  /** Lines of `bytes` bytes in all. */
  const lines = (bytes: number): string => {
    const host = "Host: a\r\nConnection: close\r\nX: "
    return `${host}${"v".repeat(bytes - host.length - 2)}\r\n`
  }
  const status = async (bytes: string): Promise<unknown[]> =>
    answersIn(await rig.send(bytes)).map((it) => [it.status, it.code, it.closes])

  test("64 KiB of header lines pass, one byte more is 431", async () => {
    expect(await status(`GET /good HTTP/1.1\r\n${lines(65_536)}\r\n`)).toEqual([[200, "", true]])
    expect(await status(`GET /good HTTP/1.1\r\n${lines(65_537)}\r\n`)).toEqual([
      [431, "HEADERS_TOO_LARGE", true],
    ])
    expect(await status(`GET /good HTTP/1.1\r\n${lines(65_600).slice(0, -60)}`)).toEqual([
      [431, "HEADERS_TOO_LARGE", true],
    ])
  })

  test("1000 header lines pass, one more is 431", async () => {
    const of = (count: number): string =>
      `GET /good HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${"X: y\r\n".repeat(count - 2)}\r\n`
    expect(await status(of(1000))).toEqual([[200, "", true]])
    expect(await status(of(1001))).toEqual([[431, "HEADERS_TOO_LARGE", true]])
  })

  test("a target of 16 KiB passes, one byte more is 414", async () => {
    const of = (bytes: number): string =>
      head(`GET /${"t".repeat(bytes - 1)} HTTP/1.1`, "Host: a", "Connection: close")
    expect(await status(of(16_384))).toEqual([[200, "", true]])
    expect(await status(of(16_385))).toEqual([[414, "TARGET_TOO_LONG", true]])
    expect(await status(`GET /${"t".repeat(40_000)}`)).toEqual([[414, "TARGET_TOO_LONG", true]])
  })

  test("a body at the limit passes, one byte more is 413, declared or in chunks", async () => {
    const whole = (bytes: number): string =>
      `${head("POST /read HTTP/1.1", "Host: a", "Connection: close", `Content-Length: ${bytes}`)}${"x".repeat(bytes)}`
    const chunked = (bytes: number): string =>
      `${head("POST /read HTTP/1.1", "Host: a", "Connection: close", "Transfer-Encoding: chunked")}${"x"
        .repeat(bytes)
        .replace(/.{1,100}/g, (piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)}0\r\n\r\n`
    await rig.seen()
    for (const of of [whole, chunked]) {
      expect(answersIn(await rig.send(of(1024)))).toMatchObject([{ status: 200, body: "1024" }])
      expect(await status(of(1025))).toEqual([[413, "BODY_TOO_LARGE", true]])
    }
    // A declared length is refused before the app, and nothing of it is read as a request.
    await rig.seen()
    expect(await status(`${whole(2000)}${GOOD}`)).toEqual([[413, "BODY_TOO_LARGE", true]])
    expect(await rig.seen()).toEqual([])
  })

  test("413 comes before a body that waits for its go", async () => {
    const bytes = head("POST /read HTTP/1.1", "Host: a", "Expect: 100-continue", "Content-Length: 5000")
    expect(await rig.send(bytes)).toMatch(/^HTTP\/1\.1 413 /)
  })

  test("413 reaches a client that sends on", async () => {
    const connection = rig.connect()
    connection.write(head("POST /read HTTP/1.1", "Host: a", "Content-Length: 50000000"))
    // Nothing of it may come back as a reset before the answer was read.
    for (let i = 0; i < 100 && !connection.socket.destroyed; i++) {
      if (!connection.socket.write(Buffer.alloc(50_000)))
        await Promise.race([once(connection.socket, "drain"), once(connection.socket, "close")])
    }
    expect(answersIn(await connection.closed())).toMatchObject([{ status: 413, closes: true }])
  })

  test("trailers beyond the limit are 431", async () => {
    const body = `0\r\nX: ${"v".repeat(66_000)}\r\n\r\n`
    const bytes = head("POST /read HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") + body
    expect(await status(bytes)).toEqual([[431, "HEADERS_TOO_LARGE", true]])
  })
})

describe("deadlines", () => {
  let rig: HostileRig
  beforeAll(async () => {
    rig = await HostileRig.start({
      timeouts: { headers: "1s", body: "1s", keepAlive: "1s", send: "1s" },
    })
  })
  afterAll(() => rig?.close())

  /** Sends a letter every 100 ms until the host has closed; resolves with what came and after how long. */
  async function drip(start: string, letter: string): Promise<{ text: string; ms: number }> {
    const connection = rig.connect().write(start)
    const startMs = performance.now()
    const timer = setInterval(() => connection.write(letter), 100)
    try {
      const text = await connection.closed()
      return { text, ms: performance.now() - startMs }
    } finally {
      clearInterval(timer)
      connection.destroy()
    }
  }

  test.concurrent.each([
    ["in its target", "GET /", "a"],
    ["in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: ", "a"],
    ["line by line", "GET / HTTP/1.1\r\nHost: a\r\n", "X: y\r\n"],
    ["after a good request", `${GOOD}GET / HTTP/1.1\r\nX: `, "a"],
  ])("a head that drips %s is 408 when its time is over", async (_what, start, letter) => {
    const { text, ms } = await drip(start, letter)
    expect(answersIn(text).at(-1)).toMatchObject({ status: 408, code: "REQUEST_INCOMPLETE", closes: true })
    expect(ms).toBeGreaterThan(900)
    // The client's own bytes keep it open for the linger at most.
    expect(ms).toBeLessThan(5000)
  })

  test.concurrent("a silent body is 408, one that drips is not", async () => {
    const start = head("POST /read HTTP/1.1", "Host: a", "Content-Length: 25", "Connection: close")
    expect(answersIn(await rig.send(`${start}x`))).toMatchObject([
      { status: 408, code: "REQUEST_INCOMPLETE" },
    ])
    expect(answersIn((await drip(start, "x")).text)).toMatchObject([{ status: 200, body: "25" }])
    const chunked = head("POST /read HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")
    expect(answersIn(await rig.send(`${chunked}5\r\nhel`))).toMatchObject([{ status: 408, closes: true }])
  })

  test.concurrent("a client that was not told to send its body is not late with it", async () => {
    const bytes = head("POST /hang HTTP/1.1", "Host: a", "Expect: 100-continue", "Content-Length: 5")
    const connection = rig.connect().write(bytes)
    // A second one, later, shows that the first one's second is over.
    await rig.send("GET /")
    await rig.send("GET /")
    expect(connection.received).toBe("")
    connection.destroy()
  })

  test.concurrent("an idle connection is closed without a word", async () => {
    const startMs = performance.now()
    expect(answersIn(await rig.send(GOOD))).toMatchObject([{ status: 200, closes: false }])
    expect(performance.now() - startMs).toBeGreaterThan(900)
    expect(await rig.send("")).toBe("")
  })

  test.concurrent("a client that takes nothing is cut; others are not held up, and the host's memory stays", async () => {
    const before = process.memoryUsage().rss
    const stalled = Array.from({ length: 20 }, () => {
      const connection = rig.connect()
      connection.socket.pause()
      return connection.write(head("GET /endless HTTP/1.1", "Host: a"))
    })
    const cut = Promise.all(stalled.map(({ socket }) => gone(socket)))
    expect((await ask(rig.url, { path: "/good" })).text).toBe("good")
    await cut
    expect((await ask(rig.url, { path: "/good" })).text).toBe("good")
    expect(process.memoryUsage().rss - before).toBeLessThan(120 * 1024 * 1024)
  })

  test.concurrent("a client that takes its answer slowly is not cut", async () => {
    const { socket } = rig.connect().write(head("GET /endless HTTP/1.1", "Host: a"))
    socket.on("data", () => socket.pause())
    // The system tells of what a client takes by the third of its buffer, some 2 MB here: as much in a deadline, and no more.
    const sips = setInterval(() => socket.resume(), 10)
    // More than twice the deadline, as others show that pass theirs.
    for (let i = 0; i < 2; i++) await rig.send("GET /")
    expect(socket.destroyed).toBe(false)
    clearInterval(sips)
    socket.destroy()
  })

  test.concurrent("a client that asks on and takes nothing does not fill the host", async () => {
    const connection = rig.connect()
    connection.socket.pause()
    const before = process.memoryUsage().rss
    // 40,000 answers of 100 kB would be 4 GB.
    connection.write(head("GET /large HTTP/1.1", "Host: a").repeat(40_000))
    await gone(connection.socket)
    expect(process.memoryUsage().rss - before).toBeLessThan(120 * 1024 * 1024)
    expect((await ask(rig.url, { path: "/good" })).text).toBe("good")
  })

  test.concurrent("a client that takes nothing of its last answer is cut too", async () => {
    const before = openFiles()
    const connection = rig.connect()
    connection.socket.pause()
    // Little enough to fit into the system's buffers and ours: nobody waits for a drain.
    connection.write(
      head("GET /large HTTP/1.1", "Host: a").repeat(30) +
        head("GET /large HTTP/1.1", "Host: a", "Connection: close"),
    )
    await gone(connection.socket)
    expect(openFiles()).toBeLessThan(before + 50)
  })
})

/** Resolves when the host has ended or reset the connection, though its client reads nothing. */
async function gone(socket: RawConnection["socket"]): Promise<void> {
  // Writing to a connection that was cut fails; a paused client learns of it in no other way.
  await eventually(15_000, "the cut of a stalled connection", () => {
    if (!socket.destroyed) socket.write("\r")
    return socket.destroyed
  })
}

describe("slow uploads beyond an app's places", () => {
  test("do not wait for ever, whatever they expect", async () => {
    const rig = await HostileRig.start(
      { timeouts: { body: "1s" } },
      { concurrency: 2, timeouts: { request: "20s" } },
    )
    try {
      const post = (...lines: string[]): string =>
        head("POST /hang HTTP/1.1", "Host: a", "Content-Length: 100", ...lines)
      const slow = rig.connect()
      const drip = setInterval(() => slow.write("x"), 200)
      try {
        slow.write(post())
        await rig.connected(1)
        const other = answersIn(await rig.send(post("Expect: 100-continue")))
        expect(other).toMatchObject([{ status: 408, code: "REQUEST_INCOMPLETE", closes: true }])
        expect((await ask(rig.url, { path: "/good" })).text).toBe("good")
      } finally {
        clearInterval(drip)
        slow.destroy()
      }
    } finally {
      await rig.close()
    }
  })
})
