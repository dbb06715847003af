/** What an app sees of a fetch: requests as they arrive at a server, answers, redirects, abort. */
import type { IncomingMessage } from "node:http"
import { afterEach, describe, expect, test } from "vitest"
import { AbortController } from "../../runtimes/isolate/web/events/abort.ts"
import { Request } from "../../runtimes/isolate/web/fetch/index.ts"
import { ReadableStream } from "../../runtimes/isolate/web/streams/index.ts"
import { eventually, within } from "../support/deadline.ts"
import { callingFrom, closeAll, moment, reasonOf, serve, serveBytes } from "./calling.ts"

afterEach(closeAll)

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

/** A server that says what it was asked; a path such as `/302/next` redirects there. */
async function echo(): Promise<string> {
  return serve((request, response) => {
    const pieces: Buffer[] = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      const [, status, location] = /^\/(\d{3})\/(.*)/.exec(request.url ?? "") ?? []
      if (status !== undefined && location !== undefined)
        return response.writeHead(Number(status), { Location: decodeURIComponent(location) }).end("moved")
      const { method = "", url = "", headers } = request
      const seen: Seen = { method, url, headers, body: Buffer.concat(pieces).toString() }
      return response.end(JSON.stringify(seen))
    })
  })
}

const asSeen = async (response: { json(): Promise<unknown> }): Promise<Seen> =>
  (await response.json()) as Seen

test("an answer arrives with its status, headers, URL and body", async () => {
  const origin = await serve((_request, response) => {
    response.writeHead(201, "Made", ["X-One", "1", "Set-Cookie", "a=1", "Set-Cookie", "b=2"])
    response.end("hello")
  })
  const { fetch } = callingFrom([origin])

  const response = await fetch(`${origin}/path?query#fragment`)

  expect([response.status, response.statusText, response.ok]).toEqual([201, "Made", true])
  expect(response.url).toBe(`${origin}/path?query`)
  expect([response.redirected, response.type]).toEqual([false, "basic"])
  expect(response.headers.get("x-one")).toBe("1")
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"])
  expect(() => response.headers.set("a", "b")).toThrow(TypeError)
  expect(await response.text()).toBe("hello")
  expect(response.bodyUsed).toBe(true)
})

