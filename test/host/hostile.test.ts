/** Requests that could mean two things, or that are made to do harm: each is refused, the same way however it comes, and no app sees it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { answersIn, HostileRig, head } from "./hostile-rig.ts"

let rig: HostileRig
beforeAll(async () => {
  rig = await HostileRig.start()
})
afterAll(() => rig?.close())

const GOOD = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n"
const HELLO = "0\r\n\r\n"
const get = (...lines: string[]): string => head("GET / HTTP/1.1", "Host: a", ...lines)
const post = (...lines: string[]): string => `${head("POST / HTTP/1.1", "Host: a", ...lines)}${HELLO}`

/** What, its bytes, and the refusal. */
const REFUSED: readonly (readonly [string, string, number, string])[] = [
  ["no HTTP", "hello\r\n\r\n", 400, "BAD_REQUEST"],
  ["HTTP/0.9", "GET /\r\n\r\n", 400, "BAD_REQUEST"],
  ["TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\r\n\r\n", 400, "BAD_REQUEST"],
  ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "VERSION_NOT_SUPPORTED"],
  ["SSH", "SSH-2.0-OpenSSH_9.9\r\n", 400, "BAD_REQUEST"],
  ["HTTP/1.2", head("GET / HTTP/1.2", "Host: a"), 505, "VERSION_NOT_SUPPORTED"],
  ["HTTP/3.0", head("GET / HTTP/3.0", "Host: a"), 505, "VERSION_NOT_SUPPORTED"],
  ["lower case http", head("GET / http/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["two spaces after the method", head("GET  / HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["two spaces before the version", head("GET /  HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["a tab in the request line", head("GET\t/ HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["a space after the version", head("GET / HTTP/1.1 ", "Host: a"), 400, "BAD_REQUEST"],
  ["an unknown method", head("BREW / HTTP/1.1", "Host: a"), 501, "NOT_IMPLEMENTED"],
  ["a method in lower case", head("get / HTTP/1.1", "Host: a"), 501, "NOT_IMPLEMENTED"],
  ["CONNECT", head("CONNECT a:1 HTTP/1.1", "Host: a:1"), 405, "METHOD_NOT_ALLOWED"],
  ["a fragment", head("GET /#x HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["a target beyond ASCII", head("GET /\xe4 HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["NUL in the target", head("GET /\0 HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["a target without slash", head("GET x HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["* for GET", head("GET * HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["another scheme", head("GET ftp://a/ HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["a user in the target", head("GET http://me@a/ HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["an absolute target without host", head("GET http:///x HTTP/1.1", "Host: a"), 400, "BAD_REQUEST"],
  ["no Host", head("GET / HTTP/1.1", "X: y"), 400, "BAD_REQUEST"],
  ["an empty Host", head("GET / HTTP/1.1", "Host:"), 400, "BAD_REQUEST"],
  ["two Hosts", get("Host: a"), 400, "BAD_REQUEST"],
  ["a Host with a path", head("GET / HTTP/1.1", "Host: a/b"), 400, "BAD_REQUEST"],
  ["a Host with a user", head("GET / HTTP/1.1", "Host: me@a"), 400, "BAD_REQUEST"],
  ["a list of Hosts", head("GET / HTTP/1.1", "Host: a, b"), 400, "BAD_REQUEST"],
  ["a port beyond 65535", head("GET / HTTP/1.1", "Host: a:65536"), 400, "BAD_REQUEST"],
  ["a bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "BAD_REQUEST"],
  ["a bare LF after a line", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400, "BAD_REQUEST"],
  ["a bare LF as the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "BAD_REQUEST"],
  ["a bare CR after a line", get("X: y\rZ: 1"), 400, "BAD_REQUEST"],
  ["a bare CR as the end", "GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n", 400, "BAD_REQUEST"],
  ["NUL in a value", get("X: a\0b"), 400, "BAD_REQUEST"],
  ["NUL in a name", get("X\0: a"), 400, "BAD_REQUEST"],
  ["DEL in a value", get("X: \x7f"), 400, "BAD_REQUEST"],
  ["a vertical tab in a value", get("X: \x0b"), 400, "BAD_REQUEST"],
  ["a folded line", get("X: 1", " 2"), 400, "BAD_REQUEST"],
  ["a folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "BAD_REQUEST"],
  ["a space before the colon", get("X : 1"), 400, "BAD_REQUEST"],
  ["an empty name", get(": 1"), 400, "BAD_REQUEST"],
  ["no colon", get("X"), 400, "BAD_REQUEST"],
  ["a space in a name", get("X Y: 1"), 400, "BAD_REQUEST"],
  ["a length and chunked", post("Content-Length: 5", "Transfer-Encoding: chunked"), 400, "BAD_REQUEST"],
  ["chunked and a length", post("Transfer-Encoding: chunked", "Content-Length: 5"), 400, "BAD_REQUEST"],
  ["two lengths", post("Content-Length: 5", "Content-Length: 6"), 400, "BAD_REQUEST"],
  ["two equal lengths", post("Content-Length: 5", "Content-Length: 5"), 400, "BAD_REQUEST"],
  ["a list of lengths", post("Content-Length: 5, 5"), 400, "BAD_REQUEST"],
  ["a signed length", post("Content-Length: +5"), 400, "BAD_REQUEST"],
  ["a negative length", post("Content-Length: -5"), 400, "BAD_REQUEST"],
  ["a length in hex", post("Content-Length: 0x5"), 400, "BAD_REQUEST"],
  ["a length with _", post("Content-Length: 1_0"), 400, "BAD_REQUEST"],
  ["a length in two words", post("Content-Length: 5 5"), 400, "BAD_REQUEST"],
  ["an empty length", post("Content-Length: "), 400, "BAD_REQUEST"],
  ["a length beyond all", post(`Content-Length: ${"9".repeat(30)}`), 400, "BAD_REQUEST"],
  ["a length beyond 2^53", post("Content-Length: 9007199254740993"), 400, "BAD_REQUEST"],
  ["chunked twice", post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400, "BAD_REQUEST"],
  ["chunked, chunked", post("Transfer-Encoding: chunked, chunked"), 400, "BAD_REQUEST"],
  ["chunked, identity", post("Transfer-Encoding: chunked, identity"), 400, "BAD_REQUEST"],
  ["identity", post("Transfer-Encoding: identity"), 400, "BAD_REQUEST"],
  ["xchunked", post("Transfer-Encoding: xchunked"), 400, "BAD_REQUEST"],
  ["chunked behind a vertical tab", post("Transfer-Encoding: \x0bchunked"), 400, "BAD_REQUEST"],
  ["chunked before a tab", post("Transfer-Encoding: chunked\t"), 400, "BAD_REQUEST"],
  ["chunked in quotes", post('Transfer-Encoding: "chunked"'), 400, "BAD_REQUEST"],
  ["a coding before its colon", post("Transfer-Encoding : chunked"), 400, "BAD_REQUEST"],
  ["a folded coding", post("Transfer-Encoding:", " chunked"), 400, "BAD_REQUEST"],
  ["an empty coding", post("Transfer-Encoding:"), 400, "BAD_REQUEST"],
  ["gzip, chunked", post("Transfer-Encoding: gzip, chunked"), 501, "NOT_IMPLEMENTED"],
  [
    "chunked in HTTP/1.0",
    `${head("POST / HTTP/1.0", "Transfer-Encoding: chunked")}${HELLO}`,
    400,
    "BAD_REQUEST",
  ],
  ["another Expect", post("Content-Length: 5", "Expect: rain"), 417, "EXPECTATION_FAILED"],
  ["too many empty lines", "\r\n".repeat(5), 400, "BAD_REQUEST"],
]

describe.each(REFUSED)("%s", (_what, bytes, status, code) => {
  const refusal = { status, code, closes: true }

  test(`is ${status} ${code} and the end, at once, byte by byte and after a good request`, async () => {
    expect(answersIn(await rig.send(bytes))).toMatchObject([refusal])
    expect(answersIn(await rig.sendSlowly(bytes))).toMatchObject([refusal])
    expect(await rig.seen()).toEqual([])
    expect(answersIn(await rig.send(GOOD + bytes))).toMatchObject([{ status: 200 }, refusal])
    // What comes after it is nobody's either.
    expect(answersIn(await rig.send(bytes + GOOD))).toMatchObject([refusal])
    expect(await rig.seen()).toEqual(["GET /good"])
  })
})

const CHUNKED = head("POST /read HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")
const BAD_BODIES: readonly (readonly [string, string])[] = [
  ["0x", "0x5\r\nhello\r\n0\r\n\r\n"],
  ["a sign", "+5\r\nhello\r\n0\r\n\r\n"],
  ["a minus", "-1\r\nhello\r\n0\r\n\r\n"],
  ["a space before", " 5\r\nhello\r\n0\r\n\r\n"],
  ["a space after", "5 \r\nhello\r\n0\r\n\r\n"],
  ["no digits", "\r\nhello\r\n0\r\n\r\n"],
  ["17 digits", "00000000000000005\r\nhello\r\n0\r\n\r\n"],
  ["an empty extension", "5;\r\nhello\r\n0\r\n\r\n"],
  ["a line end in an extension", '5;a="\r\n"\r\nhello\r\n0\r\n\r\n'],
  ["a bare LF after the size", "5\nhello\r\n0\r\n\r\n"],
  ["a bare CR after the size", "5\rhello\r\n0\r\n\r\n"],
  ["a bare LF after the data", "5\r\nhello\n0\r\n\r\n"],
  ["no line end after the data", "5\r\nhello0\r\n\r\n"],
  ["more data than size", "4\r\nhello\r\n0\r\n\r\n"],
  ["a bare LF as the end", "5\r\nhello\r\n0\r\n\n"],
  ["a trailer without colon", "0\r\nX\r\n\r\n"],
  ["a folded trailer", "0\r\nX: 1\r\n 2\r\n\r\n"],
  ["a length as trailer", "0\r\nContent-Length: 5\r\n\r\n"],
  ["a coding as trailer", "0\r\nTransfer-Encoding: chunked\r\n\r\n"],
  ["a request as trailer", "0\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n"],
]

describe("a chunked body with", () => {
  test.each(BAD_BODIES)("%s is 400 and the end of the connection", async (_what, body) => {
    for (const text of [await rig.send(CHUNKED + body + GOOD), await rig.sendSlowly(CHUNKED + body)])
      expect(answersIn(text)).toMatchObject([{ status: 400, code: "BAD_REQUEST", closes: true }])
    const after = await rig.send(GOOD + CHUNKED + body + GOOD)
    expect(answersIn(after)).toMatchObject([{ status: 200 }, { status: 400, closes: true }])
    const seen = await rig.seen()
    expect(seen.filter((one) => one !== "GET /good" && one !== "POST /read")).toEqual([])
    expect(seen.filter((one) => one === "GET /good")).toHaveLength(1)
  })

  test("a request inside stays inside", async () => {
    const inner = `${GOOD}x`
    const body = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`
    const answers = answersIn(await rig.send(CHUNKED + body + get("Connection: close")))
    expect(answers).toMatchObject([{ status: 200, body: String(inner.length) }, { status: 200 }])
    expect(await rig.seen()).toEqual(["POST /read", "GET /"])
  })
})
