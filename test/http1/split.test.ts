/** However the bytes of requests are cut, they are the same requests; and reading them costs what their bytes cost. */
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ChunkedDecoder } from "../../protocol/http1/chunked.ts"
import { ConnectionComparison } from "./compare-connection.ts"
import { CORPUS } from "./corpus.ts"
import { generate } from "./generate.ts"
import { LIMITS, Subject } from "./subject.ts"

/** A line that is wrong may be refused before its end has come, or with it: here all lines end. */
const stream = fc.integer().map((seed) => `${generate(seed).text}\n`)

describe("requests", () => {
  test("are the same however their bytes are cut", () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 8 }), (text, places) => {
        expect(
          outcome(
            text,
            places.toSorted((a, b) => a - b),
          ),
        ).toEqual(outcome(text, []))
      }),
      { numRuns: 3000 },
    )
  })

  test("are the same byte by byte", () => {
    for (const text of CORPUS.map((one) => `${one}\n`))
      expect([text, outcome(text, each(text))]).toEqual([text, outcome(text, [])])
    fc.assert(
      fc.property(stream, (text) => {
        fc.pre(text.length < 5000)
        expect(outcome(text, each(text))).toEqual(outcome(text, []))
      }),
      { numRuns: 500 },
    )
  })

  test("are the same cut at any one place", () => {
    const text =
      "\r\nPOST http://[::1]:80/a?b HTTP/1.1\r\nhost:a \r\nConnection: x, Y\r\nX: 1\r\ny:\t2\r\nTransfer-Encoding: chunked\r\n\r\n" +
      '5;a="b"\r\nhello\r\n00\r\nT: 1\r\nU:2\r\n\r\nPUT / HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n'
    const whole = outcome(text, [])
    expect(whole.requests).toHaveLength(3)
    for (let cut = 1; cut < text.length; cut++) expect(outcome(text, [cut])).toEqual(whole)
  })

  test("are answered the same on a whole connection", () => {
    const connection = new ConnectionComparison()
    for (let seed = 1; seed < 200; seed++) {
      const bytes = Buffer.from(generate(seed).text.slice(0, 3000), "latin1")
      const one = connection.judge(bytes, [], 7)
      const other = connection.judge(bytes, each(bytes), 7)
      expect([seed, one.problem, other.problem]).toEqual([seed, "", ""])
      // A malformed body that comes with its head is seen before any app could answer; later it is not.
      if (other.refused) expect([seed, one.refused]).toEqual([seed, true])
    }
  })
})

describe("cost", () => {
  const head = (lines: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`

  test.each([
    ["one long line", head(`X: ${"v".repeat(65_000)}\r\n`)],
    ["1000 lines", head("X: v\r\n".repeat(999))],
    ["a long name", head(`${"n".repeat(65_000)}: v\r\n`)],
    ["spaces around a value", head(`X:${" ".repeat(30_000)}v${" ".repeat(30_000)}\r\n`)],
    ["spaces in Connection", head(`Connection: a${" ".repeat(60_000)}b\r\n`)],
    ["commas in Connection", head(`Connection: ${",".repeat(60_000)}\r\n`)],
    ["names in Connection", head(`${"X: v\r\n".repeat(900)}Connection: ${"a,".repeat(25_000)}\r\n`)],
    ["spaces in a coding", head(`Transfer-Encoding: gzip${" ,".repeat(30_000)} chunked\r\n`)],
    ["a long target", `GET /${"t".repeat(16_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ["a long authority", `GET http://${"a.".repeat(7000)}/ HTTP/1.1\r\nHost: a\r\n\r\n`],
    ["a long Host", `GET / HTTP/1.1\r\nHost: ${"a".repeat(60_000)}!\r\n\r\n`],
    ["a long extension", chunked(`5;${"e".repeat(4090)}\r\nhello\r\n0\r\n\r\n`)],
    ["long trailers", chunked(`0\r\nX: ${"v".repeat(65_000)}\r\n\r\n`)],
    ["many trailers", chunked(`0\r\n${"X:\r\n".repeat(16_000)}\r\n`)],
    ["many chunks", chunked(`${"1\r\nx\r\n".repeat(10_000)}0\r\n\r\n`)],
    ["many requests", head("").repeat(2000)],
  ])("of %s, byte by byte, grows with their bytes only", (_what, text) => {
    const startMs = performance.now()
    outcome(text, each(text))
    // Some 50 ns a byte on any machine; quadratic work would be 2^31 steps.
    expect(performance.now() - startMs).toBeLessThan(1500)
  })

  test("in memory is bounded: what never ends is refused", () => {
    const endless = {
      "an endless method": ["", "A"],
      "an endless target": ["GET /", "a"],
      "an endless name": [`${head("").slice(0, -2)}`, "n"],
      "an endless value": [`${head("").slice(0, -2)}X: `, "v"],
      "endless lines": [`${head("").slice(0, -2)}`, "X: y\r\n"],
      "endless empty lines": ["", "\r\n"],
      "an endless size": [chunked(""), "0"],
      "an endless extension": [chunked("5;"), "e"],
      "endless extensions": [chunked(""), "1;eeee\r\nx\r\n"],
      "an endless trailer": [chunked("0\r\nX: "), "v"],
      "endless trailers": [chunked("0\r\n"), "X: y\r\n"],
    }
    for (const [what, [begin, more]] of Object.entries(endless)) {
      const subject = new Subject()
      subject.start()
      subject.feed(Buffer.from(begin!))
      let bytes = 0
      const piece = Buffer.from(more!)
      while (subject.refusal === "" && bytes < 200_000) {
        subject.feed(piece)
        bytes += piece.length
      }
      expect([what, subject.refusal !== "", bytes < 100_000]).toEqual([what, true, true])
    }
  })

  test("of a body is none: its pieces are those of the bytes read", () => {
    const decoder = new ChunkedDecoder(LIMITS.headerBytes)
    const piece = Buffer.from("100000\r\n")
    expect(decoder.read(piece, 0, piece.length, 1000)).toBe(piece.length)
    const data = Buffer.alloc(4096)
    for (let i = 0; i < 256; i++) {
      for (let at = 0; at < data.length; at += 1000) {
        const next = decoder.read(data, at, data.length, 1000)
        expect([decoder.pieceStart, decoder.pieceEnd]).toEqual([at, next])
      }
    }
    expect([decoder.error, decoder.ended]).toEqual(["", false])
  })
})

function outcome(text: string, cuts: readonly number[]) {
  const subject = new Subject()
  subject.start()
  const bytes = Buffer.from(text, "latin1")
  let at = 0
  for (const cut of [...cuts, bytes.length]) {
    if (cut <= at || cut > bytes.length) continue
    subject.feed(bytes.subarray(at, cut))
    at = cut
  }
  const { requests, wholes, refusal, closed } = subject
  return { requests, wholes, refusal, closed }
}

function each(text: string | Buffer): number[] {
  return Array.from({ length: text.length }, (_, at) => at)
}

function chunked(body: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`
}
