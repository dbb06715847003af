/** Tunnels through the whole host, byte by byte: what a client may do with an upgrade, and what becomes of one that ends. */
import { execFile } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, standsStill, within } from "../support/deadline.ts"
import { FIXTURES, type TestApp, TestHost } from "../support/harness.ts"
import { asks, clientFrame, HANDSHAKE, MS, Raw, Talk } from "./rig.ts"

const TUNNELS: TestApp = { dir: join(FIXTURES, "tunnels"), entry: "server.mjs" }
const MEGABYTE = 1024 * 1024
/** Key of HANDSHAKE. */
const ACCEPTED = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

let host: TestHost
/** With little patience. */
let narrowly: TestHost

beforeAll(async () => {
  host = await TestHost.start({
    app: TUNNELS,
    // One request at a time, so that a tunnel that counted as one would show.
    narrow: { ...TUNNELS, concurrency: 1 },
    falls: TUNNELS,
    thread: { ...TUNNELS, runtime: "thread" },
    reloads: TUNNELS,
    fronted: {
      ...TUNNELS,
      sendfile: [{ path: "/private/*", dir: "." }],
      compression: true,
      static: [{ path: "/files/*", dir: "." }],
      sticky: "cookie",
    },
    silent: { ...TUNNELS, timeouts: { stream: "1s" } },
  })
  narrowly = await TestHost.start(
    { app: TUNNELS },
    { config: { timeouts: { send: "1s", keepAlive: "1s", body: "1s", headers: "1s" } } },
  )
})

afterAll(async () => {
  await narrowly?.close()
  await host?.close()
})

async function opened(path: string, protocol: string): Promise<Raw> {
  const raw = await Raw.to(host.url)
  await raw.send(asks(path, protocol)).until("\r\n\r\n")
  return raw
}

async function told(path: string, text: string): Promise<string> {
  const raw = await Raw.to(host.url)
  return raw.send(text.replace("PATH", path)).until("\r\n\r\n")
}

async function seen(app = "app"): Promise<{ poured: number; drunk: number; ended: number; pid: number }> {
  return JSON.parse((await host.ask(`/${app}/seen`)).text)
}

function open(app: string): Promise<Talk> {
  return Talk.open(`${host.url.replace("http", "ws")}/${app}/ws`)
}

