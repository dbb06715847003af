/** What a client gets of an answer on HTTP/2: its parts, its length, its end, and that it broke off. */
import { describe, expect, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { answerOf, ask, session } from "./client.ts"
import { Code, Flag, setting, Type, uint32 } from "./frames.ts"
import { RawClient } from "./raw-client.ts"
import { type Call, hello, Rig } from "./rig.ts"

describe("an answer", () => {
  test("says what the app says, without what belongs to a connection", async () => {
    const lines =
      "Content-Type: text/plain\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\n" +
      "TE: gzip\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nVary: Accept\r\nvary: Origin\r\n__proto__: x\r\nX-Latin: \xe9 \xa0\r\n"
    const rig = await Rig.start((call) => call.answer(200, lines, "hello"))
    const answer = await ask(await session(rig.url), "/")
    const { date, ...fields } = answer.fields
    expect(Object.entries(fields).filter(([name]) => !name.startsWith("_"))).toEqual(
      Object.entries({
        ":status": 200,
        "content-type": "text/plain",
        "set-cookie": ["a=1", "b=2"],
        vary: "Accept, Origin",
        "x-latin": "\xe9 \xa0",
        "content-length": "5",
      }),
    )
    expect(Object.getOwnPropertyDescriptor(fields, "__proto__")?.value).toBe("x")
    expect(Math.abs(Date.parse(String(date)) - Date.now())).toBeLessThan(5000)
  })

  test("of remembered lines has its own status, length and date", async () => {
    let count = 0
    const rig = await Rig.start((call) => {
      count++
      if (count === 3) call.answer(204, "X-Same: 1\r\n", null)
      else if (count === 4) {
        call.answer(200, "X-Same: 1\r\n", null, false)
        call.write("stream", true)
      } else call.answer(200 + count, "X-Same: 1\r\n", "x".repeat(count))
    })
    const client = await session(rig.url)
    const said = []
    for (let i = 0; i < 5; i++) {
      const { status, fields, text } = await ask(client, "/")
      said.push([status, fields["content-length"], text])
    }
    expect(said).toEqual([
      [201, "1", "x"],
      [202, "2", "xx"],
      [204, undefined, ""],
      [200, undefined, "stream"],
      [205, undefined, ""],
    ])
  })

  test("to HEAD has no body, whatever the app sends", async () => {
    const rig = await Rig.start((call) => {
      if (call.exchange.path === "/whole") call.answer(200, "Content-Length: 5\r\n", "hello")
      else {
        call.answer(200, "", "he", false)
        call.write("llo", true)
      }
    })
    const client = await session(rig.url)
    const whole = await ask(client, "/whole", { fields: { ":method": "HEAD" } })
    const pieces = await ask(client, "/pieces", { fields: { ":method": "HEAD" } })
    expect([whole.status, whole.fields["content-length"], whole.text]).toEqual([200, "5", ""])
    expect([pieces.status, pieces.text, pieces.rstCode]).toEqual([200, "", 0])
  })

  test("in pieces ends with trailers, or without", async () => {
    const rig = await Rig.start((call) => {
      call.answer(200, "Content-Type: application/grpc\r\n", "one ", false)
      call.write("two", call.exchange.path === "/plain")
      if (call.exchange.path === "/grpc") call.write("", true, "grpc-status: 0\r\ngrpc-message: ok\r\n")
      if (call.exchange.path === "/bad") call.write("", true, "no line")
    })
    const client = await session(rig.url)
    const grpc = await ask(client, "/grpc", { body: "request" })
    expect([grpc.text, Object.entries(grpc.trailers)]).toEqual([
      "one two",
      Object.entries({ "grpc-status": "0", "grpc-message": "ok" }),
    ])
    const plain = await ask(client, "/plain")
    expect([plain.text, Object.keys(plain.trailers), plain.rstCode]).toEqual(["one two", [], 0])
    const bad = await ask(client, "/bad")
    expect([bad.text, Object.keys(bad.trailers), bad.rstCode]).toEqual(["one two", [], 0])
  })

  test("may follow informational ones", async () => {
    const rig = await Rig.start((call) => {
      call.exchange.inform(103, Buffer.from("Link: </a.css>; rel=preload\r\nLink: </b.css>; rel=preload\r\n"))
      call.exchange.inform(100, new Uint8Array(0))
      call.exchange.inform(100, new Uint8Array(0))
      call.exchange.pull(100)
      call.onBody = () => call.ended && hello(call)
    })
    const client = await session(rig.url)
    const stream = client.request({ ":method": "POST", ":path": "/", expect: "100-continue" })
    const continued = new Promise((resolve) => stream.once("continue", resolve))
    const answer = answerOf(stream)
    await within(2000, "100", continued)
    stream.end("body")
    const { status, informed } = await answer
    expect(status).toBe(200)
    expect(informed.map((it) => [it[":status"], it["link"]])).toEqual([
      [103, "</a.css>; rel=preload, </b.css>; rel=preload"],
      [100, undefined],
    ])
    expect((await rig.call()).exchange.head.expectsContinue).toBe(true)
  })

  test("that is not valid is refused, and the exchange still waits for one", async () => {
    const seen: string[] = []
    const attempt = (call: Call, status: number, lines: string, body: string): void => {
      try {
        call.answer(status, lines, body)
      } catch (error) {
        seen.push((error as { code: string }).code)
      }
    }
    const rig = await Rig.start((call) => {
      attempt(call, 200, "Bad Name: 1\r\n", "")
      attempt(call, 200, "Content-Length: 4\r\n", "12345")
      attempt(call, 777, "", "")
      call.exchange.fail("APP_RESPONSE_INVALID", "for a test")
    })
    const answer = await ask(await session(rig.url), "/")
    expect([answer.status, seen]).toEqual([502, Array(3).fill("APP_RESPONSE_INVALID")])
  })
})

describe("an answer that breaks off", () => {
  const BREAKS: readonly [string, (call: Call) => void][] = [
    ["the app fails", (call) => call.exchange.fail("APP_CRASHED", "for a test")],
    ["more than its content-length comes", (call) => void call.write("x".repeat(200))],
    ["less than its content-length comes", (call) => void call.write("", true)],
  ]
  for (const [why, breakOff] of BREAKS) {
    test(`because ${why} is reset, and never ended`, async () => {
      const rig = await Rig.start((call) => call.answer(200, "Content-Length: 100\r\n", "begun", false))
      const client = await RawClient.open(rig.port)
      client.get(1)
      await client.got("data", ({ type }) => type === Type.data)
      breakOff(await rig.call())
      expect(await client.reset(1)).toBe(Code.internal)
      await client.echoed()
      expect(
        client.of(1).filter(({ type, flags }) => type <= Type.headers && (flags & Flag.end) !== 0),
      ).toEqual([])
      client.get(3)
      expect(await client.status(3)).toBe(200)
    })
  }

  test("with bytes that wait for the client's window is not ended either", async () => {
    const rig = await Rig.start((call) => {
      call.answer(200, "", Buffer.alloc(200_000, 65), false)
      call.exchange.fail("APP_CRASHED", "for a test")
    })
    const client = await RawClient.open(rig.port)
    client.get(1)
    expect(await client.reset(1)).toBe(Code.internal)
    client.send(Type.window, 0, 0, uint32(1_000_000))
    await client.echoed()
    expect(client.of(1).filter(({ type, flags }) => type === Type.data && (flags & Flag.end) !== 0)).toEqual(
      [],
    )
  })
})

describe("a client that leaves", () => {
  test("by a reset or with its connection is told to the app at once", async () => {
    const rig = await Rig.start(() => undefined)
    const client = await session(rig.url)
    const stream = client.request({ ":path": "/" })
    stream.on("error", () => undefined)
    const first = await rig.call(0)
    let atMs = performance.now()
    stream.close(Code.cancel)
    await eventually(1000, "the news", () => first.left_ !== null)
    expect([first.left_, performance.now() - atMs < 200]).toEqual(["client-left", true])
    const others = [client.request({ ":path": "/" }), client.request({ ":path": "/" })]
    for (const it of others) it.on("error", () => undefined)
    await rig.call(2)
    atMs = performance.now()
    client.destroy()
    await eventually(1000, "the news", () => rig.calls.every(({ left_ }) => left_ === "client-left"))
    expect(performance.now() - atMs).toBeLessThan(200)
    // What the app says afterwards goes nowhere.
    for (const call of rig.calls) expect(call.answer(200, "", "late")).toBe(true)
  })

  test("in the middle of an answer or of its own body stops the one, and ends not the other", async () => {
    const rig = await Rig.start((call) => {
      call.exchange.pull(1000)
      call.answer(200, "", "begun", false)
    })
    const client = await RawClient.open(rig.port)
    client.post(1).send(Type.data, 0, 1, Buffer.from("half"))
    const call = await rig.call()
    await eventually(1000, "half of the body", () => call.bodyBytes === 4)
    client.send(Type.reset, 0, 1, uint32(Code.cancel))
    await eventually(1000, "the news", () => call.left_ === "client-left")
    expect([call.ended, call.exchange.finished, call.write("more")]).toEqual([false, true, true])
  })
})

describe("many at a time", () => {
  test("a hundred streams do not wait for each other", async () => {
    const rig = await Rig.start(() => undefined)
    const client = await session(rig.url)
    const answers = Array.from({ length: 100 }, (_, i) => ask(client, `/${i}`))
    await rig.call(99)
    for (const call of [...rig.calls].reverse()) call.answer(200, "", call.exchange.path)
    const texts = (await Promise.all(answers)).map(({ text }) => text)
    expect(texts).toEqual(Array.from({ length: 100 }, (_, i) => `/${i}`))
    expect(rig.connection.isIdle).toBe(true)
  })

  test("one stream that takes nothing does not hold up the others", async () => {
    const rig = await Rig.start((call) => {
      if (call.exchange.path === "/slow") call.answer(200, "", Buffer.alloc(300_000), false)
      else hello(call)
    })
    const client = await RawClient.open(rig.port, setting(4, 1000))
    client.send(Type.window, 0, 0, uint32(10_000_000))
    client.get(1, { ":method": "GET", ":scheme": "http", ":path": "/slow", ":authority": "a" })
    await client.got("all that the window takes", (it) => it.stream === 1 && it.type === Type.data)
    client.get(3)
    expect(await client.status(3)).toBe(200)
  })

  test("server-sent events come as they are said", async () => {
    const rig = await Rig.start((call) =>
      call.answer(200, "Content-Type: text/event-stream\r\n", null, false),
    )
    const client = await session(rig.url)
    const stream = client.request({ ":path": "/" })
    let text = ""
    stream.on("data", (chunk: Buffer) => {
      text += chunk
    })
    await new Promise((resolve) => stream.once("response", resolve))
    const call = await rig.call()
    for (let i = 0; i < 3; i++) {
      call.write(`data: ${i}\n\n`)
      await eventually(1000, `event ${i}`, () => text.includes(`data: ${i}\n\n`))
    }
    call.write("", true)
    await new Promise((resolve) => stream.once("end", resolve))
  })
})
