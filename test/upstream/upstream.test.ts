/** Server apps as the host asks them: a real server of Node, and servers that break every rule. */
import { createHash } from "node:crypto"
import { once } from "node:events"
import { describe, expect, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { ask, Client, httpRig, rawRig } from "./rig.ts"

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
const ENDED = [{ kind: "end" }]
const failed = (code: string) => [{ kind: "fail", code, detail: expect.any(String) }]

describe("a request", () => {
  test("reaches a server with its lines as they are, and with no others", async () => {
    const { upstream } = await httpRig((request, response) =>
      response.end(
        JSON.stringify([request.method, request.url, request.httpVersion, request.rawHeaders]),
        "latin1",
      ),
    )
    const lines = "hOst: a.example\r\nX-Two: \xe4\r\nx-two: b\r\n"
    const client = await ask(upstream, { lines, head: { method: "DELETE", target: "/a%2f?b=%00" } })
    expect(JSON.parse(client.text)).toEqual([
      "DELETE",
      "/a%2f?b=%00",
      "1.1",
      ["hOst", "a.example", "X-Two", "\xe4", "x-two", "b"],
    ])
    expect([client.endings, client.misuse]).toEqual([ENDED, []])
  })

  test("with a body of known length, and one of unknown length with trailers", async () => {
    const { upstream } = await httpRig(async (request, response) => {
      let body = ""
      for await (const chunk of request) body += chunk
      response.end(JSON.stringify([body, request.rawHeaders, request.rawTrailers]))
    })
    const body = Buffer.from("some body")
    const known = await ask(upstream, { lines: "Host: a\r\nContent-Length: 9\r\n", body })
    expect(JSON.parse(known.text)).toEqual(["some body", ["Host", "a", "Content-Length", "9"], []])
    const unknown = await ask(upstream, {
      lines: "Host: a\r\n",
      body,
      head: { bodyBytes: -1 },
      trailers: "X-Sum: 1\r\n",
    })
    expect(JSON.parse(unknown.text)).toEqual([
      "some body",
      ["Host", "a", "Transfer-Encoding", "chunked"],
      ["X-Sum", "1"],
    ])
  })

  test("whose body is not of its declared length is never whole for the server", async () => {
    const bodies: boolean[] = []
    const { upstream } = await httpRig((request) => {
      request.resume().on("error", () => undefined)
      request.on("close", () => bodies.push(request.complete))
    })
    const lines = "Host: a\r\nContent-Length: 100000\r\n"
    for (const bytes of [99_999, 100_001]) {
      const client = await ask(upstream, { lines, body: Buffer.alloc(bytes), head: { bodyBytes: 100_000 } })
      expect(client.endings).toEqual(failed("BAD_REQUEST"))
    }
    await eventually(1000, "both requests to be cut", () => bodies.length === 2)
    expect(bodies).not.toContain(true)
  })

  test("with a target that would end its line is not sent", async () => {
    const { upstream } = await rawRig((socket) => socket.end(OK))
    for (const target of ["/a b", "/\r\nX: y", "/\u010d\u010a"])
      expect((await ask(upstream, { head: { target } })).endings).toEqual(failed("BAD_REQUEST"))
  })

  test("that waits for 100 is told when the app says so, and not before", async () => {
    const { upstream, server } = await httpRig((_request, response) => response.end("no"))
    server.on("checkContinue", (request, response) => {
      if (request.url === "/refused") response.writeHead(417).end()
      else {
        response.writeContinue()
        request.resume().on("end", () => response.end("yes"))
      }
    })
    const options = { body: Buffer.from("x"), lines: "Host: a\r\nContent-Length: 1\r\n" }
    const asked = await ask(upstream, { ...options, head: { expectsContinue: true } })
    expect([asked.informed, asked.text]).toEqual([[100], "yes"])
    const refused = await ask(upstream, { ...options, head: { expectsContinue: true, target: "/refused" } })
    expect([refused.informed, refused.status]).toEqual([[], 417])
  })
})

describe("an answer", () => {
  test("has its lines in the app's case and order, and the reason that the app gave", async () => {
    const { upstream } = await httpRig((_request, response) => {
      response.writeHead(299, "Own Words", ["X-One", "1", "set-cookie", "a", "Set-Cookie", "b"]).end("text")
    })
    const client = await ask(upstream)
    expect([client.status, client.reason, client.text]).toEqual([299, "Own Words", "text"])
    expect(client.lines).toMatch(/^X-One: 1\r\nset-cookie: a\r\nSet-Cookie: b\r\n/)
    expect((await ask((await httpRig((_, response) => response.end())).upstream)).reason).toBe("")
  })

  test("may have early hints and trailers", async () => {
    const { upstream } = await httpRig((_request, response) => {
      response.writeEarlyHints({ link: "</a>; rel=preload" })
      response.writeHead(200, { trailer: "X-Sum" }).write("text")
      response.addTrailers({ "X-Sum": "4" })
      response.end()
    })
    const client = await ask(upstream)
    expect([client.informed, client.hints]).toEqual([[103], ["Link: </a>; rel=preload\r\n"]])
    expect([client.text, client.trailers, client.misuse]).toEqual(["text", "X-Sum: 4\r\n", []])
    const slow = new Client({ takes: 1 })
    upstream.serve(slow)
    await eventually(1000, "the answer", () => slow.receivedBytes === 4)
    expect(slow.endings).toEqual([])
    slow.read(100)
    expect([slow.trailers, slow.endings, slow.misuse]).toEqual(["X-Sum: 4\r\n", ENDED, []])
  })

  test("is its exchange's own: no later answer is written over it", async () => {
    const { upstream } = await httpRig((request, response) =>
      response.end(request.url?.slice(1).repeat(10_000)),
    )
    const bodies: Uint8Array[] = []
    for (const letter of ["a", "b", "c"]) {
      const client = new Client({ head: { target: `/${letter}` } })
      const respond = client.respond.bind(client)
      client.respond = (head, body, end) => {
        if (body !== null) bodies.push(body)
        return respond(head, body, end)
      }
      upstream.serve(client)
      await client.ended
    }
    expect(bodies.map((body) => new Set(body))).toEqual([new Set([97]), new Set([98]), new Set([99])])
  })

  test("to HEAD, of 204 and of 304 has no body, and the connection goes on", async () => {
    const { upstream, sockets } = await httpRig((request, response) => {
      response.writeHead(Number(request.url?.slice(1)), { "content-length": 5 }).end()
    })
    for (const [method, target] of [
      ["HEAD", "/200"],
      ["GET", "/204"],
      ["GET", "/304"],
    ] as const) {
      const client = await ask(upstream, { head: { method, target } })
      expect([client.status, client.text, client.endings]).toEqual([Number(target.slice(1)), "", ENDED])
    }
    expect(sockets.length).toBe(1)
  })

  test("in HTTP/1.0, or until the connection ends", async () => {
    const { upstream } = await rawRig((socket) => {
      socket.write("HTTP/1.0 200 OK\r\n\r\nsome ")
      socket.end("text")
    })
    const client = await ask(upstream)
    expect([client.text, client.endings]).toEqual(["some text", ENDED])
  })

  test.each([
    ["nothing", "", "APP_CRASHED"],
    ["a cut head", "HTTP/1.1 200 OK\r\nA: ", "APP_CRASHED"],
    ["a cut length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome", "APP_CRASHED"],
    ["a cut chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nsome", "APP_CRASHED"],
    ["no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n", "APP_CRASHED"],
    ["no HTTP", "this is not HTTP\r\n\r\n", "APP_RESPONSE_INVALID"],
    ["a part of no HTTP", "HTTP/2 200 OK", "APP_RESPONSE_INVALID"],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
      "APP_RESPONSE_INVALID",
    ],
    ["a status that no client takes", "HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n", "APP_RESPONSE_INVALID"],
    ["a switch of protocols", "HTTP/1.1 101 x\r\n\r\n", "APP_RESPONSE_INVALID"],
    [
      "a malformed chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
      "APP_RESPONSE_INVALID",
    ],
  ])("that is %s fails, and its connection ends", async (_name, text, code) => {
    const { upstream, sockets } = await rawRig((socket) => socket.end(text, "latin1"))
    const client = await ask(upstream)
    expect([client.endings, client.misuse]).toEqual([failed(code), []])
    expect(upstream.inFlight).toBe(0)
    await eventually(1000, "the end of the connection", () => sockets.every((socket) => socket.destroyed))
  })

  test("that never ends its head is given up at 256 KiB", async () => {
    const { upstream } = await rawRig((socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write("A: b\r\n".repeat(1000)));
      }
      socket.write("HTTP/1.1 200 OK\r\n")
      socket.on("drain", more)
      more()
    })
    expect((await within(5000, "its end", ask(upstream))).endings).toEqual(failed("APP_RESPONSE_INVALID"))
  })

  test("with bytes after its end is the last of its connection", async () => {
    const { upstream, sockets } = await rawRig((socket) => socket.write(`${OK}HTTP/1.1 200 evil\r\n\r\n`))
    for (let i = 0; i < 2; i++) {
      const client = await ask(upstream)
      expect([client.text, client.endings]).toEqual(["ok", ENDED])
    }
    expect(sockets.length).toBe(2)
  })
})

