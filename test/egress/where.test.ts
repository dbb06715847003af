/** Where connections go: what names stand for, who is asked, and what never is. */

import { execFile } from "node:child_process"
import type { LookupAddress } from "node:dns"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterEach, expect, test, vi } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { callingFrom, closeAll, moment, reasonOf, serve, serveBytes, serveSecurely } from "./calling.ts"
import { CERTIFICATE, KEY } from "./certificate.ts"

afterEach(closeAll)

const run = promisify(execFile)

const at = (...addresses: string[]): LookupAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))

/** A server, and its port under another name. */
async function named(): Promise<{ seen: string[]; url: string; port: string }> {
  const seen: string[] = []
  const origin = await serve((request, response) => {
    seen.push(request.headers.host ?? "")
    response.end("reached")
  })
  const { port } = new URL(origin)
  return { seen, url: `http://app.example.com:${port}/`, port }
}

test("without rules nothing leaves, and names are not even looked up", async () => {
  const { seen, url, port } = await named()
  const asked: string[] = []
  const { fetch } = callingFrom([], {
    resolve: async (host) => {
      asked.push(host)
      return at("127.0.0.1")
    },
  })
  expect(await reasonOf(fetch(url))).toBe(
    `fetch failed: http://app.example.com:${port} is refused: the app may reach nothing outside. To allow it, add "http://app.example.com:${port}" or "public" to "outbound" in the manifest of app "shop"`,
  )
  expect(await reasonOf(fetch(`http://127.0.0.1:${port}/`))).toContain("is refused")
  expect([asked, seen]).toEqual([[], []])
})

test.each([
  "http://127.0.0.1:PORT/",
  "http://2130706433:PORT/",
  "http://0x7f.0.0.1:PORT/",
  "http://0177.1:PORT/",
  "http://127.1:PORT/",
  "http://localhost:PORT/",
  "http://[::ffff:127.0.0.1]:PORT/",
  "http://[::ffff:7f00:1]:PORT/",
  "http://[::]:PORT/",
  "http://0:PORT/",
  "http://0.0.0.0:PORT/",
  "http://①②⑦.0.0.1:PORT/",
])("public does not open %s", async (url) => {
  const { seen, port } = await named()
  const { fetch } = callingFrom(["public"])
  expect(await reasonOf(fetch(url.replace("PORT", port)))).toMatch(/ is refused: .*(loopback|special)/)
  expect(seen).toEqual([])
})

test("a name that stands for a private address is refused", async () => {
  const { fetch } = callingFrom(["public", "http://app.example.com"], { resolve: async () => at("10.0.0.1") })
  expect(await reasonOf(fetch("http://app.example.com/"))).toContain("its name stands for a private address")
  expect(await reasonOf(fetch("http://other.example.com/"))).toContain(
    "its name stands for a private address",
  )
})

test("of several answers only those that are allowed are connected to", async () => {
  const { seen, url } = await named()
  const { fetch } = callingFrom(["loopback"], {
    // Nothing would listen at the others; a connection to them would be seen as a failure or a wait.
    resolve: async () => at("10.255.255.1", "169.254.169.254", "127.0.0.1"),
  })
  expect(await (await fetch(url)).text()).toBe("reached")
  expect(seen).toEqual([new URL(url).host])
})

test("a name is resolved once for a connection: what it says afterwards does not count", async () => {
  const { seen, url } = await named()
  let asked = 0
  const { fetch } = callingFrom(["public"], {
    // A checker that looks first and connects by name later would be told 127.0.0.1 the second time.
    resolve: async () => at(asked++ === 0 ? "10.0.0.1" : "127.0.0.1"),
  })
  expect(await reasonOf(fetch(url))).toContain("a private address")
  expect(asked).toBe(1)
  expect(await reasonOf(fetch(url))).toContain("a loopback address")
  expect(seen).toEqual([])
})

test("a redirect to a private address is refused, be it by number or by name", async () => {
  const { seen, port } = await named()
  const origin = await serve((request, response) => {
    const location = request.url === "/number" ? `http://[::1]:${port}/` : `http://evil.example.com:${port}/`
    response.writeHead(302, { Location: location }).end()
  })
  const { fetch } = callingFrom([origin, "public"], { resolve: async () => at("127.0.0.1") })
  expect(await reasonOf(fetch(`${origin}/number`))).toContain(
    `http://[::1]:${port} is refused: it is a loopback`,
  )
  expect(await reasonOf(fetch(`${origin}/name`))).toContain("its name stands for a loopback address")
  expect(seen).toEqual([])
})

test("an app cannot choose another host at an address that it may reach", async () => {
  const seen: string[][] = []
  const origin = await serve((request, response) => {
    const { rawHeaders } = request
    seen.push(rawHeaders.filter((_, at) => /^(host|upgrade|connection)$/i.test(rawHeaders[at & ~1] ?? "")))
    response.end()
  })
  const { fetch } = callingFrom([origin])
  await fetch(origin, { headers: { Host: "admin.internal", Connection: "upgrade", Upgrade: "x" } })
  expect(seen).toEqual([["Host", new URL(origin).host, "Connection", "keep-alive"]])
})