describe("a protocol of the app's own", () => {
  test("random bytes and the end of each half pass as they are", async () => {
    const raw = await opened("/app/echo", "echo")
    expect(raw.text).toBe("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    const bytes = randomBytes(3 * MEGABYTE)
    const got = createHash("sha256")
    raw.socket.on("data", (chunk: Buffer) => got.update(chunk))
    raw.socket.end(bytes)
    await raw.untilClosed()
    expect(got.digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"))
    expect(raw.error).toBe("")
  })

  test("bytes sent with the request, and bytes sent with the answer, are the first of the tunnel", async () => {
    const raw = await Raw.to(host.url)
    await raw.send(`${asks("/app/echo", "echo")}right away`).until("\r\n\r\nright away")
    const early = await opened("/app/early", "echo")
    await early.send("back").until("\r\n\r\nhelloback")
    // Nothing of the connection between the app and the host, and nothing that says it had a body.
    expect(early.text).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-Own: 1\r\n\r\nhelloback",
    )
  })

  test("an app that ends its half reads on", async () => {
    const raw = await opened("/app/drink", "drink")
    expect(await raw.untilEnd()).toMatch(/\r\n\r\nbye$/)
    raw.socket.end("x".repeat(100_000))
    await eventually(MS, "all of it", async () => {
      const { drunk, ended } = await seen()
      return drunk === 100_000 && ended === 1
    })
    await raw.untilClosed()
  })

  test("of several, the first that may be had is asked for", async () => {
    const raw = await Raw.to(host.url)
    await raw.send(asks("/app/echo", "h2c, TLS/1.0,, ECHO, websocket")).until("\r\n\r\n")
    expect(raw.text).toContain("Upgrade: echo\r\n")
  })

  test("a request ahead of it is answered first, and one after it on another connection", async () => {
    const raw = await Raw.to(host.url)
    raw.send(`GET /app/first HTTP/1.1\r\nHost: a\r\n\r\n${asks("/app/echo", "echo")}GET /`)
    await raw.until("\r\n\r\nGET /")
    expect(raw.text).toMatch(/^HTTP\/1.1 200 OK\r\n[\s\S]*"url":"\/first"[\s\S]*}HTTP\/1.1 101 Switching/)
    expect((await host.ask("/app/second")).text).toContain('"url":"/second"')
  })

  test("an answer other than 101 is an answer, and the client's connection serves another request", async () => {
    const raw = await opened("/app/refuse", "echo")
    await raw.until("no")
    expect(raw.text).toMatch(/^HTTP\/1.1 403 Forbidden\r\n/)
    await raw.send("GET /app/next HTTP/1.1\r\nHost: a\r\n\r\n").until('"url":"/next"')
    expect((await opened("/app/elsewhere", "echo")).ended).toBe(false)
  })

  test.each([
    ["to a plain request", "GET /app/unasked HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["with another protocol", asks("/app/other", "echo")],
    ["with none", asks("/app/none", "echo")],
  ])("a 101 %s is a wrong answer", async (_what, text) => {
    expect(await told("", text)).toMatch(/^HTTP\/1.1 502 [\s\S]*APP_RESPONSE_INVALID|^HTTP\/1.1 502 /)
  })
})

describe("an Upgrade that is none", () => {
  const PLAIN = /^HTTP\/1.1 200 OK/
  test.each([
    ["that Connection does not name", "GET /app/x HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n"],
    ["in HTTP/1.0", "GET /app/x HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"],
    [
      "to h2c",
      asks("/app/x", "h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA").replace(
        "Upgrade\r\n",
        "Upgrade, HTTP2-Settings\r\n",
      ),
    ],
    ["to TLS", asks("/app/x", "TLS/1.2")],
    ["that is no protocol", asks("/app/x", "web socket, @, /1")],
    ["too long to be one", asks("/app/x", "x".repeat(65))],
    ["with a body", `${asks("/app/x", "echo", "Content-Length: 2").replace("GET", "POST")}ab`],
    [
      "with a body in chunks",
      `${asks("/app/x", "echo", "Transfer-Encoding: chunked").replace("GET", "POST")}0\r\n\r\n`,
    ],
  ])("%s makes an ordinary request", async (_what, text) => {
    const raw = await Raw.to(host.url)
    await raw.send(text).until(/\r\n\r\n[\s\S]*\}/)
    expect(raw.text).toMatch(PLAIN)
    expect(raw.text).not.toMatch(/"upgrade"|"http2-settings"/i)
  })

  test("curl, which asks for HTTP/2 that way, is answered by HTTP/1.1", async () => {
    const { stdout } = await promisify(execFile)("curl", [
      "-sS",
      "--http2",
      "-m",
      "10",
      "-w",
      "%{http_version}",
      `${host.url}/app/x`,
    ])
    expect(stdout).toMatch(/"url":"\/x"[\s\S]*1\.1$/)
  })
})

test("an answer 426 says which protocol it needs, and no other answer does", async () => {
  const raw = await Raw.to(host.url)
  await raw.send("GET /app/needs HTTP/1.1\r\nHost: a\r\n\r\n").until("speak echo here")
  expect(raw.text).toMatch(
    /^HTTP\/1.1 426 Upgrade Required\r\n[\s\S]*Connection: Upgrade\r\nUpgrade: echo\r\n/,
  )
})

test("a handshake and its first message in one packet", async () => {
  const raw = await Raw.to(host.url)
  raw.send(asks("/app/ws", "WebSocket", ...HANDSHAKE) + clientFrame(1, "at once"))
  await raw.until("\x81\x07at once")
  expect(raw.text).toContain(ACCEPTED)
})

test("what stands in front of an app leaves its tunnels alone", async () => {
  const talk = await open("fronted")
  const text = "again and again ".repeat(10_000)
  expect(await talk.ask(text)).toBe(text)
  const raw = await opened("/fronted/early", "echo")
  raw.socket.end("back")
  expect(await raw.untilEnd()).toMatch(/\r\n\r\nhelloback$/)
  await within(MS, "the reload", host.host.reload("fronted"))
  expect(await talk.end()).toEqual([1012, ""])
})

test("a tunnel takes no place of a request", async () => {
  const talks = [await open("narrow"), await open("narrow"), await open("narrow")]
  expect((await host.ask("/narrow/beside")).status).toBe(200)
  expect(host.app("narrow").instances[0]).toMatchObject({ inFlight: 0, sockets: 3 })
  for (const talk of talks) talk.socket.terminate()
  await eventually(MS, "no socket", () => host.app("narrow").instances[0]?.sockets === 0)
  expect(host.app("narrow").instances[0]).toMatchObject({ inFlight: 0 })
})

