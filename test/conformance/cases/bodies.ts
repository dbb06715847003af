/** Request bodies: every framing, every size, and no byte changed. */
import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import type { Case, Target } from "../case.ts"
import type { RequestParts } from "../request-bytes.ts"
import { chunkBytes, doing } from "../request-bytes.ts"
import { inStep, MIB, pattern, sumOf } from "./common.ts"

const KIB = 1024
const SIZES = [0, 1, 16 * KIB, MIB]

export const BODY_CASES: readonly Case[] = [
  {
    id: "C05.length",
    title: "uploads with a length of 0, 1, 16 KiB and 1 MiB arrive whole",
    async run(at) {
      for (const size of SIZES) {
        const body = pattern(size)
        await hashed(at, body, { body })
      }
    },
  },
  {
    id: "E11.chunked",
    title: "chunked uploads of 0, 1, 16 KiB and 1 MiB arrive whole",
    async run(at) {
      for (const size of SIZES) {
        const body = pattern(size)
        const chunks = size === 0 ? [] : [body.subarray(0, 1), body.subarray(1)].filter((it) => it.length > 0)
        await hashed(at, body, { chunks })
      }
    },
  },
  {
    id: "E11.tiny",
    title: "a million (in short: 20,000) chunks of one byte arrive whole",
    heavy: true,
    async run(at) {
      const count = at.full ? MIB : 20_000
      const body = pattern(count)
      const wire = Buffer.alloc(count * 6)
      for (let i = 0; i < count; i++) {
        wire.write("1\r\n", i * 6, "latin1")
        wire[i * 6 + 3] = body[i] as number
        wire.write("\r\n", i * 6 + 4, "latin1")
      }
      const client = at.connect()
      client
        .send(head(at, doing("hash")))
        .send(wire)
        .send("0\r\n\r\n")
      assert.equal((await client.response()).text, sumOf(body))
    },
  },
  {
    id: "E11.extension",
    title: "chunk extensions, sizes in either case and with leading zeros mean nothing to the body",
    async run(at) {
      const client = at.connect()
      client
        .send(head(at, doing("hash")))
        .send('1;a\r\na\r\n1;a=b;c="d e\\"f"\r\nb\r\n000A;x=y\r\n0123456789\r\n')
        .send("a\r\n0123456789\r\n0;last=1\r\n\r\n")
      assert.equal((await client.response()).text, sumOf(Buffer.from("ab01234567890123456789")))
      await inStep(at, client)
    },
  },
  {
    id: "E11.split",
    title: "a chunked upload that arrives byte by byte is whole, and the next request in step",
    async run(at) {
      const client = at.connect()
      const wire = `${head(at, doing("hash"))}3;x=1\r\nabc\r\n0B\r\n0123456789\n\r\n0\r\n\r\n`
      for (const byte of wire) {
        await client.sent(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
      assert.equal((await client.response()).text, sumOf(Buffer.from("abc0123456789\n")))
      await inStep(at, client)
    },
  },
  {
    id: "C23.trailers-in",
    title: "trailers of a chunked upload reach the app",
    webUnable: "a Request has no trailers: they are read and dropped (E11.trailers)",
    async run(at) {
      const client = at.connect()
      client.send(
        at.bytes({
          method: "POST",
          target: doing("trailers-in"),
          fields: [["Trailer", "X-Sum, X-Two"]],
          chunks: ["body"],
          trailers: [
            ["X-Sum", "abc"],
            ["x-TWO", "2 "],
          ],
        }),
      )
      assert.deepEqual((await client.response()).json(), ["X-Sum", "abc", "x-TWO", "2"])
      await inStep(at, client)
    },
  },
  {
    id: "E11.trailers",
    title: "trailers of an upload never spoil the next request, the client's own or another's",
    hostOnly: true,
    async run(at) {
      for (let round = 0; round < 20; round++) {
        const client = at.connect()
        const trailers = [["X-T", "1"]] as const
        client.send(at.bytes({ method: "POST", target: doing("hash"), chunks: ["ab", "c"], trailers }))
        // Right behind it, or from another client when its answer is there.
        const pipelined = round % 2 === 0
        if (pipelined) client.send(at.bytes({ target: doing("reply", { body: "next" }) }))
        assert.equal((await client.response()).text, sumOf(Buffer.from("abc")))
        const next = pipelined
          ? await client.response()
          : await at.ask({ target: doing("reply", { body: "next" }) })
        assert.deepEqual([next.status, next.text], [200, "next"], `round ${round}`)
      }
    },
  },
  {
    id: "C06",
    title: "keep-alive with bodies of 5 KB, 10 B, none and chunks in turn",
    async run(at) {
      const client = at.connect()
      const bodies = [pattern(5000), pattern(10), pattern(0), pattern(70_000), pattern(1)]
      for (let round = 0; round < 2; round++) {
        for (const body of bodies) {
          const parts: RequestParts = round === 0 ? { body } : { chunks: body.length === 0 ? [] : [body] }
          client.send(at.bytes({ method: "POST", target: doing("hash"), ...parts }))
          assert.equal((await client.response()).text, sumOf(body))
          client.send(at.bytes({ target: doing("reply", { body: "between" }) }))
          assert.equal((await client.response()).text, "between")
        }
      }
    },
  },
  {
    id: "W-body-method",
    title: "a DELETE and an OPTIONS with a body bring it to the app",
    async run(at) {
      for (const method of ["DELETE", "OPTIONS"]) {
        const answer = await at.ask({ method, target: doing("hash"), body: "with a body" })
        assert.equal(answer.text, sumOf(Buffer.from("with a body")))
      }
    },
  },
  {
    id: "W-body-get",
    title: "a GET with a body does not desync the connection, whether the app sees the body or not",
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ target: doing("reply", { body: "got" }), body: "GET /evil HTTP/1.1\r\n\r\n" }))
      assert.equal((await client.response()).text, "got")
      await inStep(at, client)
    },
  },
  {
    id: "E09",
    title: "an echo of 32 MiB (in short: 1 MiB) comes back unchanged",
    heavy: true,
    async run(at) {
      const body = pattern(at.full ? 32 * MIB : MIB)
      const hash = createHash("sha256")
      let total = 0
      const client = at.connect()
      client.send(at.bytes({ method: "POST", target: doing("echo"), body }))
      const answer = await client.response({
        onBytes: (bytes) => {
          hash.update(bytes)
          total += bytes.length
        },
      })
      assert.equal(answer.cut, false)
      assert.equal(`${total} ${hash.digest("hex")}`, sumOf(body))
    },
  },
  {
    id: "W-concurrent",
    title: "16 echoes at once, each with bytes of its own, come back unchanged",
    async run(at) {
      const answers = Array.from({ length: 16 }, async (_, i) => {
        const body = pattern(200_000 + i * 1001, i + 1)
        const parts = i % 2 === 0 ? { body } : { chunks: [body.subarray(0, 999), body.subarray(999)] }
        const answer = await at.ask({ method: "POST", target: doing("echo"), ...parts })
        assert.equal(answer.cut, false)
        assert.ok(answer.body.equals(body), `echo ${i}: ${answer.body.length} of ${body.length}`)
      })
      await Promise.all(answers)
    },
  },
  {
    id: "W-slow-writer",
    title: "an upload in pieces with pauses arrives whole, each piece before the next is sent",
    async run(at) {
      const client = at.connect()
      client.send(`${head(at, doing("echo"))}`)
      client.send(chunkBytes("piece 0 "))
      const answer = await client.head()
      assert.equal(answer.status, 200)
      for (let i = 0; i < 5; i++) {
        const piece = await client.chunk()
        assert.equal(piece?.toString(), `piece ${i} `)
        client.send(i < 4 ? chunkBytes(`piece ${i + 1} `) : "0\r\n\r\n")
      }
      assert.equal(await client.chunk(), null)
    },
  },
]

function head(at: Target, target: string): string {
  return `POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nTransfer-Encoding: chunked\r\n\r\n`
}

async function hashed(at: Target, body: Buffer, parts: RequestParts): Promise<void> {
  const answer = await at.ask({ method: "POST", target: doing("hash"), ...parts })
  assert.equal(answer.text, sumOf(body))
}
