import { afterAll, describe, expect, inject, test, vi } from "vitest"
import { testUnless } from "../support/known-limit.ts"
import { type App, Rig, type RuntimeKind } from "./rig.ts"

const versionsOf = (name: RuntimeKind): string[] =>
  inject("runtimes")
    .filter((it) => it.name === name)
    .map((it) => it.version)
const NODE = versionsOf("node")
const BUN = versionsOf("bun")
const DENO = versionsOf("deno")

vi.setConfig({ testTimeout: 25_000 })
const rig = new Rig()
afterAll(() => rig.close())

interface Case {
  readonly fixture: string
  readonly answer: Record<string, unknown>
  readonly prints?: string
  readonly asked?: string
  readonly only?: (runtime: RuntimeKind, version: string) => boolean
}

const node = (from: number) => (runtime: RuntimeKind, version: string) =>
  runtime !== "node" || Number.parseInt(version, 10) >= from

const HTTP_CASES: readonly Case[] = [
  {
    fixture: "http.cjs",
    asked: "0.0.0.0:3000",
    prints: `"port":3000`,
    answer: {
      app: "http.cjs",
      url: "/a?b=c",
      host: "shop.example:8080",
      remoteAddress: "127.0.0.1",
      remotePort: "number",
      remoteFamily: "IPv4",
      localPort: 3000,
    },
  },
  {
    fixture: "http.mjs",
    prints: `listening on {"address":"0.0.0.0","family":"IPv4","port":3000}`,
    answer: { app: "http.mjs", url: "/a?b=c", remoteAddress: "127.0.0.1" },
  },
  {
    fixture: "http.ts",
    prints: "listening on number true",
    answer: { app: "http.ts", url: "/a?b=c" },
    only: node(22),
  },
  {
    fixture: "express5.mjs",
    prints: "listening on 3000",
    answer: { app: "express5", url: "/a?b=c", ip: "127.0.0.1", protocol: "http" },
    only: node(18),
  },
  {
    fixture: "express4.cjs",
    prints: "listening on 127.0.0.1 3000",
    answer: { app: "express4", url: "/a?b=c", ip: "127.0.0.1", protocol: "http" },
  },
  {
    fixture: "fastify.mjs",
    prints: "listening on http://",
    answer: { app: "fastify", url: "/a?b=c", ip: "127.0.0.1" },
    only: node(20),
  },
  {
    fixture: "koa.mjs",
    prints: "listening on 3000",
    answer: { app: "koa", url: "/a?b=c", ip: "127.0.0.1" },
    only: node(18),
  },
  {
    fixture: "hono-node.mjs",
    prints: "listening on 3000",
    answer: { app: "hono-node", url: "http://shop.example:8080/a?b=c", ip: "127.0.0.1" },
    only: node(20),
  },
  {
    fixture: "two-listens.cjs",
    prints: "listening on 3000 9090",
    answer: { app: "main", url: "/a?b=c" },
    asked: "127.0.0.1:3000",
  },
  { fixture: "raw-first.cjs", answer: { app: "after-raw", url: "/a?b=c" }, asked: "0.0.0.0:3000" },
  {
    fixture: "unix.cjs",
    prints: "listening on /nowhere/that/exists/app.sock",
    answer: { app: "unix", url: "/a?b=c" },
    asked: "unix:/nowhere/that/exists/app.sock",
  },
  { fixture: "listen-zero.cjs", prints: "family IPv6 ::1 true", answer: { app: "zero" }, asked: "[::1]:0" },
]

describe.each([
  ...NODE.map((version) => ["node", version] as const),
  ...BUN.map((version) => ["bun", version] as const),
  ...DENO.map((version) => ["deno", version] as const),
])("%s %s", (runtime, version) => {
  const start = (fixture: string, options?: Parameters<Rig["start"]>[3]): App =>
    rig.start(runtime, version, fixture, options)
  const cases = HTTP_CASES.filter(({ only }) => only === undefined || only(runtime, version))

  test.each(cases)("serves an unmodified $fixture on a private socket", async ({
    fixture,
    answer,
    prints,
    asked,
  }) => {
    const app = start(fixture)
    const first = await app.first
    expect(first.by).toBe("node:net")
    if (asked) expect(first.asked).toBe(asked)
    expect(JSON.parse(await app.get("/a?b=c"))).toMatchObject(answer)
    if (prints) await app.outputContains(prints)
    expect(app.tcpPorts()).toEqual([])
    await app.stop()
  })

  test("says in one line that a second listen is not served", async () => {
    const app = start("two-listens.cjs")
    await app.outputContains("listening on 3000 9090")
    expect(app.logs).toEqual([
      expect.stringMatching(
        /^info: the app also listens on 0\.0\.0\.0:9090: requests go to 127\.0\.0\.1:3000/,
      ),
    ])
    await app.stop()
  })

  test("serves a bare socket server when nothing else listens", async () => {
    const app = start("raw-only.cjs")
    expect(JSON.parse(await app.get("/"))).toMatchObject({ app: "raw", remoteAddress: "127.0.0.1" })
    await app.stop()
  })

  // Bun before 1.4 ignores what a plain node:http app writes to an upgraded socket, on TCP too.
  testUnless(runtime === "bun" && !version.startsWith("1.4"), "tunnels an upgraded connection", async () => {
    const app = start("upgrade.cjs")
    await app.first
    const head = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
    const seen = await app.upgrade(head, "ping", "ping")
    expect(seen).toMatch(/^HTTP\/1.1 101/)
    expect(seen).toContain("from 127.0.0.1\n")
    await app.stop()
  })

  test("reports a TLS server as one that cannot be served", async () => {
    const app = start("tls.cjs")
    expect(await app.failed).toMatchObject({
      kind: "tls",
      message: expect.stringContaining("terminates TLS itself"),
    })
    await app.stop()
  })

  // Bun 1.2.0 still says `listening` in the callback of close; Deno before 2.9 never listens again: on TCP too.
  testUnless(
    version === "1.2.0" || (runtime === "deno" && version !== "2.9.6"),
    "keeps close and listen again working",
    async () => {
      const app = start("listen-zero.cjs")
      expect(await app.get("/close")).toBe("closing")
      await app.outputContains("closed false null")
      await app.outputContains("again on 3001")
      await app.stop()
      const same = start("relisten.cjs")
      expect(await same.get("/")).toBe("open 1")
      await same.outputContains("open 2")
      expect(await same.get("/")).toBe("open 2")
      await same.stop()
    },
  )

  // Bun has its own opinion on port 70000.
  testUnless(runtime === "bun", "leaves errors in arguments to the runtime", async () => {
    const app = start("bad-port.cjs")
    await app.outputContains("refused ERR_SOCKET_BAD_PORT")
    await app.stop()
  })
})

