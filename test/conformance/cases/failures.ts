/** Apps that fail or lie: the client gets an error page or a cut that it can see, and never another's bytes. */
import assert from "node:assert/strict"
import type { Case, Target } from "../case.ts"
import type { RawClient, RawResponse } from "../raw-client.ts"
import { CutError } from "../raw-socket.ts"
import { doing } from "../request-bytes.ts"
import { inStep } from "./common.ts"

const THROW_ENDS =
  "an exception that nobody catches in a node:http handler ends the process, as without the host (supervision tests: 502 APP_CRASHED)"
const NO_RAW = "a Response cannot write bytes of its own"

export const FAILURE_CASES: readonly Case[] = [
  {
    id: "W-throw",
    title: "the app throws before the head: 500, no secret in it, and the connection goes on",
    nodeUnable: THROW_ENDS,
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ target: doing("throw") }))
      const answer = await client.response()
      assert.equal(answer.status, 500)
      assert.doesNotMatch(answer.text, /secret/)
      if (at.api === "fetch") {
        assert.equal(answer.one("content-type"), "application/problem+json")
        assert.equal(answer.json().code, "APP_ERROR")
      }
      if (!answer.closes) await inStep(at, client)
    },
  },
  {
    id: "W-throw-page",
    title: "a browser gets a page for it",
    nodeUnable: THROW_ENDS,
    hostOnly: true,
    async run(at) {
      if (at.api !== "fetch") return "n/a: the server's own page for its own failure passes"
      const fields = [["Accept", "text/html,application/xhtml+xml,*/*;q=0.8"]] as const
      const answer = await at.ask({ target: doing("throw"), fields })
      assert.deepEqual([answer.status, answer.one("content-type")], [500, "text/html; charset=utf-8"])
      assert.doesNotMatch(answer.text, /secret/)
    },
  },
  {
    id: "W-cut-chunked",
    title: "the app fails within a stream: a cut that the client can see",
    run: (at) => cutShows(at, doing("throw-mid"), "1.1"),
  },
  {
    id: "W-cut-length",
    title: "the app fails within a body of known length: a cut that the client can see",
    run: (at) => cutShows(at, doing("throw-mid", { length: 1 }), "1.1"),
  },
  {
    id: "W-cut-10",
    title: "the same on HTTP/1.0: a reset, for the end of the connection would be the body's",
    hostOnly: true,
    run: (at) => cutShows(at, doing("throw-mid"), "1.0"),
  },
  {
    id: "E15.long",
    title: "more bytes than the app's Content-Length says: never another answer's",
    hostOnly: true,
    async run(at) {
      for (const stream of [{}, { stream: 1 }])
        await contradicts(at, doing("length", { says: 5, sends: 40, ...stream }))
    },
  },
  {
    id: "E15.short",
    title: "fewer bytes than the app's Content-Length says: a cut that shows, or an error",
    hostOnly: true,
    async run(at) {
      for (const stream of [{}, { stream: 1 }])
        await contradicts(at, doing("length", { says: 40, sends: 5, ...stream }))
    },
  },
  {
    id: "W-split-value",
    title: "line breaks in a field's value make no second field and no second answer",
    async run(at) {
      for (const value of ["a\r\nX-Injected: 1", "a\nX-Injected: 1", "a\r\n\r\nHTTP/1.1 200 OK", "a\0b"]) {
        const client = at.connect()
        client.send(at.bytes({ target: doing("reply", { h: [`X-Bad:${value}`], body: "x" }) }))
        const answer = await client.response()
        assert.ok([500, 502].includes(answer.status), `${answer.status} for ${JSON.stringify(value)}`)
        assert.deepEqual(answer.all("x-injected"), [])
        if (answer.closes) await client.closed()
        else await inStep(at, client)
      }
    },
  },
  {
    id: "W-split-name",
    title: "a field's name that is none makes an error, no answer",
    async run(at) {
      for (const name of ["bad name", "a\r\nX-Injected", "\u00e9", "a(b)"]) {
        const client = at.connect()
        client.send(at.bytes({ target: doing("reply", { h: [`${name}:1`], body: "x" }) }))
        const answer = await client.response()
        assert.ok([500, 502].includes(answer.status), `${answer.status} for ${JSON.stringify(name)}`)
        assert.deepEqual(answer.all("x-injected"), [])
        if (!answer.closes) await inStep(at, client)
      }
    },
  },
  {
    id: "W-split-reason",
    title: "line breaks in a status message make no second field",
    async run(at) {
      for (const reason of ["OK\r\nX-Injected: 1", "OK\nX-Injected: 1"]) {
        const client = at.connect()
        client.send(at.bytes({ target: doing("reply", { status: 200, reason, body: "x" }) }))
        const answer = await client.response()
        assert.deepEqual(answer.all("x-injected"), [])
        if (!answer.closes) await inStep(at, client)
      }
    },
  },
  ...rawCases(),
]

