/** Bytes as they come: nothing is held back, and nobody gets more than is read. */
import assert from "node:assert/strict"
import { eventually, standsStill } from "../../support/deadline.ts"
import { residentBytes } from "../../support/processes.ts"
import type { Case } from "../case.ts"
import { doing } from "../request-bytes.ts"
import { inStep, MIB, pattern, pieces, sumOf } from "./common.ts"

export const STREAM_CASES: readonly Case[] = [
  {
    id: "W-sse",
    title: "server-sent events pass at once: the first arrives while the app waits for the test",
    async run(at) {
      const id = at.id()
      const client = at.connect()
      client.send(at.bytes({ target: doing("sse", { id }), fields: [["Accept", "text/event-stream"]] }))
      const answer = await client.head()
      assert.deepEqual([answer.status, answer.one("content-type")], [200, "text/event-stream"])
      assert.equal(answer.one("content-length"), undefined)
      assert.equal((await client.chunk())?.toString(), "data: first\n\n")
      assert.equal((await at.ask({ target: doing("sse-next", { id }) })).text, "sent")
      assert.equal((await client.chunk())?.toString(), "data: second\n\n")
      assert.equal(await client.chunk(), null)
      await inStep(at, client)
    },
  },
  {
    id: "C17",
    title: "flushHeaders sends the head before any body",
    webUnable: "the head of a Response leaves with the first bytes of its body or before: W-sse",
    async run(at) {
      const id = at.id()
      const client = at.connect()
      client.send(at.bytes({ target: doing("flush", { id }) }))
      const answer = await client.head()
      assert.equal(answer.one("x-early"), "1")
      assert.equal(await client.hasBytes(30), false)
      await at.ask({ target: doing("flush-end", { id }) })
      await client.body(answer)
      assert.deepEqual([answer.text, answer.cut], ["body", false])
    },
  },
  {
    id: "C10",
    title: "20,000 (in short: 2,000) small pieces arrive in order",
    async run(at) {
      const n = at.full ? 20_000 : 2000
      const answer = await at.ask({ target: doing("pieces", { n }) })
      assert.equal(answer.cut, false)
      assert.ok(answer.text === pieces(n))
    },
  },
  {
    id: "C22",
    title:
      "16 MiB to a client that does not read: the app stands still, the host's memory too, no byte is lost",
    alone: true,
    async run(at) {
      const bytes = 16 * MIB
      const id = at.id()
      const before = at.hostPid === 0 ? 0 : residentBytes(at.hostPid)
      const client = at.connect()
      client.hold()
      client.send(at.bytes({ target: doing("download", { id, bytes }) }))
      let last = -1
      let still = 0
      const produced = await eventually(6000, "the app to stand still", async () => {
        const now = (await at.ask({ target: doing("mark", { id }) })).json().produced ?? 0
        still = now === last && now > 0 ? still + 1 : 0
        last = now
        return still >= 10 ? now : 0
      })
      // Buffers of two sockets' kernel sides, two windows and the app's own.
      assert.ok(produced < 14 * MIB, `the app produced ${produced} bytes for a client that reads none`)
      const grown = at.hostPid === 0 ? 0 : residentBytes(at.hostPid) - before
      assert.ok(grown < 32 * MIB, `the host grew by ${grown} bytes`)
      client.release()
      let seen = 0
      const answer = await client.response({
        onBytes: (part) => {
          for (let i = 0; i < part.length; i += 977) {
            const expected = Math.floor((seen + i) / 50_000) & 0xff
            if (part[i] !== expected) assert.fail(`byte ${seen + i} is ${part[i]}, not ${expected}`)
          }
          seen += part.length
        },
      })
      assert.deepEqual([seen, answer.cut], [bytes, false])
    },
  },
  {
    id: "W-slow-upload",
    title: "an upload that the app does not read stands still; when it reads, every byte is there",
    async run(at) {
      const client = at.connect()
      const id = at.id()
      const body = pattern((at.full ? 64 : 32) * MIB)
      const target = doing("hold", { id })
      client.send(`POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nContent-Length: ${body.length}\r\n\r\n`)
      let sent = 0
      const sending = (async () => {
        for (; sent < body.length && client.ended === null; sent += MIB)
          await client.sent(body.subarray(sent, sent + MIB))
      })()
      await standsStill(10_000, "the upload", () => sent)
      assert.ok(sent <= 24 * MIB, `${sent} bytes left for an app that reads none`)
      assert.equal((await at.ask({ target: doing("release", { id }) })).text, "released")
      await sending
      assert.equal((await client.response()).text, sumOf(body))
    },
  },
]
