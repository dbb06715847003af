/** What arrives on the wire: odd, hostile or half, and what the host makes of it. It must stay up and never desync. */
import { createServer } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { startHost, TestHost } from "../support/harness.ts"
import { ask, exchangeRaw, open, RawConnection } from "../support/http-client.ts"

let host: TestHost
beforeAll(async () => {
  host = await TestHost.start({
    behaviours: { entry: "app.mjs" },
    "server-behaviours": { entry: "app.cjs" },
    root: {
      dir: join(import.meta.dirname, "../fixtures/apps/behaviours"),
      entry: "app.mjs",
      routes: ["root.example"],
    },
  })
})
afterAll(() => host?.close())

const head = (...lines: string[]) => `${lines.join("\r\n")}\r\n\r\n`
const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((it) => Number(it[1]))

describe("malformed requests", () => {
  test.each([
    ["no HTTP at all", "this is not HTTP\r\n\r\n"],
    ["TLS on a plain port", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000"],
    ["two Host lines", head("GET / HTTP/1.1", "Host: a", "Host: b")],
    ["no Host", head("GET / HTTP/1.1", "Connection: close")],
    ["a Host with a path", head("GET / HTTP/1.1", "Host: a/b")],
    ["a Host with a user", head("GET / HTTP/1.1", "Host: me@a")],
    ["a Host with a space", head("GET / HTTP/1.1", "Host: a b")],
    ["a Host with two ports", head("GET / HTTP/1.1", "Host: a:1:2")],
    ["a Host of markup", head("GET / HTTP/1.1", 'Host: "><script>')],
    ["a Host that is half an address", head("GET / HTTP/1.1", "Host: [::1")],
    ["an absolute form without a host", head("GET http:///x HTTP/1.1", "Host: a")],
    ["an absolute form with a user", head("GET http://me@a/x HTTP/1.1", "Host: a")],
    ["an absolute form of another scheme", head("GET ftp://a/x HTTP/1.1", "Host: a")],
    ["a target without a slash", head("GET x HTTP/1.1", "Host: a")],
    ["a header without a colon", head("GET / HTTP/1.1", "Host: a", "nonsense")],
    ["a header name with a space", head("GET / HTTP/1.1", "Host: a", "X Y: 1")],
    ["a folded header", head("GET / HTTP/1.1", "Host: a", "X: 1", " folded")],
    ["a NUL in a value", head("GET / HTTP/1.1", "Host: a", "X: 1\u00002")],
    ["a bare CR in a value", head("GET / HTTP/1.1", "Host: a", "X: 1\rY: 2")],
    [
      "a length and chunked",
      `${head("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\n`,
    ],
    ["two lengths", head("POST / HTTP/1.1", "Host: a", "Content-Length: 1", "Content-Length: 2")],
    ["a negative length", head("POST / HTTP/1.1", "Host: a", "Content-Length: -1")],
    ["a length in hex", head("POST / HTTP/1.1", "Host: a", "Content-Length: 0x5")],
    ["an encoding that is not chunked", head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip")],
    ["chunked twice over", head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked, identity")],
    ["an empty Host", head("GET / HTTP/1.1", "Host: ")],
  ])("%s is 400 and the end of the connection", async (_what, bytes) => {
    const answer = await exchangeRaw(host.url, bytes)
    expect([...new Set(statuses(answer))]).toEqual([400])
    expect((await host.ask("/behaviours/hello")).text).toBe("hello")
  })

  test.each([
    "server-behaviours/upload",
    "behaviours/text",
  ])("a broken chunk cuts the request to %s, not the app", async (path) => {
    const bytes = `${head(`POST /${path} HTTP/1.1`, "Host: a", "Transfer-Encoding: chunked")}5\r\nhello\r\nZZ\r\n`
    expect(statuses(await exchangeRaw(host.url, bytes))).not.toContain(200)
    expect((await host.ask("/behaviours/hello")).text).toBe("hello")
  })

  test("64 KiB of headers are 431; somewhat less pass, to either kind of app", async () => {
    const lines = (bytes: number) =>
      Array.from({ length: bytes / 1024 }, (_, i) => `X-${i}: ${"v".repeat(1000)}`)
    const over = await exchangeRaw(
      host.url,
      head("GET /behaviours/hello HTTP/1.1", "Host: a", ...lines(80 * 1024)),
    )
    expect(statuses(over)).toEqual([431])
    for (const path of ["behaviours/hello", "server-behaviours/pid"]) {
      const under = head(`GET /${path} HTTP/1.1`, "Host: a", "Connection: close", ...lines(12 * 1024))
      expect([path, ...statuses(await exchangeRaw(host.url, under))]).toEqual([path, 200])
    }
  })

  test("headers near the limit are answered in some honest way by either kind of app", async () => {
    const lines = Array.from({ length: 55 }, (_, i) => `X-${i}: ${"v".repeat(1000)}`)
    for (const path of ["behaviours/hello", "server-behaviours/pid"]) {
      const answer = await exchangeRaw(
        host.url,
        head(`GET /${path} HTTP/1.1`, "Host: a", "Connection: close", ...lines),
      )
      expect([200, 431]).toContain(statuses(answer)[0])
    }
  })

  test("connections that say nothing, or half of something, hold nobody up", async () => {
    const half = Array.from({ length: 20 }, () => new RawConnection(host.url).write("GET / HTTP/1.1\r\nHo"))
    const silent = Array.from({ length: 20 }, () => new RawConnection(host.url))
    expect((await host.ask("/behaviours/hello")).text).toBe("hello")
    for (const connection of [...half, ...silent]) connection.destroy()
    expect((await host.ask("/behaviours/hello")).text).toBe("hello")
  })

  test("random bytes never hurt", async () => {
    for (let round = 0; round < 30; round++) {
      const connection = new RawConnection(host.url)
      let bytes = ["GET", "POST", "\u0000", ""][round % 4] ?? ""
      for (let i = 0; i < 200; i++)
        bytes += String.fromCharCode((i * 7919 + round * 104_729 + ((i * i) % 251)) % 256)
      connection.write(`${bytes}\r\n\r\n`)
      await connection.closed()
    }
    expect((await host.ask("/behaviours/hello")).text).toBe("hello")
  })
})

describe("unusual but right requests", () => {
  test("the absolute form replaces Host", async () => {
    const answer = await exchangeRaw(
      host.url,
      head("GET http://root.example/url?q HTTP/1.1", "Host: other.example", "Connection: close"),
    )
    expect(answer).toMatch(/http:\/\/root\.example\/url\?q$/)
  })

  test("Host is matched without case, port and final dot", async () => {
    for (const name of ["root.example", "ROOT.Example:8080", "root.example.", "root.example:"]) {
      expect([name, (await host.ask("/hello", { headers: { host: name } })).text]).toEqual([name, "hello"])
    }
    const unknown = await host.ask("/hello", { headers: { host: "xroot.example" } })
    expect([unknown.status, JSON.parse(unknown.text).code]).toEqual([404, "NO_ROUTE"])
  })

  test("HTTP/1.0 without Host is served, its connection closed", async () => {
    const answer = await exchangeRaw(host.url, "GET /server-behaviours/raw HTTP/1.0\r\n\r\n")
    expect(statuses(answer)).toEqual([200])
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n"))).rawHeaders).toContain("localhost")
  })

  test.each([
    [501, "a method that nobody knows", head("BREW / HTTP/1.1", "Host: a")],
    [505, "another version of HTTP", head("GET / HTTP/3.0", "Host: a")],
    [417, "an unknown expectation", head("GET / HTTP/1.1", "Host: a", "Expect: rain")],
  ])("%i for %s", async (status, _what, bytes) => {
    expect(statuses(await exchangeRaw(host.url, bytes))).toEqual([status])
  })

  test("a line end after a body is no request", async () => {
    const connection = new RawConnection(host.url)
    const post = "POST /behaviours/text HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
    await connection.write(`${post}ab\r\n`).until(/\r\n\r\nab$/)
    await connection.write(`${post}cd`).until(/\r\n\r\ncd$/)
    connection.destroy()
  })

  test("OPTIONS * and CONNECT are answered", async () => {
    expect(
      statuses(await exchangeRaw(host.url, head("OPTIONS * HTTP/1.1", "Host: a", "Connection: close"))),
    ).toEqual([404])
    expect(statuses(await exchangeRaw(host.url, head("CONNECT a:443 HTTP/1.1", "Host: a:443")))).toEqual([
      405,
    ])
  })

  test("pipelined requests are answered in order, each from its own app", async () => {
    const get = (path: string, ...more: string[]) => head(`GET /${path} HTTP/1.1`, "Host: a", ...more)
    const answer = await exchangeRaw(
      host.url,
      get("behaviours/stream") +
        get("server-behaviours/missing") +
        get("nowhere") +
        get("behaviours/hello", "Connection: close"),
    )
    expect(statuses(answer)).toEqual([200, 404, 404, 200])
    expect(answer.indexOf("three")).toBeLessThan(answer.indexOf("not found in the app"))
    expect(answer.endsWith("hello")).toBe(true)
  })

  test("Expect: 100-continue gets its go, then its answer", async () => {
    const connection = new RawConnection(host.url)
    connection.write(
      head(
        "POST /server-behaviours/echo HTTP/1.1",
        "Host: a",
        "Expect: 100-continue",
        "Content-Length: 4",
        "Connection: close",
      ),
    )
    await connection.until(/100 Continue/)
    expect(await connection.write("body").closed()).toMatch(/200 OK[\s\S]*body/)
  })

  test("a wish to upgrade is not passed on; the request is answered", async () => {
    const answer = await exchangeRaw(
      host.url,
      head("GET /server-behaviours/raw HTTP/1.1", "Host: a", "Connection: Upgrade, close", "Upgrade: h2c"),
    )
    expect(statuses(answer)).toEqual([200])
    expect(answer).not.toMatch(/h2c/)
  })

  test("a body on GET and a chunked one with trailers pass", async () => {
    const chunked = `${head("POST /server-behaviours/echo HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Trailer: X", "Connection: close")}4\r\nbody\r\n0\r\nX: 1\r\n\r\n`
    expect(await exchangeRaw(host.url, chunked)).toMatch(/\r\n\r\n(?:body$|4\r\nbody\r\n0\r\n)/)
    const get = `${head("GET /server-behaviours/upload HTTP/1.1", "Host: a", "Content-Length: 4", "Connection: close")}body`
    expect(await exchangeRaw(host.url, get)).toMatch(/\r\n4 [0-9a-f]{64}/)
    const ignored = `${head("GET /behaviours/hello HTTP/1.1", "Host: a", "Content-Length: 4")}body`
    const next = head("GET /behaviours/method HTTP/1.1", "Host: a", "Connection: close")
    expect(statuses(await exchangeRaw(host.url, ignored + next))).toEqual([200, 200])
  })

  test("a connection that is reused for many requests serves each", async () => {
    const connection = new RawConnection(host.url)
    for (let i = 1; i <= 50; i++) {
      const path = i % 2 === 0 ? "behaviours/hello" : "server-behaviours/no-content"
      connection.write(head(`GET /${path} HTTP/1.1`, "Host: a"))
      // Each answer has an id, the last of its lines that the host writes.
      await connection.until(
        (received) => statuses(received).length === i && /\r\n\r\n(hello)?$/.test(received),
      )
    }
    connection.destroy()
  })

  test("a client of HTTP/1.0 can see a cut too", async () => {
    const connection = new RawConnection(host.url)
    let reset = false
    connection.socket.on("error", () => {
      reset = true
    })
    const received = await connection.write("GET /server-behaviours/cut HTTP/1.0\r\n\r\n").closed()
    // Its body has no other end than the connection's: only a reset tells a cut from an end.
    expect(reset || !received.includes("200 OK")).toBe(true)
  })
})

describe("addresses", () => {
  test("IPv6, several at once, a unix socket in the place of a stale one", async () => {
    const path = join(host.dir, "public.sock")
    // A socket file that nobody serves: what a host leaves that was killed.
    const stale = createServer()
    await new Promise<void>((resolve) => stale.listen(path, resolve))
    const { renameSync } = await import("node:fs")
    renameSync(path, `${path}.kept`)
    await new Promise<void>((resolve) => stale.close(() => resolve()))
    renameSync(`${path}.kept`, path)
    const several = await startHost(
      { behaviours: { entry: "app.mjs" } },
      { listen: ["127.0.0.1:0", "[::1]:0", `unix:${path}`] },
    )
    expect(several.urls[1]).toMatch(/^http:\/\/\[::1\]:\d+$/)
    for (const url of several.urls.slice(0, 2)) {
      expect((await ask(url, { path: "/behaviours/hello" })).text).toBe("hello")
    }
    const address = JSON.parse(
      (await ask(several.urls[1]!, { path: "/behaviours/context" })).text,
    ).clientAddress
    expect(address).toBe("::1")
    const onSocket = await ask("http://localhost", { path: "/behaviours/context", socketPath: path })
    expect(JSON.parse(onSocket.text).clientAddress).toBe("unix")
    await several.host.close()
    const { existsSync } = await import("node:fs")
    expect(existsSync(path)).toBe(false)
  })

  test("an address in use fails the listen, and says which", async () => {
    const port = new URL(host.url).port
    await expect(
      startHost({ behaviours: { entry: "app.mjs" } }, { listen: [`127.0.0.1:0`, `127.0.0.1:${port}`] }),
    ).rejects.toThrow(new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`))
    expect((await host.ask("/behaviours/hello")).text).toBe("hello")
  })

  test("a unix socket that another host serves is not taken from it", async () => {
    const path = join(host.dir, "taken.sock")
    const first = await startHost({ behaviours: { entry: "app.mjs" } }, { listen: [`unix:${path}`] })
    await expect(
      startHost({ behaviours: { entry: "app.mjs" } }, { listen: [`unix:${path}`] }),
    ).rejects.toThrow(/cannot listen/)
    const response = await open("http://localhost", { path: "/behaviours/hello", socketPath: path })
    expect(response.statusCode).toBe(200)
    response.resume()
    await first.host.close()
  })
})
