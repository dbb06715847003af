/** The reader of answers: strict, the same whatever the cut of the bytes, and no other than llhttp where both accept. */

import { STATUS_CODES } from "node:http"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { askOracle, readAnswer } from "./read-answer.ts"

const WHOLE: Readonly<Record<string, string>> = {
  length: "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\nhello",
  "odd spaces": "HTTP/1.1 200 OK\r\nA:1\r\nB:  2 \t\r\nC:\r\nD: \r\nContent-Length:\t3 \r\n\r\nabc",
  chunked:
    "HTTP/1.1 201 Made\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n00\r\nX-Sum:1\r\nB: 2\r\n\r\n",
  "until close": "HTTP/1.0 404 Not Found\r\nx: y\r\n\r\nall of it",
  informational:
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nA: 1\r\n\r\n",
  "no reason": "HTTP/1.1 299\r\nContent-Length: 1\r\n\r\nx",
  "a long head": `HTTP/1.1 200 OK\r\nA: ${"a".repeat(600)}\r\nContent-Length: 0\r\n\r\n`,
}

const REFUSED: Readonly<Record<string, string>> = {
  "no HTTP": "hello\r\n\r\n",
  "HTTP/2.0": "HTTP/2.0 200 OK\r\n\r\n",
  "HTTP/1.2": "HTTP/1.2 200 OK\r\n\r\n",
  "status 99": "HTTP/1.1 099 OK\r\n\r\n",
  "status of four digits": "HTTP/1.1 2000 OK\r\n\r\n",
  "101": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
  "endless informational answers": "HTTP/1.1 102 Processing\r\n\r\n".repeat(33),
  "endless hints": `HTTP/1.1 103 Early Hints\r\nA: ${"a".repeat(3000)}\r\n\r\n`.repeat(25),
  "two equal lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
  "two lengths in one line": "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
  "a signed length": "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
  "an empty length": "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
  "a huge length": `HTTP/1.1 200 OK\r\nContent-Length: ${"9".repeat(20)}\r\n\r\n`,
  "length and coding": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "another coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  "two codings":
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "a tab after a length": "HTTP/1.1 200 OK\r\nContent-Length: 1 \t\r\n\r\nx",
  "a tab after a coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
  "a coding in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "a folded line": "HTTP/1.1 200 OK\r\nA: 1\r\n 2\r\n\r\n",
  "a space before the colon": "HTTP/1.1 200 OK\r\nA : 1\r\n\r\n",
  "no name": "HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
  "no colon": "HTTP/1.1 200 OK\r\nA\r\n\r\n",
  "a bare LF after the status line": "HTTP/1.1 200 OK\nA: 1\r\n\r\n",
  "a bare LF after a line": "HTTP/1.1 200 OK\r\nA: 1\n\r\n",
  "a bare LF as the end": "HTTP/1.1 200 OK\r\nA: 1\r\n\n",
  "a bare CR": "HTTP/1.1 200 OK\r\nA: 1\rB: 2\r\n\r\n",
  "NUL in a value": "HTTP/1.1 200 OK\r\nA: 1\0\r\n\r\n",
  "NUL in a name": "HTTP/1.1 200 OK\r\nA\0: 1\r\n\r\n",
  "DEL in the reason": "HTTP/1.1 200 O\x7fK\r\n\r\n",
  "a malformed chunk size": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
  "a chunk longer than its size":
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
  "a malformed trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA\r\n\r\n",
}

