/** Unmodified WebSocket servers, each with its runtime's own library, behind the host: `ws` and socket.io are the clients. */
import { createHash, randomBytes } from "node:crypto"
import { request as httpRequest } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { type Socket as IoSocket, io } from "socket.io-client"
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest"
import { createApp } from "../fixtures/apps/tunnels/app.mjs"
import { within } from "../support/deadline.ts"
import { FIXTURES, type TestApp, TestHost } from "../support/harness.ts"
import type { TableRuntime } from "../support/table.ts"
import { asks, MS, Raw, Talk } from "./rig.ts"

const TUNNELS = { dir: join(FIXTURES, "tunnels") } as const
const MEGABYTE = 1024 * 1024
const KINDS = [
  "node",
  "old-node",
  "thread",
  "command",
  "express",
  "bun",
  "old-bun",
  "deno",
  "old-deno",
] as const

let host: TestHost

beforeAll(async () => {
  const apps: Record<string, TestApp> = {
    node: { ...TUNNELS, entry: "server.mjs" },
    "old-node": { ...TUNNELS, entry: "server.mjs", runtime: runtimeOf("node", "oldest") },
    thread: { ...TUNNELS, entry: "server.mjs", runtime: "thread" },
    command: { ...TUNNELS, runtime: "command", command: [process.execPath, "server.mjs"] },
    express: { ...TUNNELS, entry: "express.mjs" },
    bun: { ...TUNNELS, entry: "bun.ts", runtime: runtimeOf("bun", "newest") },
    "old-bun": { ...TUNNELS, entry: "bun.ts", runtime: runtimeOf("bun", "oldest") },
    deno: { ...TUNNELS, entry: "deno.ts", runtime: runtimeOf("deno", "newest") },
    "old-deno": { ...TUNNELS, entry: "deno.ts", runtime: runtimeOf("deno", "oldest") },
    io: { ...TUNNELS, entry: "socket-io.mjs" },
  }
  host = await TestHost.start(apps)
})

afterAll(() => host?.close())

/** Of the table's. */
function runtimeOf(name: TableRuntime, age: "oldest" | "newest"): NonNullable<TestApp["runtime"]> {
  const all = inject("runtimes").filter((it) => it.name === name)
  const path = all[age === "oldest" ? 0 : all.length - 1]?.path ?? ""
  return name === "deno" ? { name, path, args: ["--allow-all"] } : { name, path }
}

function urlOf(app: string, path = "/ws"): string {
  return `${host.url.replace("http", "ws")}/${app}${path}`
}

describe.each(KINDS)("a WebSocket server on %s", (kind) => {
  test("echoes text and binary messages as they are", async () => {
    const talk = await Talk.open(urlOf(kind))
    if (kind === "express") await talk.has(1)
    expect(await talk.ask("grüße 🌍")).toBe("grüße 🌍")
    const bytes = randomBytes(70_000)
    expect(hash((await talk.ask(bytes)) as Buffer)).toBe(hash(bytes))
    expect(await talk.ask(Buffer.alloc(0))).toEqual(Buffer.alloc(0))
  })

  test("echoes messages of 1 MiB and 16 MiB", async () => {
    const talk = await Talk.open(urlOf(kind))
    if (kind === "express") await talk.has(1)
    for (const size of kind.startsWith("old-") ? [MEGABYTE] : [MEGABYTE, 16 * MEGABYTE]) {
      const bytes = randomBytes(size)
      expect(hash((await talk.ask(bytes)) as Buffer)).toBe(hash(bytes))
    }
  })

  test("answers pings, and the codes of closing pass both ways", async () => {
    const talk = await Talk.open(urlOf(kind))
    const pong = new Promise((resolve) => talk.socket.on("pong", (data) => resolve(data.toString())))
    talk.socket.ping("are you there?")
    expect(await within(MS, "a pong", pong)).toBe("are you there?")
    talk.socket.close(4002, "enough")
    expect((await talk.end())[0]).toBe(4002)
    if (kind === "express") return
    const other = await Talk.open(urlOf(kind))
    other.socket.send("close:4001")
    expect(await other.end()).toEqual([4001, "as asked"])
  })

  test("answers ordinary requests beside", async () => {
    expect((await host.ask(`/${kind}/hello`)).status).toBe(200)
  })
})

describe.each(KINDS)("a reload of %s", (kind) => {
  test("closes its WebSockets with 1012 within the drain, and the next are the new one's", async () => {
    const talk = await Talk.open(urlOf(kind))
    if (kind === "express") await talk.has(1)
    expect(await talk.ask("hello")).toBe("hello")
    await host.host.reload(kind)
    expect(await talk.end()).toEqual([1012, ""])
    const again = await Talk.open(urlOf(kind))
    if (kind === "express") await again.has(1)
    expect(await again.ask("hello")).toBe("hello")
  })
})

test("what the client says at its end reaches the app, and two clients have nothing of each other", async () => {
  const [ann, bob] = await Promise.all([Talk.open(urlOf("node")), Talk.open(urlOf("node"))])
  const [one, two] = [await ann.ask("me"), await bob.ask("me")]
  expect(one).not.toBe(two)
  ann.socket.close(3456, "ann goes")
  await ann.end()
  expect(await bob.ask("still here")).toBe("still here")
  expect(bob.messages).toEqual([two, "still here"])
  const { closes } = await seen()
  expect(closes).toContainEqual([Number(one), 3456, "ann goes"])
  bob.socket.terminate()
  await within(
    MS,
    "bob's end",
    waitFor(async () => (await seen()).closes.some(([me, code]) => me === Number(two) && code === 1006)),
  )
})

