/** HTTP/1.1 over TLS: what goes without TLS goes with it, and what is added: HSTS, the redirect, the scheme that apps are told. */
import { request as httpRequest } from "node:http"
import { request } from "node:https"
import { connect as connectTcp, type Socket } from "node:net"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { WebSocket } from "ws"
import { eventually, within } from "../support/deadline.ts"
import { FIXTURES, START_MS, TestHost } from "../support/harness.ts"
import { ask, collect } from "../support/http-client.ts"
import { Authority } from "./certificates.ts"
import { curl, get, handshake, speak } from "./clients.ts"

const APP = { dir: `${import.meta.dirname}/app`, routes: ["/*"], stripPrefix: false }
const HSTS = "max-age=31536000; includeSubDomains"
const MEGABYTES = 64
const authority = new Authority()
let host: TestHost
let [url, plain, socketPath] = ["", "", ""]

beforeAll(async () => {
  const certificates = [authority.issue({ names: ["localhost", "site.test", "127.0.0.1"] })]
  socketPath = `${authority.dir}/plain.sock`
  host = await TestHost.start(
    { app: APP, sockets: { dir: `${FIXTURES}/tunnels`, entry: "server.mjs", routes: ["sockets.test"] } },
    {
      listen: ["https://127.0.0.1:0", "127.0.0.1:0", `unix:${socketPath}`],
      config: {
        tls: { certificates, redirect: true, hsts: { maxAge: "365d", includeSubDomains: true } },
        trustProxy: ["127.0.0.2", "unix"],
      },
    },
  )
  ;[url, plain] = host.urls as [string, string]
}, START_MS)

afterAll(async () => {
  await host.close()
  authority.remove()
})

function lineOf(answer: string, name: string): string[] {
  const head = answer.slice(0, answer.indexOf("\r\n\r\n")).split("\r\n")
  return head
    .filter((line) => line.toLowerCase().startsWith(`${name}:`))
    .map((line) => line.slice(name.length + 2))
}

describe("requests over TLS", () => {
  test("tell the app https, and who asks", async () => {
    const answer = await get(url, "/told", { servername: "site.test" })
    const { url: told, headers } = JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1))
    expect(told).toBe("https://site.test/told")
    expect(headers).toContainEqual(["x-forwarded-proto", "https"])
    expect(headers).toContainEqual(["x-forwarded-for", "127.0.0.1"])
  })

  test("are answered in order when they are pipelined", async () => {
    const one = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`
    const bytes = `${one("/hello").repeat(20)}${one("/own-hsts", "Connection: close\r\n")}`
    const { text, ended } = await speak(await handshake(url), bytes)
    expect(text.match(/hello/g)).toHaveLength(20)
    expect(text.endsWith("mine")).toBe(true)
    expect(ended).toBe(true)
  })

  test(`take a body of ${MEGABYTES} MiB and give one, whole`, async () => {
    const sent = request(`${url}/count`, { method: "POST", rejectUnauthorized: false })
    const counted = new Promise<string>((resolve, reject) => {
      sent.once("response", async (response) => resolve((await collect(response)).text))
      sent.once("error", reject)
    })
    const block = Buffer.alloc(1024 * 1024, "x")
    for (let i = 0; i < MEGABYTES; i++)
      if (!sent.write(block)) await new Promise((resolve) => sent.once("drain", resolve))
    sent.end()
    expect(await within(20_000, "the count", counted)).toBe(String(MEGABYTES * block.length))

    const { code, output } = await curl(
      ...["-k", "--http1.1", "-o", "/dev/null", "-w", "%{size_download}"],
      `${url}/pour?megabytes=${MEGABYTES}`,
    )
    expect([code, output]).toEqual([0, String(MEGABYTES * 1024 * 1024)])
  })

  test("keep their connection, which ends with a proper goodbye when it was idle for long or the client says so", async () => {
    const socket = await handshake(url)
    const { text, ended } = await speak(
      socket,
      "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.0\r\n\r\n",
    )
    expect(text.match(/hello/g)).toHaveLength(2)
    expect(ended).toBe(true)
  })

  test("that are malformed get the same page as without TLS", async () => {
    const { text } = await speak(
      await handshake(url),
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    )
    expect(text).toMatch(/^HTTP\/1\.1 400 /)
    expect(lineOf(text, "strict-transport-security")).toEqual([HSTS])
  })
})

test("WebSockets of an app's own server go through TLS too, whole", async () => {
  const { port } = new URL(url)
  const socket = new WebSocket(`wss://localhost:${port}/ws`, {
    headers: { host: "sockets.test" },
    rejectUnauthorized: false,
  })
  const echo = new Promise((resolve, reject) => {
    const big = Buffer.alloc(3_000_000, "y")
    socket.once("open", () => socket.send(big))
    socket.once("message", (data: Buffer) => resolve(data.equals(big)))
    socket.once("error", reject)
  })
  expect(await within(10_000, "the echo", echo)).toBe(true)
  const closed = new Promise((resolve) => socket.once("close", resolve))
  socket.close(4000)
  expect(await within(5000, "the close", closed)).toBe(4000)
})