test("proxies of the environment are not used", async () => {
  const { seen, port } = await named()
  const proxy = await serve((_request, response) => response.end("the proxy"))
  const environment = { ...process.env, NODE_USE_ENV_PROXY: "1", HTTP_PROXY: proxy, http_proxy: proxy }
  const program = join(import.meta.dirname, "fetch-with-proxy.ts")
  const { stdout } = await run(process.execPath, [program, `http://127.0.0.1:${port}/`], { env: environment })
  expect(JSON.parse(stdout)).toEqual({ node: "the proxy", app: "reached" })
  expect(seen).toEqual([`127.0.0.1:${port}`])
})

test("only http and https leave; data: is answered inside", async () => {
  const { fetch } = callingFrom(["public", "loopback", "private"])
  for (const url of [
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "unix:/run/x.sock",
    "blob:null/1",
    "about:blank",
  ])
    expect(await reasonOf(fetch(url))).toContain(`${url.slice(0, url.indexOf(":"))}: is not fetched`)
  const response = await fetch("data:text/html;base64,aGVsbG8=#x")
  expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
    200,
    "text/html",
    "hello",
  ])
  expect(await (await fetch("data:,a%20b%zz")).text()).toBe("a b%zz")
  expect(await reasonOf(fetch("data:nothing"))).toContain("malformed")
})

test("an address of the app's own, without a host, is none", async () => {
  const { fetch } = callingFrom(["loopback"])
  await expect(fetch("/path")).rejects.toThrow(TypeError)
  await expect(fetch("http://user:secret@127.0.0.1/")).rejects.toThrow(TypeError)
})

test("a certificate that nobody vouches for is refused, whatever the environment says", async () => {
  vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0")
  const origin = await serveSecurely({ key: KEY, cert: CERTIFICATE }, (_request, response) =>
    response.end("secret"),
  )
  const { fetch } = callingFrom([origin])
  expect(await reasonOf(fetch(origin))).toMatch(/self.signed/i)
  vi.unstubAllEnvs()
})

test("over TLS a certificate has to be of the name that was asked for", async () => {
  const origin = await serveSecurely({ key: KEY, cert: CERTIFICATE }, (_request, response) =>
    response.end("secret"),
  )
  const { port } = new URL(origin)
  const { fetch } = callingFrom([origin, "loopback"], {
    ca: CERTIFICATE,
    resolve: async () => at("127.0.0.1"),
  })
  expect(await (await fetch(origin)).text()).toBe("secret")
  expect(await (await fetch(`https://localhost:${port}/`)).text()).toBe("secret")
  expect(await reasonOf(fetch(`https://other.example.com:${port}/`))).toContain(
    "ERR_TLS_CERT_ALTNAME_INVALID",
  )
})

test("an app's connections are used again, and by no other app", async () => {
  const sockets = new Set<unknown>()
  const origin = await serve((request, response) => {
    sockets.add(request.socket)
    response.end()
  })
  const [one, other] = [callingFrom(["loopback"]), callingFrom(["loopback"])]
  for (let i = 0; i < 3; i++) await (await one.fetch(origin)).text()
  expect(sockets.size).toBe(1)
  await (await other.fetch(origin)).text()
  expect(sockets.size).toBe(2)
})

test("only 16 connections wait for an app's next request", async () => {
  const sockets = new Set<unknown>()
  const release: (() => void)[] = []
  const origin = await serve((request, response) => {
    sockets.add(request.socket)
    request.socket.once("close", () => sockets.delete(request.socket))
    release.push(() => response.end())
  })
  const { fetch } = callingFrom([origin])
  const answers = Promise.all(Array.from({ length: 40 }, async () => (await fetch(origin)).text()))
  await eventually(5000, "the requests to arrive", () => release.length === 40)
  expect(sockets.size).toBe(40)
  for (const go of release) go()
  await answers
  await eventually(2000, "connections to end", () => sockets.size === 16)
})

test("with the app its connections end", async () => {
  const ended = moment()
  const origin = await serve((request, response) => {
    request.socket.once("close", () => ended.resolve())
    response.end()
  })
  const calling = callingFrom(["loopback"])
  await (await calling.fetch(origin)).text()
  calling.close()
  // Sooner than the server itself ends a connection that waits.
  await within(2000, "the connection to end", ended.promise)
})

test("a connection that waited too long at its server is made anew", async () => {
  let connections = 0
  const origin = await serveBytes((socket) => {
    connections++
    let requests = 0
    socket.on("data", () => {
      // The second request on a connection finds it closed, as with a server whose patience ended just now.
      if (++requests === 2) socket.destroy()
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    })
  })
  const { fetch } = callingFrom(["loopback"])
  for (let i = 0; i < 3; i++) expect(await (await fetch(origin)).text()).toBe("ok")
  expect(connections).toBe(3)
  await (await fetch(origin)).text()
  expect(await reasonOf(fetch(origin, { method: "POST" }))).toContain("ECONNRESET")
})
