/** A short run of the fuzzer, all of its corpus, and the inputs that it once failed at. */
import { describe, expect, test } from "vitest"
import { Comparison } from "./compare.ts"
import { ConnectionComparison } from "./compare-connection.ts"
import { CORPUS } from "./corpus.ts"
import { fuzz } from "./fuzz.ts"
import { Subject } from "./subject.ts"

test("40,000 streams mean the same to our readers and llhttp, or are refused", () => {
  const result = fuzz({ seed: 1, inputs: 40_000, untilMs: performance.now() + 20_000, mode: "reader" })
  expect(result.failure).toBeNull()
  expect(result.accepted).toBeGreaterThan(5000)
  expect(result.refused).toBeGreaterThan(5000)
}, 30_000)

test("5,000 streams mean the same to a connection and llhttp, however its apps behave", () => {
  const result = fuzz({ seed: 1, inputs: 5000, untilMs: performance.now() + 20_000, mode: "connection" })
  expect(result.failure).toBeNull()
  expect(result.accepted).toBeGreaterThan(500)
}, 30_000)

test("nothing of the corpus means to us what it does not mean to llhttp", () => {
  const reader = new Comparison()
  const connection = new ConnectionComparison()
  for (const [seed, text] of CORPUS.entries()) {
    const bytes = Buffer.from(text, "latin1")
    const each = Array.from(bytes, (_, at) => at)
    expect([text, reader.judge(bytes, []).problem]).toEqual([text, ""])
    expect([text, reader.judge(bytes, each).problem]).toEqual([text, ""])
    expect([text, connection.judge(bytes, [], seed).problem]).toEqual([text, ""])
  }
}, 30_000)

describe("refused, though once it was not", () => {
  const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
  test.each([
    ["Content-Length as a trailer", `${chunked}\r\n0\r\nContent-Length: 5\r\n\r\n`],
    ["Transfer-Encoding as a trailer", `${chunked}\r\n0\r\nX: 1\r\ntransfer-encoding: chunked\r\n\r\n`],
    ["Connection as a trailer", `${chunked}\r\n0\r\nConnection: close\r\n\r\n`],
    ["Host as a trailer", `${chunked}\r\n0\r\nHost: b\r\n\r\n`],
    ["a tab after chunked", `${chunked.trimEnd()}\t\r\n\r\n0\r\n\r\n`],
    ["101 names in Connection", `GET / HTTP/1.1\r\nHost: a\r\nConnection: ${names(101)}\r\n\r\n`],
    ["endless empty lines", "\r\n".repeat(5)],
    ["endless empty lines before a request", `${"\r\n".repeat(5)}GET / HTTP/1.1\r\nHost: a\r\n\r\n`],
  ])("%s", (_what, text) => {
    for (const cuts of [[], Array.from(text, (_letter, at) => at)]) {
      expect(read(text, cuts)).toMatchObject({ refusal: "BAD_REQUEST", wholes: 0 })
    }
  })

  test("what 0xA0 or Proxy-Connection make of close and keep-alive", () => {
    const get = (line: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`
    expect(read(get("Proxy-Connection: close")).closed).toBe(true)
    expect(read(get("Connection: close")).closed).toBe(true)
    expect(read(get("Connection:\xa0close")).closed).toBe(false)
    expect(read("GET / HTTP/1.0\r\nConnection:\xa0keep-alive\r\n\r\n").closed).toBe(true)
  })
})

function read(text: string, cuts: readonly number[] = []): Subject {
  const subject = new Subject()
  subject.start()
  let at = 0
  for (const cut of [...cuts, text.length]) {
    subject.feed(Buffer.from(text.slice(at, cut), "latin1"))
    at = cut
  }
  return subject
}

function names(count: number): string {
  return Array.from({ length: count }, (_, index) => `n${index}`).join(", ")
}