describe("requests", () => {
  test("say who they are and what they take, unless the app does", async () => {
    const origin = await echo()
    const { fetch } = callingFrom([origin])
    const plain = await asSeen(await fetch(origin))
    expect(plain.headers).toMatchObject({
      "user-agent": "Polyhost/1.2.3",
      accept: "*/*",
      "accept-encoding": "gzip, deflate, br, zstd",
    })
    const own = await asSeen(
      await fetch(origin, { headers: { "User-Agent": "mine", Accept: "a/b", Range: "bytes=0-1" } }),
    )
    expect(own.headers).toMatchObject({ "user-agent": "mine", accept: "a/b", "accept-encoding": "identity" })
  })

  test("carry bodies at hand with their length, streams in chunks or with the length that the app states", async () => {
    const origin = await echo()
    const { fetch } = callingFrom([origin])
    const stream = () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("he"))
          controller.enqueue(new Uint8Array(0))
          controller.enqueue(new TextEncoder().encode("llo"))
          controller.close()
        },
      })
    const text = await asSeen(await fetch(origin, { method: "POST", body: "héllo" }))
    expect([text.body, text.headers["content-length"], text.headers["content-type"]]).toEqual([
      "héllo",
      "6",
      "text/plain;charset=UTF-8",
    ])
    const chunked = await asSeen(await fetch(origin, { method: "PUT", body: stream(), duplex: "half" }))
    expect([chunked.body, chunked.headers["transfer-encoding"]]).toEqual(["hello", "chunked"])
    const headers = { "Content-Length": "5" }
    const stated = await asSeen(
      await fetch(origin, { method: "PUT", body: stream(), duplex: "half", headers }),
    )
    expect([stated.body, stated.headers["content-length"], stated.headers["transfer-encoding"]]).toEqual([
      "hello",
      "5",
      undefined,
    ])
    const empty = await asSeen(await fetch(origin, { method: "POST", body: "" }))
    expect([empty.body, empty.headers["content-length"]]).toEqual(["", "0"])
    const none = await asSeen(await fetch(origin, { method: "GET", headers: { "Content-Length": "7" } }))
    expect(none.headers["content-length"]).toBeUndefined()
  })

  test("whose stream has another length than the app states fail", async () => {
    const origin = await echo()
    const { fetch } = callingFrom([origin])
    const of = (length: string) =>
      fetch(origin, {
        method: "PUT",
        duplex: "half",
        headers: { "Content-Length": length },
        body: new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("hello"))
            controller.close()
          },
        }),
      })
    expect(await reasonOf(of("4"))).toContain("longer than its Content-Length of 4")
    expect(await reasonOf(of("6"))).toContain("ended after 5 of 6 bytes")
  })

  test("fail with the reason of a stream that fails, or that gives something else than bytes", async () => {
    const origin = await echo()
    const { fetch, open } = callingFrom([origin])
    const reason = new Error("out of cheese")
    const failing = new ReadableStream({ pull: (controller) => controller.error(reason) })
    await expect(fetch(origin, { method: "POST", body: failing, duplex: "half" })).rejects.toMatchObject({
      cause: reason,
    })
    const texts = new ReadableStream({ pull: (controller) => controller.enqueue("text") })
    expect(await reasonOf(fetch(origin, { method: "POST", body: texts, duplex: "half" }))).toContain(
      "not a Uint8Array",
    )
    await eventually(5000, "the calls to end", () => open() === 0)
  })

  test("that cannot be sent say why, and the next one goes", async () => {
    const origin = await echo()
    const { fetch } = callingFrom([origin])
    expect(await reasonOf(fetch(`${origin}/${"x".repeat(70_000)}`))).toContain("the URL has")
    expect(await reasonOf(fetch(origin, { headers: { big: "x".repeat(80_000) } }))).toContain(
      "the headers have",
    )
    expect(await reasonOf(fetch(origin, { headers: { odd: "a\u0001b" } }))).toContain("control character")
    expect(await reasonOf(fetch(origin, { method: "M".repeat(300) }))).toContain("the method has")
    expect((await asSeen(await fetch(new Request(origin, { method: "REPORT" })))).method).toBe("REPORT")
  })

  test("keep the letters of a method as the app wrote them", async () => {
    let first = ""
    const origin = await serveBytes((socket) => {
      socket.once("data", (bytes) => {
        first = bytes.toString().split("\r\n", 1)[0] ?? ""
        socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      })
    })
    const { fetch } = callingFrom([origin])
    await fetch(`${origin}/x`, { method: "patch" })
    expect(first).toBe("patch /x HTTP/1.1")
    await fetch(`${origin}/x`, { method: "put" })
    expect(first).toBe("PUT /x HTTP/1.1")
  })

  test("beyond 64 in flight wait their turn", async () => {
    let most = 0
    let inFlight = 0
    const release: (() => void)[] = []
    const origin = await serve((_request, response) => {
      most = Math.max(most, ++inFlight)
      release.push(() => {
        inFlight--
        response.end("done")
      })
    })
    const { fetch } = callingFrom([origin])
    const answers = Promise.all(Array.from({ length: 150 }, async () => (await fetch(origin)).text()))
    await eventually(5000, "64 requests to arrive", () => release.length === 64)
    for (let done = 0; done < 150; ) {
      await eventually(5000, "requests to arrive", () => release.length > 0)
      for (const go of release.splice(0)) {
        go()
        done++
      }
    }
    expect(await within(5000, "all answers", answers)).toEqual(Array.from({ length: 150 }, () => "done"))
    expect(most).toBe(64)
  })
})