describe("ends", () => {
  test("a client that is gone without a word ends its answer in the app", async () => {
    const raw = tcp()
    const socket = await handshake(url, { socket: raw })
    socket.write("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    await within(5000, "the first bytes", new Promise((resolve) => socket.once("data", resolve)))
    expect(host.app("app").instances[0]?.inFlight).toBe(1)
    // Without close_notify: the connection below TLS is reset.
    raw.resetAndDestroy()
    await eventually(5000, "the end of the request", () => host.app("app").instances[0]?.inFlight === 0)
  })

  test("an upload that breaks off is none", async () => {
    const raw = tcp()
    const socket = await handshake(url, { socket: raw })
    socket.write("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhalf")
    await eventually(5000, "the request", () => host.app("app").instances[0]?.inFlight === 1)
    raw.destroy()
    await eventually(5000, "its end", () => host.app("app").instances[0]?.inFlight === 0)
  })
})

describe("Strict-Transport-Security", () => {
  test.each([
    ["an app's answer", "/hello"],
    ["an error of the app", "/boom"],
  ])("is on %s", async (_name, path) => {
    expect(lineOf(await get(url, path), "strict-transport-security")).toEqual([HSTS])
  })

  test("is the app's own where it says one", async () => {
    expect(lineOf(await get(url, "/own-hsts"), "strict-transport-security")).toEqual(["max-age=1"])
  })

  test("is on nothing that goes without TLS", async () => {
    for (const path of ["/hello", "/boom"]) {
      const answer = await ask("http://x", { path, socketPath })
      expect(answer.headers["strict-transport-security"]).toBeUndefined()
    }
    expect((await ask(plain, { path: "/hello" })).headers["strict-transport-security"]).toBeUndefined()
  })
})

describe("the redirect", () => {
  test.each([
    ["GET", "/a/b?c=d%20e", "site.test:8080", "site.test"],
    ["POST", "/form", "127.0.0.1", "127.0.0.1"],
    ["GET", "//evil.test/", "site.test", "site.test"],
    ["DELETE", "/", "[::1]:99", "[::1]"],
  ])("of %s %s at %s keeps all but the port", async (method, path, hostLine, name) => {
    const answer = await ask(plain, {
      method,
      path,
      headers: { host: hostLine },
      ...(method === "POST" ? { body: "x=1" } : {}),
    })
    expect(answer.status).toBe(308)
    expect(answer.headers.location).toBe(`https://${name}:${new URL(url).port}${path}`)
    expect(answer.body).toHaveLength(0)
  })

  test("is followed by curl, with the body", async () => {
    const { output } = await curl("-k", "-L", "--http1.1", "--data", "abc", `${plain}/echo`)
    expect(output).toBe("abc")
  })

  test("is not for a unix socket, nor for what a trusted proxy says came by https", async () => {
    expect((await ask("http://x", { path: "/hello", socketPath })).text).toBe("hello")
    const behind = (proto: string) =>
      new Promise<number>((resolve, reject) => {
        const asked = httpRequest(
          `${plain}/hello`,
          { agent: false, localAddress: "127.0.0.2", headers: { "x-forwarded-proto": proto } },
          (response) => resolve(response.resume().statusCode ?? 0),
        )
        asked.once("error", reject)
        asked.end()
      })
    expect([await behind("https"), await behind("http")]).toEqual([200, 308])
  })
})

/** What will be below TLS. */
function tcp(): Socket {
  return connectTcp(Number(new URL(url).port), "127.0.0.1")
}