/** What a server of the app writes on its socket, past its runtime's checks. */
function rawCases(): Case[] {
  const ok = "HTTP/1.1 200 OK\r\n"
  const refused: [id: string, title: string, bytes: string][] = [
    ["W-raw-lengths", "two different lengths", `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
    [
      "W-raw-both",
      "a length and chunked",
      `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ["W-raw-coding", "a transfer coding that is not chunked", `${ok}Transfer-Encoding: gzip\r\n\r\nxyz`],
    ["W-raw-length", "a length that is no number", `${ok}Content-Length: 5, 5x\r\n\r\nhello`],
    ["W-raw-line", "no status line", "hello\r\n\r\n"],
    ["W-raw-status", "a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"],
    ["W-raw-fold", "a folded field", `${ok}X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n`],
    ["W-raw-colon", "a space before the colon", `${ok}X-A : 1\r\nContent-Length: 0\r\n\r\n`],
    ["W-raw-nul", "NUL in a value", `${ok}X-A: a\0b\r\nContent-Length: 0\r\n\r\n`],
    ["W-raw-cr", "a bare CR in a value", `${ok}X-A: a\rX-Injected: 1\r\nContent-Length: 0\r\n\r\n`],
  ]
  const cases = refused.map(
    ([id, what, bytes]): Case => ({
      id,
      title: `a server that writes ${what} itself: 502, and the next answer is in step`,
      webUnable: NO_RAW,
      hostOnly: true,
      async run(at) {
        const client = at.connect()
        client.send(at.bytes({ target: doing("raw", { bytes }) }))
        const answer = await client.response()
        assert.deepEqual(answer.all("x-injected"), [])
        assert.equal(answer.status, 502, `${answer.status} ${JSON.stringify(answer.text)}`)
        assert.match(answer.json().code, /^APP_(RESPONSE_INVALID|CRASHED)$/)
        if (!answer.closes) await inStep(at, client)
      },
    }),
  )
  const twice = `${ok}Content-Length: 3\r\n\r\none${ok}Content-Length: 3\r\n\r\ntwo`
  const extra: Case = {
    id: "W-raw-two",
    title: "a server that writes two answers to one request: one reaches this client, the other nobody",
    webUnable: NO_RAW,
    hostOnly: true,
    async run(at) {
      const client = at.connect()
      client.send(at.bytes({ target: doing("raw", { bytes: twice }) }))
      const answer = await client.response()
      assert.ok(answer.text === "one" || answer.status === 502, answer.text)
      for (let i = 0; i < 5; i++) {
        const other = await at.ask({ target: doing("reply", { body: `mine ${i}` }) })
        assert.equal(other.text, `mine ${i}`)
      }
      if (!answer.closes) await inStep(at, client)
    },
  }
  const chunk: Case = {
    id: "W-raw-chunk",
    title: "a server whose chunked body breaks: a cut that the client can see",
    webUnable: NO_RAW,
    hostOnly: true,
    async run(at) {
      const bytes = `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n`
      const client = at.connect()
      client.send(at.bytes({ target: doing("raw", { bytes }) }))
      const answer = await answerOrCut(client)
      assert.ok(answer === null || answer.cut || answer.status === 502, `a whole answer: ${answer?.text}`)
    },
  }
  return [...cases, extra, chunk]
}

async function cutShows(at: Target, target: string, version: "1.0" | "1.1"): Promise<undefined> {
  const client = at.connect()
  client.send(at.bytes({ target, version }))
  const answer = await answerOrCut(client, version)
  if (answer === null) return
  assert.ok(answer.cut || answer.status >= 500, `a whole answer of ${answer.body.length} bytes`)
  await client.closed()
}

/** null where the connection broke before the head was whole: a cut too, and seen. */
async function answerOrCut(client: RawClient, version: "1.0" | "1.1" = "1.1"): Promise<RawResponse | null> {
  try {
    return await client.response({ version })
  } catch (error) {
    if (error instanceof CutError) return null
    throw error
  }
}

/** One request with a wrong length, three right ones on the same connection while it lives, and some on others. */
async function contradicts(at: Target, target: string): Promise<void> {
  const client = at.connect()
  for (let round = 0; round < 3; round++) {
    client.send(at.bytes({ target }))
    const answer = await answerOrCut(client)
    if (answer === null || answer.cut) break
    const length = answer.one("content-length")
    const honest = length === undefined || Number(length) === answer.body.length
    assert.ok(answer.status === 502 || honest)
    if (answer.status === 200) assert.match(answer.text, /^x*$/)
    if (answer.closes) break
    // The host may end the connection where its app lied.
    if (await client.hasBytes(20)) assert.fail("bytes after the answer")
    if (client.ended !== null) break
    await inStep(at, client)
  }
  const others = await Promise.all(
    Array.from({ length: 4 }, (_, i) => at.ask({ target: doing("reply", { body: `mine ${i}` }) })),
  )
  assert.deepEqual(
    others.map((it) => it.text),
    ["mine 0", "mine 1", "mine 2", "mine 3"],
  )
}