describe("redirects", () => {
  test("are followed, and the answer says where it came from", async () => {
    const origin = await echo()
    const { fetch } = callingFrom([origin])
    const response = await fetch(`${origin}/302/${encodeURIComponent("/301/%2Fend%3Fq")}#part`)
    expect([response.redirected, response.url]).toEqual([true, `${origin}/end?q`])
    expect((await asSeen(response)).url).toBe("/end?q")
  })

  test.each([
    [301, "POST", "GET"],
    [302, "POST", "GET"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [301, "PUT", "PUT"],
    [302, "DELETE", "DELETE"],
    [307, "POST", "POST"],
    [308, "PUT", "PUT"],
    [303, "HEAD", "HEAD"],
  ])("%i turns %s into %s, and the body goes with the method", async (status, method, after) => {
    const origin = await echo()
    const { fetch } = callingFrom([origin])
    const init = { method, headers: { "X-Kept": "1" }, ...(method === "HEAD" ? {} : { body: "body" }) }
    const response = await fetch(`${origin}/${status}/%2Fend`, init)
    if (after === "HEAD") return expect([response.status, await response.text()]).toEqual([200, ""])
    const seen = await asSeen(response)
    expect([seen.method, seen.headers["x-kept"]]).toEqual([after, "1"])
    const body = after === "GET" ? ["", undefined] : ["body", "text/plain;charset=UTF-8"]
    expect([seen.body, seen.headers["content-type"]]).toEqual(body)
  })

  test("to another origin leave secrets behind, to the same they do not", async () => {
    const [one, other] = [await echo(), await echo()]
    const { fetch } = callingFrom([one, other])
    const headers = { Authorization: "Bearer x", Cookie: "a=b", "X-Kept": "1" }
    const away = await asSeen(await fetch(`${one}/307/${encodeURIComponent(`${other}/end`)}`, { headers }))
    expect([away.headers.authorization, away.headers.cookie, away.headers["x-kept"]]).toEqual([
      undefined,
      undefined,
      "1",
    ])
    const here = await asSeen(await fetch(`${one}/307/%2Fend`, { headers }))
    expect([here.headers.authorization, here.headers.cookie]).toEqual(["Bearer x", "a=b"])
  })

  test("cannot repeat a stream, unless they turn to GET", async () => {
    const origin = await echo()
    const { fetch } = callingFrom([origin])
    const post = (status: number) => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(3))
          controller.close()
        },
      })
      return fetch(`${origin}/${status}/%2Fend`, { method: "POST", body, duplex: "half" })
    }
    expect(await reasonOf(post(307))).toContain("cannot be sent again")
    expect((await asSeen(await post(303))).method).toBe("GET")
  })

  test("by 'manual' are given to the app, by 'error' they are one, after 20 they end", async () => {
    const origin = await serve((_request, response) => response.writeHead(302, { Location: "/again" }).end())
    const { fetch, open } = callingFrom([origin])
    const response = await fetch(origin, { redirect: "manual" })
    expect([response.status, response.headers.get("location"), response.url]).toEqual([
      302,
      "/again",
      `${origin}/`,
    ])
    expect(await reasonOf(fetch(origin, { redirect: "error" }))).toContain("a redirect")
    expect(await reasonOf(fetch(origin))).toContain("more than 20 redirects")
    await response.text()
    await eventually(5000, "the calls to end", () => open() === 0)
  })

  test.each([
    "file:///etc/passwd",
    "data:,x",
    "http://user:pass@127.0.0.1/",
    "http://",
  ])("to %s are not followed", async (to) => {
    const origin = await echo()
    const { fetch } = callingFrom([origin, "loopback"])
    expect(await reasonOf(fetch(`${origin}/302/${encodeURIComponent(to)}`))).toContain(
      "the server redirected to",
    )
  })
})

describe("abort", () => {
  test("before the start: nothing is asked, and the body is cancelled", async () => {
    const asked: string[] = []
    const origin = await serve((request, response) => {
      asked.push(request.url ?? "")
      response.end()
    })
    const { fetch } = callingFrom([origin])
    const controller = new AbortController()
    controller.abort("why")
    let cancelled: unknown
    const body = new ReadableStream({
      cancel: (reason) => {
        cancelled = reason
      },
    })
    await expect(
      fetch(origin, { method: "POST", body, duplex: "half", signal: controller.signal }),
    ).rejects.toBe("why")
    expect([cancelled, asked]).toEqual(["why", []])
  })

  test("while the server thinks: the app has its reason, the server sees the end", async () => {
    const closed = moment()
    const arrived = moment()
    const origin = await serve((_request, response) => {
      response.once("close", () => closed.resolve())
      arrived.resolve()
    })
    const { fetch, open } = callingFrom([origin])
    const controller = new AbortController()
    const fetched = fetch(origin, { signal: controller.signal })
    await arrived.promise
    controller.abort()
    await expect(fetched).rejects.toMatchObject({ name: "AbortError" })
    await within(5000, "the server's connection to end", closed.promise)
    expect(open()).toBe(0)
  })

  test("while the answer arrives: its body fails with the reason", async () => {
    const closed = moment()
    const origin = await serve((_request, response) => {
      response.once("close", () => closed.resolve())
      response.write("first")
    })
    const { fetch } = callingFrom([origin])
    const controller = new AbortController()
    const response = await fetch(origin, { signal: controller.signal })
    const reader = response.body!.getReader()
    expect((await reader.read()).value).toHaveLength(5)
    const next = reader.read()
    controller.abort("enough")
    await expect(next).rejects.toBe("enough")
    await within(5000, "the server's connection to end", closed.promise)
  })

  test("after the answer came but before it was read: the body fails all the same", async () => {
    const origin = await serve((_request, response) => response.end("whole"))
    const { fetch, open } = callingFrom([origin])
    const controller = new AbortController()
    const response = await fetch(origin, { signal: controller.signal })
    await eventually(5000, "the call to end", () => open() === 0)
    controller.abort()
    await expect(response.text()).rejects.toMatchObject({ name: "AbortError" })
  })

  test("by cancelling the answer's body the server is told", async () => {
    const closed = moment()
    const origin = await serve((_request, response) => {
      response.once("close", () => closed.resolve())
      response.write("first")
    })
    const { fetch, open } = callingFrom([origin])
    await (await fetch(origin)).body!.cancel()
    await within(5000, "the server's connection to end", closed.promise)
    expect(open()).toBe(0)
  })
})