describe("a stream", () => {
  test("of 16 MiB each way is not changed, whoever is slow", async () => {
    const { upstream } = await httpRig((request, response) => request.pipe(response))
    const body = Buffer.alloc(16 * 1024 * 1024)
    for (let at = 0; at < body.length; at += 1024) body.writeUInt32LE(at, at)
    for (const bodyBytes of [body.length, -1]) {
      const lines = bodyBytes === -1 ? "Host: a\r\n" : `Host: a\r\nContent-Length: ${bodyBytes}\r\n`
      const client = new Client({ body, lines, head: { bodyBytes }, takes: 1 })
      upstream.serve(client)
      while (!client.finished) {
        // A client that reads now and then: both directions are full in between.
        await new Promise((resolve) => setImmediate(resolve))
        client.read(400_000)
      }
      expect([client.endings, client.misuse]).toEqual([ENDED, []])
      const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")
      expect(hash(client.answer)).toBe(hash(body))
    }
  })

  test("is read no further than the client takes, and asked for no further than the app reads", async () => {
    const { upstream } = await httpRig((request, response) => {
      request.pause()
      const more = (): void => {
        while (response.write(Buffer.alloc(65536)));
      }
      response.on("drain", more)
      more()
    })
    const body = Buffer.alloc(16 * 1024 * 1024)
    const client = new Client({ body, head: { bodyBytes: -1 }, takes: 1 })
    upstream.serve(client)
    await eventually(1000, "the first bytes", () => client.receivedBytes > 0)
    const { receivedBytes, pulled } = client
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    expect([client.receivedBytes, client.pulled]).toEqual([receivedBytes, pulled])
    expect(receivedBytes).toBeLessThanOrEqual(128 * 1024)
    client.leave()
  })

  test("passes event by event", async () => {
    let say: (text: string) => void = () => undefined
    const { upstream } = await httpRig((_request, response) => {
      say = (text) => response.write(text)
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders()
    })
    const client = new Client()
    upstream.serve(client)
    await eventually(1000, "the head", () => client.responded)
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      say(event)
      await eventually(1000, "the event", () => client.text.endsWith(event))
    }
    client.leave()
  })
})