test("the app pings its client, and messages in several frames arrive", async () => {
  const talk = await Talk.open(urlOf("node"))
  expect(await talk.ask("ping")).toBe("pong from the app")
  expect(talk.pings).toEqual(["from the app"])
  expect(await talk.ask("halves")).toBe("first half, second half")
})

test("a subprotocol is the app's choice, and compression is between the two", async () => {
  const chosen = await Talk.open(urlOf("node", "/choose"), ["first", "second"])
  expect(chosen.socket.protocol).toBe("second")
  expect(await chosen.ask("hello")).toBe("hello")
  const small = await Talk.open(urlOf("node", "/deflate"), [], { perMessageDeflate: { threshold: 0 } })
  expect(small.socket.extensions).toContain("permessage-deflate")
  const text = "again and again ".repeat(10_000)
  expect(await small.ask(text)).toBe(text)
})

test("the app sees the request as it came, and who sent it", async () => {
  const talk = await Talk.open(urlOf("node"), [], { headers: { "X-Own": "Value", Cookie: "a=1" } })
  const list = JSON.parse(String(await talk.ask("headers"))) as string[]
  const lines = list.flatMap((it, i) => (i % 2 === 0 ? [`${it}: ${list[i + 1]}`] : []))
  const expected = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "X-Own: Value",
    "Cookie: a=1",
    "X-Forwarded-For: 127.0.0.1",
  ]
  expect(lines).toEqual(expect.arrayContaining(expected))
  expect(lines.filter((it) => /^(?:connection|upgrade):/i.test(it))).toHaveLength(2)
})

test.each([
  ["no key", ["Sec-WebSocket-Version: 13"]],
  ["a malformed key", ["Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 13"]],
  ["no version", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]],
  ["an unknown version", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 99"]],
  [
    "a malformed subprotocol",
    [
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Protocol: a b",
    ],
  ],
])("a handshake with %s is refused by the app's library as without the host", async (_what, lines) => {
  const direct = await refusal(await directUrl(), "/ws", lines)
  const hosted = await refusal(host.url, "/node/ws", lines)
  expect(direct.status).toBeGreaterThanOrEqual(400)
  expect(hosted).toEqual(direct)
})

test("a handshake by POST is the app's to refuse", async () => {
  const ask = asks("/ws", "websocket", "Sec-WebSocket-Version: 13").replace("GET", "POST")
  const direct = await answerTo(await directUrl(), ask)
  const hosted = await answerTo(host.url, ask.replace("/ws", "/node/ws"))
  expect(direct).toMatch(/^HTTP\/1.1 405 /)
  expect(hosted.split("\r\n")[0]).toBe(direct.split("\r\n")[0])
})

describe("socket.io", () => {
  test.each([
    ["begins with polling and upgrades", ["polling", "websocket"]],
    ["speaks WebSocket alone", ["websocket"]],
  ])("%s", async (_what, transports) => {
    const socket = ioTo(transports)
    await within(
      MS,
      "a socket.io connection",
      new Promise((resolve) => socket.on("connect", () => resolve(null))),
    )
    await within(
      MS,
      "the upgrade",
      waitFor(() => socket.io.engine.transport.name === "websocket"),
    )
    const bytes = randomBytes(100_000)
    const value = await socket.timeout(MS).emitWithAck("echo", { text: "hello", bytes })
    expect(value.text).toBe("hello")
    expect(Buffer.from(value.bytes).equals(bytes)).toBe(true)
    expect(await socket.timeout(MS).emitWithAck("how")).toBe("websocket")
  })

  test("a message to all reaches all", async () => {
    const [one, two] = [ioTo(["websocket"]), ioTo(["polling"])]
    await Promise.all(
      [one, two].map((it) =>
        within(MS, "a connection", new Promise((done) => it.on("connect", () => done(null)))),
      ),
    )
    const heard = [one, two].map((it) => new Promise((done) => it.on("said", done)))
    one.emit("all", "to everybody")
    expect(await within(MS, "what was said", Promise.all(heard))).toEqual(["to everybody", "to everybody"])
  })
})

function ioTo(transports: string[]): IoSocket {
  const socket = io(host.url, { path: "/io/socket.io/", transports, forceNew: true, reconnection: false })
  onTestFinished(() => {
    socket.disconnect()
  })
  return socket
}

async function seen(): Promise<{ closes: [number, number, string][] }> {
  return JSON.parse((await host.ask("/node/seen")).text)
}

async function waitFor(passes: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await passes())) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** The same app without a host. */
async function directUrl(): Promise<string> {
  const server = createApp()
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Refused {
  readonly status: number
  readonly body: string
  readonly version: string | undefined
}

/** How an app answers a handshake that is none. */
function refusal(url: string, path: string, lines: readonly string[]): Promise<Refused> {
  const headers = Object.fromEntries(lines.map((line) => line.split(": ") as [string, string]))
  const answer = new Promise<Refused>((resolve, reject) => {
    const request = httpRequest(url + path, {
      headers: { Connection: "Upgrade", Upgrade: "websocket", ...headers },
    })
    request.on("response", (response) => {
      let body = ""
      response.on("data", (chunk) => {
        body += chunk
      })
      const version = response.headers["sec-websocket-version"] as string | undefined
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body, version }))
    })
    request.on("upgrade", () => reject(new Error("it was upgraded")))
    request.on("error", reject)
    request.end()
  })
  return within(MS, "an answer", answer)
}

async function answerTo(url: string, text: string): Promise<string> {
  const raw = await Raw.to(url)
  return raw.send(text).until("\r\n\r\n")
}

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex")
}
