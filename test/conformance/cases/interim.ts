/** Interim answers: 100 when and only when the app reads, 102 and 103 as the app sends them. */
import assert from "node:assert/strict"
import type { Case, Target } from "../case.ts"
import { doing, type RequestParts } from "../request-bytes.ts"
import { inStep, sumOf } from "./common.ts"

export const INTERIM_CASES: readonly Case[] = [
  {
    id: "C23.continue",
    title: "Expect: 100-continue: an app that reads lets the client send; then the answer",
    async run(at) {
      const client = at.connect()
      client.send(expecting(at, doing("hash"), 5))
      const first = await client.oneHead()
      assert.equal(first.status, 100)
      client.send("hello")
      const answer = await client.response()
      assert.deepEqual(
        [answer.status, answer.text, answer.interim.length],
        [200, sumOf(Buffer.from("hello")), 0],
      )
      await inStep(at, client)
    },
  },
  {
    id: "C23.continue-late",
    title: "the 100 comes when the app begins to read, not before",
    alone: true,
    async run(at) {
      const client = at.connect()
      const id = at.id()
      const beganMs = performance.now()
      client.send(expecting(at, doing("continue-late", { id }), 5))
      const first = await client.oneHead()
      const tookMs = performance.now() - beganMs
      assert.equal(first.status, 100)
      assert.ok(tookMs >= 90, `100 after ${Math.round(tookMs)} ms, the app reads after 100 ms`)
      client.send("hello")
      const answer = await client.response()
      assert.equal(answer.text, sumOf(Buffer.from("hello")))
      await inStep(at, client)
    },
  },
  {
    id: "C23.continue-never",
    title: "an app that answers without reading: no 100, and the body that is not sent is not waited for",
    async run(at) {
      const client = at.connect()
      client.send(expecting(at, doing("continue-never"), 5))
      const answer = await client.response()
      assert.deepEqual([answer.status, answer.text, answer.interim.length], [413, "not read", 0])
      // The client may send the body all the same, or end: whichever, nothing of it is a request.
      if (answer.closes) {
        assert.equal(await client.closed(), "fin")
        return
      }
      client.send("hello")
      await inStep(at, client)
    },
  },
  {
    id: "C23.continue-early",
    title: "a client that does not wait for the 100 is in step too",
    async run(at) {
      const client = at.connect()
      client.send(expecting(at, doing("hash"), 5)).send("hello")
      client.send(at.bytes({ target: doing("reply", { body: "next" }) }))
      const answer = await client.response()
      assert.equal(answer.text, sumOf(Buffer.from("hello")))
      assert.ok(answer.interim.every((it) => it.status === 100) && answer.interim.length <= 1)
      assert.equal((await client.response()).text, "next")
    },
  },
  {
    id: "C23.continue-chunked",
    title: "Expect with a chunked upload, in any case of letters",
    async run(at) {
      const client = at.connect()
      const target = doing("hash")
      client.send(
        `POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nexpect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n`,
      )
      assert.equal((await client.oneHead()).status, 100)
      client.send("5\r\nhello\r\n0\r\n\r\n")
      assert.equal((await client.response()).text, sumOf(Buffer.from("hello")))
      await inStep(at, client)
    },
  },
  {
    id: "C23.continue-10",
    title: "HTTP/1.0 is never told 100",
    async run(at) {
      const client = at.connect()
      const parts: RequestParts = { method: "POST", target: doing("hash"), version: "1.0", body: "hello" }
      client.send(at.bytes({ ...parts, fields: [["Expect", "100-continue"]] }))
      const answer = await client.response({ version: "1.0" })
      assert.deepEqual([answer.text, answer.interim.length], [sumOf(Buffer.from("hello")), 0])
    },
  },
  {
    id: "W-expect",
    title: "another expectation is 417",
    hostOnly: true,
    async run(at) {
      const answer = await at.ask({ target: doing("reply"), fields: [["Expect", "the-unexpected"]] })
      assert.equal(answer.status, 417)
    },
  },
  {
    id: "C23.103",
    title: "103 early hints come before the answer, with their fields",
    webUnable: "a Response is one answer: it has no interim ones",
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ target: doing("hints") }))
      const first = await client.oneHead()
      if (first.status === 501) return "n/a: the runtime has no response.writeEarlyHints"
      assert.equal(first.status, 103)
      const fields = first.fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`)
      assert.ok(fields.join("\n").includes("</a.css>; rel=preload"), JSON.stringify(fields))
      assert.ok(fields.includes("x-hint: 1"))
      const answer = await client.response()
      assert.deepEqual([answer.status, answer.text, answer.interim.length], [200, "after hints", 0])
      await inStep(at, client)
    },
  },
  {
    id: "C23.103-10",
    title: "HTTP/1.0 is never told 103",
    webUnable: "a Response is one answer: it has no interim ones",
    hostOnly: true,
    async run(at) {
      const answer = await at.ask({ target: doing("hints"), version: "1.0" }, { version: "1.0" })
      if (answer.status === 501) return "n/a: the runtime has no response.writeEarlyHints"
      assert.deepEqual([answer.text, answer.interim.length, answer.cut], ["after hints", 0, false])
    },
  },
  {
    id: "C23.102",
    title: "102 comes before the answer",
    webUnable: "a Response is one answer: it has no interim ones",
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ target: doing("processing") }))
      const answer = await client.response()
      assert.deepEqual([answer.interim.map((it) => it.status), answer.text], [[102], "after processing"])
      await inStep(at, client)
    },
  },
]

function expecting(at: Target, target: string, length: number): string {
  return `POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
}
