/** What an app gets of a request on HTTP/2, and what no app gets to see. */
import { describe, expect, test } from "vitest"
import { createTrustedProxies } from "../../host/listener/trust-proxy.ts"
import { eventually } from "../support/deadline.ts"
import { ask, session } from "./client.ts"
import { Code, Flag, GET, POST, section, Type } from "./frames.ts"
import { RawClient } from "./raw-client.ts"
import { hello, Rig } from "./rig.ts"

describe("a request", () => {
  test("has its head in lines, with the host's own", async () => {
    const rig = await Rig.start(hello)
    const client = await session(rig.url)
    const fields = {
      "x-one": "1",
      accept: "text/html",
      "x-forwarded-for": "6.6.6.6",
      "client-cert": ":AA==:",
    }
    const answer = await ask(client, "/a/b?c=d", { fields: { ...fields, ":authority": "Shop.Example:81" } })
    expect([answer.status, answer.text]).toEqual([200, "hello\n"])
    const call = await rig.call()
    const { head } = call.exchange
    expect([
      head.method,
      head.target,
      head.scheme,
      head.host,
      head.clientAddress,
      head.bodyBytes,
      head.upgrade,
    ]).toEqual(["GET", "/a/b?c=d", "http", "Shop.Example:81", "192.0.2.1", 0, ""])
    expect([call.exchange.hostName, call.exchange.path]).toEqual(["shop.example", "/a/b"])
    expect(call.lines).toBe(
      "host: Shop.Example:81\r\nx-one: 1\r\naccept: text/html\r\n" +
        "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: Shop.Example:81\r\n" +
        "X-Request-Id: id1\r\n",
    )
  })

  test("mounted below a prefix loses it", async () => {
    const rig = await Rig.start((call) => {
      call.exchange.mount("/shop")
      hello(call)
    })
    await ask(await session(rig.url), "/shop/x?y")
    const call = await rig.call()
    expect(call.exchange.head.target).toBe("/x?y")
    expect(call.lines).toContain("X-Forwarded-Prefix: /shop\r\n")
  })

  test("has its crumbs of cookies in one line", async () => {
    const rig = await Rig.start(hello)
    const client = await RawClient.open(rig.port)
    client.get(1, [
      ...Object.entries(GET).flat(),
      "cookie",
      "a=1",
      "x-two",
      "2",
      "cookie",
      "b=2",
      "te",
      "trailers",
    ])
    expect(await client.status(1)).toBe(200)
    expect((await rig.call()).lines).toMatch(/^host: a.test\r\ncookie: a=1; b=2\r\nx-two: 2\r\nX-Forwarded/)
  })

  test("with Host in place of :authority is one too", async () => {
    const rig = await Rig.start(hello)
    const client = await RawClient.open(rig.port)
    client.get(1, { ":method": "GET", ":scheme": "http", ":path": "/", host: "b.test" })
    expect(await client.status(1)).toBe(200)
    expect((await rig.call()).exchange.hostName).toBe("b.test")
  })

  test("of a trusted proxy says who the client is", async () => {
    const rig = await Rig.start(hello, { trustProxy: createTrustedProxies(["192.0.2.0/24"]) })
    const fields = {
      "x-forwarded-for": "198.51.100.7",
      "x-forwarded-proto": "https",
      "x-request-id": "its-own",
    }
    await ask(await session(rig.url), "/", { fields })
    const { head, requestId } = (await rig.call()).exchange
    expect([head.clientAddress, head.scheme, requestId]).toEqual(["198.51.100.7", "https", "its-own"])
  })
})

