/** Several requests on one connection, answers before the upload has ended, and connections that end by halves. */
import assert from "node:assert/strict"
import type { Case } from "../case.ts"
import { chunkBytes, doing } from "../request-bytes.ts"
import { inStep, MIB, pattern, sumOf } from "./common.ts"

/** How long a client that ended its direction is answered at least, in milliseconds; timers may be a little early. */
const GRACE_MS = 45

export const CONNECTION_CASES: readonly Case[] = [
  {
    id: "E10",
    title: "10 requests in one write are answered in order",
    async run(at) {
      const client = at.connect()
      const all = Array.from({ length: 10 }, (_, i) =>
        at.bytes({ target: doing("reply", { body: `no ${i}` }) }),
      )
      client.send(Buffer.concat(all))
      for (let i = 0; i < 10; i++) assert.equal((await client.response()).text, `no ${i}`)
      await inStep(at, client)
    },
  },
  {
    id: "E10.mixed",
    title: "pipelined uploads, HEADs, slow and streamed answers keep their order",
    async run(at) {
      const client = at.connect()
      const body = pattern(20_000)
      client.send(
        Buffer.concat([
          at.bytes({ target: doing("late", { ms: 60 }) }),
          at.bytes({ method: "POST", target: doing("hash"), body }),
          at.bytes({ method: "HEAD", target: doing("reply", { bytes: 9 }) }),
          at.bytes({ method: "POST", target: doing("echo"), chunks: ["abc", "def"] }),
          at.bytes({ target: doing("pieces", { n: 3 }) }),
          at.bytes({ target: doing("reply", { status: 204 }) }),
          at.bytes({ target: doing("reply", { body: "last" }), fields: [["Connection", "close"]] }),
        ]),
      )
      assert.equal((await client.response()).text, "late")
      assert.equal((await client.response()).text, sumOf(body))
      assert.equal((await client.response({ method: "HEAD" })).text, "")
      assert.equal((await client.response()).text, "abcdef")
      assert.equal((await client.response()).text, "3 2 1 ")
      assert.equal((await client.response()).status, 204)
      assert.equal((await client.response()).text, "last")
      await client.closed()
    },
  },
  {
    id: "E10.after-close",
    title: "what comes after Connection: close is no request, and takes no answer from those before it",
    async run(at) {
      const client = at.connect()
      client.send(
        Buffer.concat([
          at.bytes({ target: doing("late", { ms: 40 }) }),
          at.bytes({ target: doing("reply", { body: "last" }), fields: [["Connection", "close"]] }),
          at.bytes({ target: doing("reply", { body: "never" }) }),
        ]),
      )
      assert.equal((await client.response()).text, "late")
      assert.equal((await client.response()).text, "last")
      await client.closed()
    },
  },
  {
    id: "E10.split",
    title: "pipelined requests split in two at every byte are answered the same",
    async run(at) {
      const wire = Buffer.concat([
        at.bytes({ target: doing("reply", { body: "one" }), fields: [["X-A", "b"]] }),
        at.bytes({ method: "POST", target: doing("hash"), body: "length" }),
        at.bytes({ method: "POST", target: doing("hash"), chunks: ["ab", "c"] }),
        at.bytes({ target: doing("reply", { body: "end" }) }),
      ])
      const step = at.full ? 1 : 7
      const client = at.connect()
      for (let split = 1; split < wire.length; split += step) {
        await client.sent(wire.subarray(0, split))
        await new Promise((resolve) => setImmediate(resolve))
        client.send(wire.subarray(split))
        const texts = []
        for (let i = 0; i < 4; i++) texts.push((await client.response()).text)
        const expected = ["one", sumOf(Buffer.from("length")), sumOf(Buffer.from("abc")), "end"]
        assert.deepEqual(texts, expected, `split at ${split}`)
      }
    },
  },
  {
    id: "E10.bytes",
    title: "a request that arrives byte by byte is answered",
    async run(at) {
      const client = at.connect()
      for (const byte of at.bytes({ method: "POST", target: doing("hash"), body: "by bytes" })) {
        await client.sent(Buffer.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.equal((await client.response()).text, sumOf(Buffer.from("by bytes")))
    },
  },
  {
    id: "W-blank",
    title: "an empty line before a request is not part of it",
    async run(at) {
      const client = at.connect()
      client.send("\r\n").send(at.bytes({ target: doing("reply", { body: "after a blank" }) }))
      assert.equal((await client.response()).text, "after a blank")
    },
  },
  {
    id: "W-early",
    title: "an answer before the upload has ended arrives, and the connection stays in step or ends",
    async run(at) {
      const client = at.connect()
      const target = doing("early")
      client.send(`POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nContent-Length: 100000\r\n\r\n`)
      const body = pattern(100_000)
      client.send(body.subarray(0, 1000))
      const answer = await client.response()
      assert.deepEqual([answer.status, answer.text, answer.cut], [200, "early", false])
      if (answer.closes) return
      client.send(body.subarray(1000))
      await inStep(at, client)
    },
  },
  {
    id: "W-early-chunked",
    title: "the same for a chunked upload",
    async run(at) {
      const client = at.connect()
      const target = doing("early")
      client.send(`POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel`)
      const answer = await client.response()
      assert.deepEqual([answer.status, answer.text, answer.cut], [200, "early", false])
      if (answer.closes) return
      client
        .send("lo\r\n")
        .send(chunkBytes("GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"))
        .send("0\r\nX-T: 1\r\n\r\n")
      await inStep(at, client)
    },
  },
  {
    id: "W-early-big",
    title: "413 with Connection: close to a big upload reaches a client that sends it all first",
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ method: "POST", target: doing("early-close"), body: pattern(4 * MIB) }))
      const answer = await client.response()
      assert.deepEqual([answer.status, answer.text, answer.cut], [413, "too much", false])
    },
  },
  {
    id: "W-early-both",
    title: "the answer streams while the upload still comes",
    async run(at) {
      const client = at.connect()
      const target = doing("echo")
      client.send(`POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nContent-Length: 10\r\n\r\nfirst`)
      const answer = await client.head()
      assert.equal(answer.status, 200)
      if (answer.one("transfer-encoding") === "chunked") {
        assert.equal((await client.chunk())?.toString(), "first")
        client.send("after")
        assert.equal((await client.chunk())?.toString(), "after")
        assert.equal(await client.chunk(), null)
      } else {
        assert.equal((await client.exactly(5)).toString(), "first")
        client.send("after")
        assert.equal((await client.exactly(5)).toString(), "after")
      }
    },
  },
  {
    id: "W-half-close",
    title: "a client that ends its direction after the request gets an answer that takes less than 50 ms",
    hostOnly: true,
    async run(at) {
      const quick = [
        at.bytes({ target: doing("reply", { body: "still" }) }),
        at.bytes({ target: doing("late", { ms: 10 }) }),
        at.bytes({ method: "POST", target: doing("hash"), body: "half" }),
      ]
      for (const bytes of quick) {
        const client = at.connect()
        const sentAtMs = performance.now()
        client.send(bytes).finish()
        const answer = await client.response().catch(() => null)
        const tookMs = performance.now() - sentAtMs
        // On a busy machine the answer may take longer: then nobody had to wait for it.
        if (answer === null) assert.ok(tookMs >= GRACE_MS, `ended without an answer after ${tookMs} ms`)
        else assert.deepEqual([answer.status, answer.cut], [200, false])
        assert.equal(await client.closed(), "fin")
      }
    },
  },
  {
    id: "W-half-pipeline",
    title: "requests pipelined before the client's end are answered as long as each takes less than 50 ms",
    hostOnly: true,
    async run(at) {
      const client = at.connect()
      const sentAtMs = performance.now()
      const all = Array.from({ length: 5 }, (_, i) =>
        at.bytes({ target: doing("reply", { body: `no ${i}` }) }),
      )
      client.send(Buffer.concat(all)).finish()
      for (let i = 0; i < 5; i++) {
        const answer = await client.response().catch(() => null)
        if (answer !== null) assert.equal(answer.text, `no ${i}`)
        else {
          const tookMs = performance.now() - sentAtMs
          assert.ok(tookMs >= GRACE_MS, `ended without answer ${i} after ${tookMs} ms`)
          break
        }
      }
      assert.equal(await client.closed(), "fin")
    },
  },
  {
    id: "E16",
    title: "a client's end on an idle connection closes it at once",
    alone: true,
    async run(at) {
      const client = at.connect()
      await inStep(at, client)
      const fromMs = performance.now()
      client.finish()
      await client.closed(1000)
      assert.ok(performance.now() - fromMs < 100, `${performance.now() - fromMs} ms`)
    },
  },
]
