/** Clients that leave: the app is told within 100 ms, wherever the exchange stood. */
import assert from "node:assert/strict"
import { eventually, standsStill } from "../../support/deadline.ts"
import type { Case, Target } from "../case.ts"
import { doing } from "../request-bytes.ts"
import { MIB } from "./common.ts"

/** The rule is 100 ms; clocks are read in two processes on a machine that does other things. */
const TOLD_MS = 100
const CLOCK_MS = 15

export const LEAVING_CASES: readonly Case[] = [
  {
    id: "C21.waiting",
    title: "a client that leaves while it waits for the answer: the app is told within 100 ms",
    alone: true,
    async run(at) {
      const id = at.id()
      const client = at.connect()
      client.send(at.bytes({ target: doing("hang", { id }) }))
      await started(at, id)
      await told(at, id, () => client.destroy())
    },
  },
  {
    id: "C21.reading",
    title: "the same while it reads the answer",
    alone: true,
    async run(at) {
      const id = at.id()
      const client = at.connect()
      client.send(at.bytes({ target: doing("hang-mid", { id }) }))
      const answer = await client.head()
      assert.equal(answer.status, 200)
      assert.equal((await client.chunk())?.toString(), "begun")
      await told(at, id, () => client.destroy())
    },
  },
  {
    id: "C21.writing",
    title: "the same while it sends its upload",
    alone: true,
    async run(at) {
      const id = at.id()
      const client = at.connect()
      const target = doing("hang-read", { id })
      client.send(`POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nContent-Length: 1000\r\n\r\nsome`)
      await started(at, id)
      await told(at, id, () => client.destroy())
    },
  },
  {
    id: "C21.unread",
    title: "the same when its whole upload of 10 KB is sent and the app has not read it",
    alone: true,
    async run(at) {
      const id = at.id()
      const client = at.connect()
      client.send(at.bytes({ method: "POST", target: doing("hang", { id }), body: Buffer.alloc(10_000) }))
      await started(at, id)
      await told(at, id, () => client.destroy())
    },
  },
  {
    id: "C21.unread-reset",
    title: "the app is told at all when the client resets within an upload that stands still, unread",
    async run(at) {
      const id = at.id()
      const client = at.connect()
      const target = doing("hold", { id })
      client.send(`POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nContent-Length: ${64 * MIB}\r\n\r\n`)
      await started(at, id)
      // More than any window between client and app, so that it stands still.
      let sent = 0
      const sending = (async () => {
        for (; sent < 32 * MIB && client.ended === null; sent += MIB) await client.sent(Buffer.alloc(MIB))
      })()
      await standsStill(10_000, "the upload", () => sent)
      try {
        await told(at, id, () => client.reset(), 1000)
      } finally {
        await at.ask({ target: doing("release", { id }) })
        await sending
      }
    },
  },
  {
    id: "C21.fin",
    title: "the same when it only ends its direction",
    alone: true,
    async run(at) {
      const id = at.id()
      const client = at.connect()
      client.send(at.bytes({ target: doing("hang", { id }) }))
      await started(at, id)
      await told(at, id, () => client.finish())
    },
  },
  {
    id: "C21.upload-fin",
    title: "the same when it ends its direction within its upload",
    alone: true,
    async run(at) {
      const id = at.id()
      const client = at.connect()
      const target = doing("hang-read", { id })
      client.send(`POST ${target} HTTP/1.1\r\nHost: ${at.host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe`)
      await started(at, id)
      await told(at, id, () => client.finish())
    },
  },
  {
    id: "C21.neighbour",
    title: "a client that leaves takes nobody with it",
    async run(at) {
      const id = at.id()
      const stays = at.connect()
      stays.send(at.bytes({ target: doing("late", { ms: 150 }) }))
      const leaves = at.connect()
      leaves.send(at.bytes({ target: doing("hang-mid", { id }) }))
      await leaves.head()
      leaves.destroy()
      const answer = await stays.response()
      assert.deepEqual([answer.status, answer.text], [200, "late"])
    },
  },
]

async function mark(at: Target, id: string): Promise<{ started?: number; closed?: number }> {
  return (await at.ask({ target: doing("mark", { id }) })).json()
}

async function started(at: Target, id: string): Promise<void> {
  await eventually(3000, "the app's start", async () => (await mark(at, id)).started)
}

async function told(at: Target, id: string, leave: () => void, mostMs = TOLD_MS): Promise<void> {
  const leftMs = Date.now()
  leave()
  const closedMs = await eventually(1000, "that the app is told", async () => (await mark(at, id)).closed)
  const tookMs = closedMs - leftMs
  assert.ok(tookMs <= mostMs + CLOCK_MS, `the app was told after ${tookMs} ms`)
}