describe("an answer before the request was read", () => {
  const body = Buffer.alloc(4 * 1024 * 1024)
  const lines = `Host: a\r\nContent-Length: ${body.length}\r\n`

  test.each([
    "keep-alive",
    "close",
  ])("reaches the client, and ends the connection (%s)", async (connection) => {
    const { upstream, sockets } = await httpRig((_request, response) => {
      response.writeHead(413, { connection }).end("too large")
    })
    for (let i = 1; i <= 5; i++) {
      const client = await within(5000, "the answer", ask(upstream, { body, lines }))
      expect([client.status, client.text, client.endings, client.misuse]).toEqual([
        413,
        "too large",
        ENDED,
        [],
      ])
      expect(sockets.length).toBe(i)
    }
  })

  test("reaches the client though the app has closed before the host writes on", async () => {
    const { upstream } = await rawRig((socket) => {
      socket.pause()
      socket.write("HTTP/1.1 413 x\r\nContent-Length: 2\r\n\r\nno", () => socket.destroy())
    })
    for (let i = 0; i < 5; i++) {
      const client = await within(5000, "the answer", ask(upstream, { body, lines }))
      expect([client.status, client.text, client.endings]).toEqual([413, "no", ENDED])
    }
  })
})

describe("a client that leaves", () => {
  test("is seen by the app at once", async () => {
    for (const late of [false, true]) {
      const { upstream, sockets } = await httpRig((_request, response) => {
        if (late) response.write("some")
      })
      const client = new Client()
      upstream.serve(client)
      await eventually(1000, "the request", () => (late ? client.responded : sockets.length > 0))
      client.leave()
      await within(100, "the close", once(sockets[0]!, "close"))
      expect([upstream.inFlight, client.misuse]).toEqual([0, []])
    }
  })
})