describe("a body", () => {
  test("comes as far as it is asked for, with its trailers", async () => {
    const rig = await Rig.start(() => undefined)
    const client = await session(rig.url)
    const answer = ask(client, "/", { body: "abcdefgh", trailers: { "x-sum": "8", authorization: "no" } })
    const call = await rig.call()
    expect(call.exchange.head.bodyBytes).toBe(-1)
    call.exchange.pull(3)
    await eventually(2000, "3 bytes", () => call.bodyBytes === 3)
    call.exchange.pull(2)
    await eventually(2000, "2 more", () => call.bodyBytes === 5)
    expect(call.ended).toBe(false)
    call.exchange.pull(100)
    await eventually(2000, "the end", () => call.ended)
    expect([call.body, call.trailers]).toEqual(["abcdefgh", "x-sum: 8\r\n"])
    hello(call)
    expect((await answer).status).toBe(200)
  })

  test("of a known length ends without being asked for its end", async () => {
    const rig = await Rig.start((call) => call.exchange.pull(8))
    const answer = ask(await session(rig.url), "/", { body: "abcdefgh", fields: { "content-length": "8" } })
    const call = await rig.call()
    await eventually(2000, "the end", () => call.ended)
    expect([call.exchange.head.bodyBytes, call.body]).toEqual([8, "abcdefgh"])
    hello(call)
    await answer
  })

  test("that is read ahead is handed on by the first pull", async () => {
    const rig = await Rig.start((call) => {
      call.exchange.readAhead(4)
    })
    const answer = ask(await session(rig.url), "/", { body: "abcdefgh" })
    const call = await rig.call()
    call.exchange.pull(100)
    await eventually(2000, "the end", () => call.ended)
    expect(call.body).toBe("abcdefgh")
    hello(call)
    await answer
  })

  test("over the app's limit is answered 413, whether its length is told or not", async () => {
    const rig = await Rig.start((call) => {
      call.exchange.limitBody(10)
      call.exchange.pull(1000)
    })
    const client = await session(rig.url)
    const told = await ask(client, "/", { body: "x".repeat(11), fields: { "content-length": "11" } })
    const untold = await ask(client, "/", { body: "x".repeat(11) })
    expect([told.status, untold.status, told.rstCode, untold.rstCode]).toEqual([413, 413, 0, 0])
    expect(JSON.parse(told.text).code).toBe("BODY_TOO_LARGE")
    expect(rig.calls[1]!.left_).toBe("host-stopping")
  })

  test("that is not read is cut after the answer, not before it", async () => {
    const rig = await Rig.start(hello)
    const client = await RawClient.open(rig.port)
    client.post(1)
    expect(await client.status(1)).toBe(200)
    expect(await client.reset(1)).toBe(Code.no)
    const kinds = client.of(1).map(({ type, flags }) => [type, flags & Flag.end])
    expect(kinds).toEqual([
      [Type.headers, 0],
      [Type.data, Flag.end],
      [Type.reset, 0],
    ])
    // What was on its way is no offence.
    client.send(Type.data, 0, 1, Buffer.alloc(1000))
    client.get(3)
    expect(await client.status(3)).toBe(200)
  })

  test("that nobody reads stays within its window", async () => {
    const rig = await Rig.start(() => undefined)
    const client = await session(rig.url)
    const stream = client.request({ ":method": "POST" })
    stream.on("error", () => undefined)
    stream.write(Buffer.alloc(2 * 1024 * 1024))
    await rig.call()
    await eventually(
      2000,
      "a full window",
      () => stream.bufferSize > 0 && client.state.outboundQueueSize === 0,
    )
    expect(2 * 1024 * 1024 - (rig.connection.socket.bytesRead ?? 0)).toBeGreaterThan(1024 * 1024)
  })
})

describe("what is no request", () => {
  const REFUSED: readonly [string, Record<string, string> | string[], number][] = [
    ["two Hosts that differ", { ...GET, host: "b.test" }, 400],
    ["a Host that is none", { ...GET, ":authority": "a..b" }, 400],
    ["a scheme other than http(s)", { ...GET, ":scheme": "ftp", ":path": "/" }, 400],
    ["a path with a fragment", { ...GET, ":path": "/a#b" }, 400],
    ["CONNECT", { ":method": "CONNECT", ":authority": "a.test:443" }, 405],
    ["an unknown method", { ...GET, ":method": "BREW" }, 501],
    ["a long target", { ...GET, ":path": `/${"a".repeat(17_000)}` }, 414],
    ["another expectation", { ...POST, expect: "a-pony" }, 417],
    ["large fields", { ...GET, ...large(7, 10_000) }, 431],
  ]
  for (const [what, fields, status] of REFUSED) {
    test(`${what} is answered ${status}, and stands in the log`, async () => {
      const rig = await Rig.start(hello)
      const client = await RawClient.open(rig.port)
      const bytes = section(fields)
      client.send(
        Type.headers,
        bytes.length > 16_000 ? Flag.end : Flag.end | Flag.endHeaders,
        1,
        bytes.subarray(0, 16_000),
      )
      for (let at = 16_000; at < bytes.length; at += 16_000)
        client.send(
          Type.continuation,
          at + 16_000 < bytes.length ? 0 : Flag.endHeaders,
          1,
          bytes.subarray(at, at + 16_000),
        )
      expect(await client.status(1)).toBe(status)
      expect([rig.calls.length, rig.refusals.length]).toEqual([0, 1])
      client.get(3)
      expect(await client.status(3)).toBe(200)
    })
  }

  test("more field lines than the limit are answered 431", async () => {
    const rig = await Rig.start(hello, { headerLines: 20 })
    const fields = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`x-${i}`, "1"]))
    const answer = await ask(await session(rig.url), "/", { fields })
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([431, "HEADERS_TOO_LARGE"])
  })

  test("an error is a page for browsers, and has no body for HEAD", async () => {
    const rig = await Rig.start((call) => call.exchange.fail("NO_ROUTE", "nobody"))
    const client = await session(rig.url)
    const page = await ask(client, "/", { fields: { accept: "text/html" } })
    expect([page.status, page.fields["content-type"]]).toEqual([404, "text/html; charset=utf-8"])
    expect(page.text).toContain("NO_ROUTE")
    const head = await ask(client, "/", { fields: { ":method": "HEAD" } })
    expect([head.status, head.text]).toEqual([404, ""])
  })
})

function large(lines: number, bytes: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: lines }, (_, i) => [`x-${i}`, "a".repeat(bytes)]))
}
