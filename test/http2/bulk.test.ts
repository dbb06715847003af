/** Much data each way, with an end that is slow: all of it arrives, and what is held on the way stays small. */
import { createHash } from "node:crypto"
import { expect, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { session } from "./client.ts"
import { Rig } from "./rig.ts"

const PIECE = Buffer.from(Array.from({ length: 64 * 1024 }, (_, i) => (i * 31) % 251))
const PIECES = 1024
const WHOLE = createHash("sha1")
for (let i = 0; i < PIECES; i++) WHOLE.update(PIECE)
const DIGEST = WHOLE.digest("hex")
/** Far below the 64 MiB that pass, far above what windows and buffers hold. */
const MOST_HELD_BYTES = 4 * 1024 * 1024

test("64 MiB down to a slow reader", async () => {
  let said = 0
  const rig = await Rig.start((call) => {
    const say = (): void => {
      while (said < PIECES) if (!call.exchange.write(PIECE.subarray(), ++said === PIECES)) return
    }
    call.onDrained = say
    call.answer(200, `Content-Length: ${PIECES * PIECE.length}\r\n`, null, false)
    say()
  })
  const stream = (await session(rig.url)).request({ ":path": "/" })
  const hash = createHash("sha1")
  let got = 0
  let mostHeld = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk)
    got += chunk.length
    mostHeld = Math.max(mostHeld, said * PIECE.length - got)
    if (got % (1024 * 1024) < chunk.length) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  expect([got, hash.digest("hex")]).toEqual([PIECES * PIECE.length, DIGEST])
  expect(mostHeld).toBeLessThan(MOST_HELD_BYTES)
})

test("64 MiB up to a slow app", async () => {
  const hash = createHash("sha1")
  let got = 0
  const rig = await Rig.start((call) => {
    const { exchange } = call
    call.onBody = () => {
      for (const piece of call.pieces.splice(0)) {
        hash.update(piece)
        got += piece.length
      }
      if (call.ended) call.answer(200, "", "thanks")
    }
    const pull = (): void => {
      if (call.ended) return
      // What was asked for has come, or is on its way: never more than it.
      exchange.pull(256 * 1024)
      setTimeout(pull, 1)
    }
    pull()
  })
  const client = await session(rig.url)
  const stream = client.request({ ":method": "POST", ":path": "/" })
  let sent = 0
  let mostHeld = 0
  const say = (): void => {
    while (sent < PIECES) {
      sent++
      const more = stream.write(PIECE)
      mostHeld = Math.max(mostHeld, sent * PIECE.length - got)
      if (!more) {
        stream.once("drain", say)
        return
      }
    }
    stream.end()
  }
  say()
  let text = ""
  stream.on("data", (chunk: Buffer) => {
    text += chunk
  })
  await eventually(20_000, "the answer", () => text === "thanks")
  expect([got, hash.digest("hex")]).toEqual([PIECES * PIECE.length, DIGEST])
  expect(mostHeld).toBeLessThan(MOST_HELD_BYTES)
})
