/** What the client is told of an answer: status line, fields, framing, and what HTTP/1.0 allows. Over 300 lines: one list of cases. */
import assert from "node:assert/strict"
import type { Case } from "../case.ts"
import { doing } from "../request-bytes.ts"
import { inStep, pieces } from "./common.ts"

export const RESPONSE_CASES: readonly Case[] = [
  {
    id: "W-status",
    title: "statuses of the app pass, 299 and 599 too",
    async run(at) {
      const client = at.connect()
      for (const status of [200, 201, 202, 203, 207, 299, 301, 404, 418, 429, 451, 500, 503, 599]) {
        client.send(at.bytes({ target: doing("reply", { status, body: `is ${status}` }) }))
        const answer = await client.response()
        assert.deepEqual([answer.status, answer.text], [status, `is ${status}`])
      }
    },
  },
  {
    id: "C18",
    title: "the app's status message reaches the client",
    async run(at) {
      for (const [status, reason] of [
        [200, "Fine By Me"],
        [299, "Custom"],
        [404, "Gone fishing; caf\u00e9"],
      ] as const) {
        const answer = await at.ask({ target: doing("reply", { status, reason, body: "x" }) })
        assert.deepEqual([answer.status, answer.reason], [status, reason])
      }
    },
  },
  {
    id: "W-reason",
    title: "without a status message of the app the usual one stands there",
    async run(at) {
      const answer = await at.ask({ target: doing("reply", { status: 404, body: "x" }) })
      assert.equal(answer.reason, "Not Found")
    },
  },
  {
    id: "C23.head",
    title: "HEAD has GET's fields and no body, for a short answer and a stream, and stays in step",
    async run(at) {
      const client = at.connect()
      for (const target of [doing("reply", { bytes: 1234, h: ["X-A:1"] }), doing("pieces", { n: 3 })]) {
        client.send(at.bytes({ target }))
        const get = await client.response()
        client.send(at.bytes({ method: "HEAD", target }))
        const head = await client.response({ method: "HEAD" })
        assert.deepEqual([head.status, head.text, head.closes], [200, "", false])
        assert.equal(head.one("x-a"), get.one("x-a"))
        const length = head.one("content-length")
        if (length !== undefined) assert.equal(length, get.one("content-length"))
      }
      await inStep(at, client)
    },
  },
  {
    id: "C23.head-length",
    title: "HEAD says the Content-Length that the app gives",
    async run(at) {
      const target = doing("reply", { h: ["Content-Length:4321"] })
      const answer = await at.ask({ method: "HEAD", target }, { method: "HEAD" })
      assert.deepEqual([answer.status, answer.one("content-length")], [200, "4321"])
    },
  },
  {
    id: "C23.204",
    title: "204 has no body and no length, 304 no body; both stay in step",
    async run(at) {
      const client = at.connect()
      for (const status of [204, 304]) {
        client.send(at.bytes({ target: doing("reply", { status, h: ["X-A:1"] }) }))
        const answer = await client.response()
        assert.deepEqual([answer.status, answer.text, answer.one("x-a")], [status, "", "1"])
        assert.equal(answer.closes, false, `${status} ends the connection`)
      }
      await inStep(at, client)
    },
  },
  {
    id: "C23.205",
    title: "205 has an empty body, and stays in step",
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ target: doing("reply", { status: 205 }) }))
      const answer = await client.response()
      assert.deepEqual([answer.status, answer.text, answer.closes], [205, "", false])
      await inStep(at, client)
    },
  },
  {
    id: "C23.204-body",
    title: "a body that the app gives with 204 or 304 does not desync the client",
    webUnable: "the Response constructor refuses it",
    async run(at) {
      const client = at.connect()
      for (const status of [204, 304]) {
        client.send(at.bytes({ target: doing("reply", { status, body: "HTTP/1.1 200 OK\r\n\r\n" }) }))
        assert.equal((await client.response()).status, status)
        await inStep(at, client)
      }
    },
  },
  {
    id: "C23.304-length",
    title: "304 may say the length of what it does not send",
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ target: doing("reply", { status: 304, h: ["Content-Length:5", 'ETag:"e"'] }) }))
      const answer = await client.response()
      assert.deepEqual([answer.status, answer.one("etag")], [304, '"e"'])
      assert.ok([undefined, "5"].includes(answer.one("content-length")))
      await inStep(at, client)
    },
  },
  {
    id: "C15.cookies",
    title: "Set-Cookie lines stay several lines, in order",
    async run(at) {
      const cookies = [
        "a=1; Path=/",
        "b=2, still b",
        "c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "a=1; Path=/x",
      ]
      const h = cookies.map((it) => `Set-Cookie:${it}`)
      const answer = await at.ask({ target: doing("reply", { h, body: "x" }) })
      assert.deepEqual(answer.all("set-cookie"), cookies)
    },
  },
  {
    id: "C15.case",
    title: "names keep the app's case, fields their order",
    webUnable: "Headers has lower-case names in alphabetical order",
    async run(at) {
      const h = ["X-CamelCase:1", "x-lower:2", "A-Last:3", "X-UPPER:4", "X-Many:a", "X-Many:b"]
      const answer = await at.ask({ target: doing("reply", { h, body: "x" }) })
      const own = answer.fields.filter(([name]) => /^(x-|a-last)/i.test(name))
      assert.deepEqual(
        own.map(([name, value]) => `${name}:${value}`),
        h,
      )
    },
  },
  {
    id: "W-latin1-out",
    title: "values in Latin-1, and empty ones, reach the client byte for byte",
    async run(at) {
      const h = ["X-Latin:caf\u00e9 \u00ff", "X-Empty:"]
      const answer = await at.ask({ target: doing("reply", { h, body: "x" }) })
      assert.deepEqual([answer.one("x-latin"), answer.one("x-empty")], ["caf\u00e9 \u00ff", ""])
    },
  },
  {
    id: "W-large-head",
    title: "an answer with 60 KB of fields passes",
    async run(at) {
      const client = at.connect()
      const many = Array.from({ length: 6 }, (_, i) => `X-L${i}:${String(i).repeat(2000)}`)
      client.send(at.bytes({ target: doing("reply", { h: many, body: "x" }) }))
      const answer = await client.response()
      assert.equal(answer.status, 200)
      for (let i = 0; i < 6; i++) assert.equal(answer.one(`x-l${i}`)?.length, 2000)
    },
  },
  {
    id: "W-date",
    title: "Date stands once, the app's own when it gives one",
    async run(at) {
      const plain = await at.ask({ target: doing("reply", { body: "x" }) })
      assert.match(plain.one("date") ?? "none", /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
      const own = "Tue, 15 Nov 1994 08:12:31 GMT"
      const given = await at.ask({ target: doing("reply", { h: [`Date:${own}`], body: "x" }) })
      assert.deepEqual(given.all("date"), [own])
    },
  },
  {
    id: "W-date-absent",
    title: "Date is added where the app sends none",
    webUnable: "W-date has it",
    hostOnly: true,
    async run(at) {
      const answer = await at.ask({ target: doing("reply", { nodate: 1, body: "x" }) })
      assert.match(answer.one("date") ?? "none", / GMT$/)
    },
  },
  {
    id: "E19.response",
    title: "connection fields of the app, and those that its Connection names, end at the host",
    hostOnly: true,
    async run(at) {
      const h = [
        "Keep-Alive:timeout=77",
        "Proxy-Connection:keep-alive",
        "Upgrade:h2c",
        "X-Hop:1",
        "X-Stays:1",
        "Connection:X-Hop, keep-alive",
      ]
      const client = at.connect()
      client.send(at.bytes({ target: doing("reply", { h, body: "hop" }) }))
      const answer = await client.response()
      assert.deepEqual([answer.status, answer.text, answer.one("x-stays")], [200, "hop", "1"])
      for (const gone of ["proxy-connection", "upgrade", "x-hop"])
        assert.deepEqual(answer.all(gone), [], gone)
      assert.ok(!answer.all("keep-alive").includes("timeout=77"))
      assert.doesNotMatch(answer.all("connection").join(), /hop/i)
      await inStep(at, client)
    },
  },
  {
    id: "C23.trailers-out",
    title: "trailers of the app reach the client",
    webUnable: "a Response has no trailers",
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ target: doing("trailers-out"), fields: [["TE", "trailers"]] }))
      const answer = await client.response()
      assert.deepEqual([answer.text, answer.framing], ["body end", "chunked"])
      const trailers = answer.trailers.map(([name, value]) => `${name.toLowerCase()}: ${value}`)
      assert.deepEqual(trailers, ["x-sum: abc", "x-two: 2"])
      await inStep(at, client)
    },
  },
  {
    id: "W-length",
    title: "a short answer says its length; a stream is chunked; both keep the connection",
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ target: doing("reply", { bytes: 1234 }) }))
      const short = await client.response()
      assert.deepEqual([short.framing, short.one("content-length"), short.closes], ["length", "1234", false])
      client.send(at.bytes({ target: doing("pieces", { n: 50 }) }))
      const long = await client.response()
      assert.deepEqual([long.text, long.cut, long.closes], [pieces(50), false, false])
    },
  },
  {
    id: "W-close",
    title: "Connection: close of the client is answered by the same and the connection's end",
    async run(at) {
      for (const target of [doing("reply", { body: "last" }), doing("pieces", { n: 3 })]) {
        const client = at.connect()
        client.send(at.bytes({ target, fields: [["Connection", "close"]] }))
        const answer = await client.response()
        assert.deepEqual([answer.status, answer.cut], [200, false])
        assert.match(answer.all("connection").join(), /close/i)
        assert.equal(await client.closed(), "fin")
      }
    },
  },
  {
    id: "W-http10",
    title: "HTTP/1.0: an answer without chunks, then the connection's end",
    async run(at) {
      for (const [target, text] of [
        [doing("reply", { body: "old" }), "old"],
        [doing("pieces", { n: 20 }), pieces(20)],
      ] as const) {
        const client = at.connect()
        client.send(at.bytes({ target, version: "1.0" }))
        const answer = await client.response({ version: "1.0" })
        assert.deepEqual([answer.status, answer.text, answer.cut], [200, text, false])
        assert.equal(await client.closed(), "fin")
      }
    },
  },
  {
    id: "W-http10-keep",
    title: "HTTP/1.0 with keep-alive: a length, and the connection stays; a stream ends it",
    async run(at) {
      const client = at.connect()
      const fields = [["Connection", "Keep-Alive"]] as const
      for (let i = 0; i < 2; i++) {
        client.send(at.bytes({ target: doing("reply", { body: "kept" }), version: "1.0", fields }))
        const answer = await client.response({ version: "1.0" })
        assert.deepEqual([answer.text, answer.framing], ["kept", "length"])
        assert.match(answer.all("connection").join(), /keep-alive/i)
      }
      client.send(at.bytes({ target: doing("pieces", { n: 20 }), version: "1.0", fields }))
      const stream = await client.response({ version: "1.0" })
      assert.deepEqual([stream.text, stream.cut], [pieces(20), false])
      if (stream.closes) assert.equal(await client.closed(), "fin")
    },
  },
  {
    id: "W-http10-upload",
    title: "HTTP/1.0 uploads with a length, and HEAD, are answered",
    async run(at) {
      const post = await at.ask(
        { method: "POST", target: doing("echo"), version: "1.0", body: "old body" },
        { version: "1.0" },
      )
      assert.deepEqual([post.text, post.cut], ["old body", false])
      const head = await at.ask(
        { method: "HEAD", target: doing("reply", { bytes: 10 }), version: "1.0" },
        { version: "1.0", method: "HEAD" },
      )
      assert.deepEqual([head.status, head.text], [200, ""])
    },
  },
  {
    id: "C08",
    title: "the app's own 404 and its page pass",
    async run(at) {
      const answer = await at.ask({ target: doing("none-such") })
      assert.deepEqual([answer.status, answer.text], [404, 'no behaviour "none-such"'])
    },
  },
  {
    id: "W-version",
    title: "answers are HTTP/1.1 and name no server or runtime of the host",
    hostOnly: true,
    async run(at) {
      const answer = await at.ask({ target: doing("reply", { body: "x" }) })
      assert.equal(answer.version, "1.1")
      assert.deepEqual([answer.all("server"), answer.all("x-powered-by"), answer.all("via")], [[], [], []])
    },
  },
]