describe.each(NODE)("node %s", (version) => {
  test("binds node:cluster workers' port on one private socket", async () => {
    const app = rig.start("node", version, "cluster.cjs")
    expect((await app.first).asked).toMatch(/:3000$/)
    await app.outputContains("worker on 3000")
    expect(JSON.parse(await app.get("/"))).toMatchObject({
      app: "cluster",
      remoteAddress: "127.0.0.1",
      localPort: 3000,
    })
    expect(app.tcpPorts()).toEqual([])
    await app.stop()
  })
})

describe.each(BUN)("bun %s", (version) => {
  test("serves Bun.serve on a private socket and shows the address asked for", async () => {
    const app = rig.start("bun", version, "bun-serve.ts")
    expect(await app.first).toMatchObject({ by: "Bun.serve", asked: "0.0.0.0:3000", hasOptions: true })
    const expected = { app: "bun-serve", url: "http://shop.example:8080/a", same: true, ip: "127.0.0.1" }
    expect(JSON.parse(await app.get("/a"))).toEqual(expected)
    await app.outputContains("listening on http://localhost:3000/ 3000 0.0.0.0 true true")
    expect(app.tcpPorts()).toEqual([])
    await app.stop()
  })

  test("takes TLS options without a value for no TLS, as Bun does", async () => {
    const app = rig.start("bun", version, "bun-empty-tls.ts")
    expect(await app.first).toMatchObject({ by: "Bun.serve", asked: "0.0.0.0:3000" })
    expect(await app.get("/")).toBe("plain")
    await app.stop()
  })

  test("serves a default export that Bun serves itself", async () => {
    const app = rig.start("bun", version, "default-export.ts")
    expect(await app.first).toMatchObject({ by: "Bun.serve", asked: "0.0.0.0:3000", hasOptions: true })
    expect(JSON.parse(await app.get("/a"))).toMatchObject({ app: "default-export" })
    await app.stop()
  })

  test("tunnels Bun's WebSockets, listening on the port of the environment", async () => {
    const app = rig.start("bun", version, "bun-websocket.ts", { env: { PORT: "4000" } })
    await app.outputContains("listening on 4000")
    expect(await app.upgrade(WEBSOCKET, HELLO, "echo hello")).toMatch(/^HTTP\/1.1 101/)
    await app.stop()
  })
})

describe.each(DENO)("deno %s", (version) => {
  testUnless(
    version.startsWith("2.3."),
    "serves Deno.serve on a private socket and shows the addresses asked for",
    async () => {
      const app = rig.start("deno", version, "deno-serve.ts")
      expect(await app.first).toMatchObject({ by: "Deno.serve", asked: "0.0.0.0:3000", hasOptions: true })
      const url = "http://shop.example:8080/a"
      const expected = { app: "deno-serve", url, clone: url, ip: "127.0.0.1", transport: "tcp" }
      expect(JSON.parse(await app.get("/a"))).toEqual(expected)
      await app.outputContains("listening on 3000 true")
      expect(app.tcpPorts()).toEqual([])
      await app.outputContains(`onListen {"transport":"tcp","hostname":"0.0.0.0","port":3000}`)
      await app.stop()
    },
  )

  test("serves every form of Deno.serve, the first one first", async () => {
    const app = rig.start("deno", version, "deno-serve-forms.ts")
    expect(await app.first).toMatchObject({ asked: "0.0.0.0:8000" })
    expect(JSON.parse(await app.get("/a"))).toMatchObject({ form: 1 })
    await app.stop()
  })

  test("tunnels Deno's WebSockets", async () => {
    const app = rig.start("deno", version, "deno-websocket.ts")
    expect(await app.upgrade(WEBSOCKET, HELLO, "echo hello")).toMatch(/^HTTP\/1.1 101/)
    await app.stop()
  })

  test("serves an app with permissions of its own", async () => {
    const args = ["--allow-net=0.0.0.0:8000", "--allow-read=./"]
    const app = rig.start("deno", version, "deno-serve-forms.ts", { args })
    expect(JSON.parse(await app.get("/a"))).toMatchObject({ form: 1 })
    await app.stop()
  })
})

const WEBSOCKET =
  "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
/** The text frame "hello", masked with zeros. */
const HELLO = "\x81\x85\x00\x00\x00\x00hello"