describe("an answer that is whole", () => {
  test.each(Object.entries(WHOLE))("is the same wherever its bytes are cut: %s", (_name, text) => {
    const all = readAnswer(text)
    expect(all).toMatchObject({ whole: true, error: "", excessBytes: 0 })
    const { pieces: _, ...expected } = all
    for (let cut = 1; cut < text.length; cut++) expect(readAnswer(text, [cut])).toMatchObject(expected)
    const each = Array.from(text, (_letter, at) => at)
    expect(readAnswer(text, each)).toMatchObject(expected)
  })

  test.each(Object.entries(WHOLE))("is what llhttp reads: %s", async (_name, text) => {
    const { status, lines, body, trailers } = readAnswer(text)
    expect(await askOracle(text)).toMatchObject({ accepted: true, status, lines, body, trailers })
  })

  test("has its lines as `Name: value`, in their case and order", () => {
    expect(readAnswer(WHOLE["odd spaces"]!).lines).toBe("A: 1\r\nB: 2\r\nC: \r\nD: \r\nContent-Length: 3\r\n")
    expect(readAnswer(WHOLE["chunked"]!).trailers).toBe("X-Sum: 1\r\nB: 2\r\n")
  })

  test("tells its reason only when it is not the usual one", () => {
    expect(readAnswer(WHOLE["length"]!).reason).toBe("")
    expect(readAnswer(WHOLE["until close"]!).reason).toBe("")
    expect(readAnswer(WHOLE["chunked"]!).reason).toBe("Made")
  })

  test("has no body after HEAD, 204 and 304, whatever its lines say", () => {
    expect(readAnswer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", [], true)).toMatchObject({
      whole: true,
    })
    for (const status of [204, 304]) {
      const text = `HTTP/1.1 ${status} x\r\nTransfer-Encoding: chunked\r\n\r\n`
      expect(readAnswer(text)).toMatchObject({ whole: true, body: "" })
      expect(readAnswer(`${text}x`)).toMatchObject({ whole: true, body: "", excessBytes: 1 })
    }
  })

  test("has its tiny chunks put together", () => {
    const chunks = "1\r\nx\r\n".repeat(1000)
    const answer = readAnswer(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`)
    expect(answer).toMatchObject({ whole: true, body: "x".repeat(1000), pieces: 1 })
  })

  test("says when bytes come after it", () => {
    expect(readAnswer(`${WHOLE["length"]}HTTP/1.1 200`)).toMatchObject({ whole: true, excessBytes: 12 })
    expect(readAnswer(`${WHOLE["chunked"]}x`)).toMatchObject({ whole: true, excessBytes: 1 })
  })
})

describe("an answer that is not valid HTTP", () => {
  test.each(Object.entries(REFUSED))("is refused wherever its bytes are cut: %s", (_name, text) => {
    expect(readAnswer(text).error).not.toBe("")
    for (let cut = 1; cut < Math.min(text.length, 500); cut++)
      expect(readAnswer(text, [cut]).error).not.toBe("")
    expect(
      readAnswer(
        text,
        Array.from(text, (_letter, at) => at),
      ).error,
    ).not.toBe("")
  })

  test.each(Object.entries(WHOLE))("nor whole when it is cut short: %s", (_name, text) => {
    if (text.startsWith("HTTP/1.0")) return
    for (let length = 1; length < text.length; length++)
      expect(readAnswer(text.slice(0, length))).toMatchObject({ whole: false })
  })
})

describe("a head of any size", () => {
  const head = (bytes: number): string => {
    const start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: "
    return `${start}${"a".repeat(bytes - start.length - 4)}\r\n\r\n`
  }

  test("is read up to 256 KiB, and not beyond", () => {
    const most = 256 * 1024
    for (const cuts of [[], [100], [most - 1]]) {
      expect(readAnswer(head(most), cuts)).toMatchObject({ whole: true })
      expect(readAnswer(head(most + 1), cuts).error).toContain("a head over")
    }
    expect(readAnswer(`HTTP/1.1 200 OK\r\nA: ${"a".repeat(most)}`, [17]).error).toContain("a head over")
  })

  test("costs what its bytes cost, though they come one by one", () => {
    const text = head(256 * 1024)
    const startMs = performance.now()
    const each = Array.from(text, (_letter, at) => at)
    expect(readAnswer(text, each)).toMatchObject({ whole: true })
    // Quadratic work would be 2^36 steps: minutes.
    expect(performance.now() - startMs).toBeLessThan(10_000)
  })
})

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,20}$/)
const space = fc.constantFrom("", " ", "\t", "  ")
const line = fc.tuple(token, space, value, space).map((parts) => `${parts[0]}:${parts.slice(1).join("")}\r\n`)
const framing = fc.constantFrom(
  "Content-Length: 5\r\n",
  "content-length:5 \r\n",
  "Content-Length: 0\r\n",
  "Content-Length: 5\t\r\n",
  "Transfer-Encoding:\tchunked \r\n",
  "Transfer-Encoding: chunked\t\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Keep-Alive: timeout=5, max=1\r\n",
)
const chunks = fc
  .array(
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    { maxLength: 4 },
  )
  .map((list) => `${list.map((data) => `${data.length.toString(16)}\r\n${data}\r\n`).join("")}0\r\n`)
const answer = fc
  .tuple(
    fc.constantFrom(
      "HTTP/1.1 200 OK",
      "HTTP/1.1 404 Nope",
      "HTTP/1.0 200 OK",
      "HTTP/1.1 204 ",
      "HTTP/1.1 500",
    ),
    fc.array(fc.oneof({ weight: 3, arbitrary: line }, { weight: 2, arbitrary: framing }), { maxLength: 6 }),
    fc.oneof(
      fc.constant("hello"),
      fc.constant(""),
      chunks.map((text) => `${text}\r\n`),
      fc.tuple(chunks, line).map(([text, trailer]) => `${text}${trailer}\r\n`),
    ),
  )
  .map(([first, lines, body]) => `${first}\r\n${lines.join("")}\r\n${body}`)
const mutated = fc
  .tuple(
    answer,
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.constantFrom("", "\r", "\n", "\0", " ", ":", "\r\n", "a", "\x7f", "\xff", ";", "0", ",", "\t"),
        fc.nat(2),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([text, changes]) => {
    let changed = text
    for (const [place, insert, drop] of changes) {
      const at = place % (changed.length + 1)
      changed = changed.slice(0, at) + insert + changed.slice(at + drop)
    }
    return changed
  })

describe("any answer", () => {
  test("that is whole is what llhttp reads of the same bytes", async () => {
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(mutated, async (text) => {
        const ours = readAnswer(text)
        if (!ours.whole) return
        const oracle = await askOracle(text.slice(0, text.length - ours.excessBytes))
        accepted++
        const reason = ours.reason === "" ? [STATUS_CODES[ours.status], ""] : [ours.reason]
        expect(oracle).toMatchObject({
          accepted: true,
          status: ours.status,
          lines: ours.lines,
          body: ours.body,
          trailers: ours.trailers,
        })
        expect(reason).toContain(oracle.reason)
      }),
      { numRuns: Number(process.env["POLYHOST_FUZZ_RUNS"] ?? 2000) },
    )
    expect(accepted).toBeGreaterThan(100)
  })

  test("is the same however its bytes are cut", () => {
    fc.assert(
      fc.property(mutated, fc.array(fc.nat(200), { maxLength: 8 }), (text, places) => {
        const { error, pieces: _, ...expected } = readAnswer(text)
        const cut = readAnswer(
          text,
          places.toSorted((a, b) => a - b),
        )
        expect(cut.error !== "").toBe(error !== "")
        // What came before the fault may have been handed on already.
        if (error === "") expect(cut).toMatchObject(expected)
      }),
      { numRuns: 5000 },
    )
  })
})