test("a client that reads nothing holds its app back, and the host keeps little", async () => {
  const raw = await Raw.to(host.url)
  raw.socket.pause()
  const before = residentBytes()
  const { poured } = await seen()
  raw.send(asks("/app/pour?bytes=268435456", "pour"))
  let now = 0
  await eventually(MS, "the first bytes", async () => {
    now = (await seen()).poured
    return now > poured
  })
  const timer = setInterval(async () => {
    now = (await seen()).poured
  }, 50)
  await standsStill(MS, "what the app pours", () => now)
  clearInterval(timer)
  // What lies in the sockets of the system between app, host and client.
  expect(now - poured).toBeLessThan(32 * MEGABYTE)
  expect(residentBytes() - before).toBeLessThan(48 * MEGABYTE)
  raw.socket.resume()
  await raw.untilEnd()
  expect(raw.bytes).toBeGreaterThan(268_435_456)
})

test("a client that takes nothing for too long is cut", async () => {
  const raw = await Raw.to(narrowly.url)
  raw.socket.pause()
  raw.send(asks("/app/pour?bytes=268435456", "pour"))
  await eventually(MS, "the tunnel", () => narrowly.app("app").instances[0]?.sockets === 1)
  await eventually(MS, "its end", () => narrowly.app("app").instances[0]?.sockets === 0)
  raw.socket.resume()
  await raw.untilClosed()
  expect([raw.error, raw.ended]).toEqual(["ECONNRESET", false])
  expect(raw.bytes).toBeLessThan(64 * MEGABYTE)
})

test("a client that vanishes is noticed at once", async () => {
  const talk = await open("app")
  const raw = await opened("/app/wait", "wait")
  const sockets = () => host.app("app").instances[0]?.sockets ?? 0
  const before = sockets()
  talk.socket.terminate()
  raw.socket.resetAndDestroy()
  await eventually(1000, "two sockets less", () => sockets() === before - 2)
})

test("an app that closes its socket without a word is seen to do so", async () => {
  const raw = await opened("/app/cut", "cut")
  await raw.send("go").untilEnd()
  const talk = await open("app")
  talk.socket.send("terminate")
  expect(await talk.end()).toEqual([1006, ""])
})

describe.each(["falls", "thread"])("an instance of %s that ends", (app) => {
  test("closes its WebSockets with 1011, cuts other protocols, and leaves those of others", async () => {
    const [talk, other] = [await open(app), await open("app")]
    const raw = await opened(`/${app}/wait`, "wait")
    talk.socket.send("exit")
    expect(await talk.end()).toEqual([1011, ""])
    await raw.untilClosed()
    expect(raw.error).toBe("ECONNRESET")
    expect(await other.ask("hello")).toBe("hello")
    await eventually(MS, "the next instance", async () => (await host.ask(`/${app}/hello`)).status === 200)
    expect(await (await open(app)).ask("again")).toBe("again")
  })
})

test("an instance that is killed in the middle of a frame leaves a connection that was cut", async () => {
  const [whole, part] = [await open("falls"), await Raw.to(host.url)]
  await whole.ask("hello")
  part.send(asks("/falls/ws", "websocket", ...HANDSHAKE) + clientFrame(1, "part"))
  await part.until("\x82\x0a\x01\x02\x03")
  process.kill((await seen("falls")).pid, "SIGKILL")
  await part.untilClosed()
  expect([part.error, part.text.slice(-5)]).toEqual(["ECONNRESET", "\x82\x0a\x01\x02\x03"])
  expect(await whole.end()).toEqual([1011, ""])
})

describe("a reload", () => {
  test("closes WebSockets with 1012, between fragments too, ends other protocols, and leaves other apps'", async () => {
    const [talk, halves, other] = [await open("reloads"), await open("reloads"), await open("app")]
    const raw = await opened("/reloads/wait", "wait")
    raw.socket.once("end", () => raw.socket.end())
    halves.socket.send("halves:hold")
    await talk.ask("hello")
    await within(MS, "the reload", host.host.reload("reloads"))
    expect(await talk.end()).toEqual([1012, ""])
    expect(await halves.end()).toEqual([1012, ""])
    await raw.untilEnd()
    expect(raw.error).toBe("")
    expect(await other.ask("still here")).toBe("still here")
    expect(await (await open("reloads")).ask("again")).toBe("again")
  })
})

test("no deadline of HTTP ends a tunnel that is silent", async () => {
  const talk = await Talk.open(`${narrowly.url.replace("http", "ws")}/app/ws`)
  // Longer than all of them, and the wheel's ticks.
  const ended = await Promise.race([talk.closed, new Promise((resolve) => setTimeout(resolve, 2000, "open"))])
  expect(ended).toBe("open")
  expect(await talk.ask("hello")).toBe("hello")
})

test("a tunnel that is silent for longer than an answer may be ends with 1001", async () => {
  const talk = await open("silent")
  expect(await talk.end()).toEqual([1001, ""])
})

function residentBytes(): number {
  const match = /VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))
  return Number(match?.[1]) * 1024
}
