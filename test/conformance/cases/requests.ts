/**
 * What the app is told of a request: its line, its fields, and what the host itself says.
 * Longer than 300 lines: it is one list of cases.
 */
import assert from "node:assert/strict"
import type { Case, Target } from "../case.ts"
import type { Field } from "../raw-client.ts"
import { doing, type RequestParts } from "../request-bytes.ts"

const NO_RAW_FIELDS = "Headers has lower-case names in alphabetical order, and joins what is said twice"
const KIB = 1024

export const REQUEST_CASES: readonly Case[] = [
  {
    id: "C05.method",
    title: "methods arrive as they are",
    async run(at) {
      for (const method of [
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "PROPFIND",
        "REPORT",
        "PURGE",
      ])
        assert.equal((await seen(at, { method })).method, method)
    },
  },
  {
    id: "C05.target",
    title: "percent-encoded and odd targets arrive untouched",
    async run(at) {
      const targets = [
        "/",
        "//x",
        "///",
        "/a//b/",
        "/%2e%2e/",
        "/%2F%2f/%00/%zz%",
        "/a;b=c;d/,e",
        "/?a=b?c",
        "/x?",
        "/x?&&==",
        "/a%20b+c?q=%C3%A4&q=%E4",
        "/~user/:@!$&'()*+,;=",
        "/[x]?[y]=[z]",
      ]
      for (const target of targets) {
        const got = await seen(at, { target })
        if (at.node) assert.equal(got.url, target)
        else {
          // A Request may have the URL as it came, or as `new URL` writes it.
          const whole = `http://${at.host}${target}`
          assert.ok([whole, new URL(whole).href].includes(got.url), `${got.url} for ${target}`)
        }
      }
    },
  },
  {
    id: "C05.unwise",
    title: "bytes that URLs should not have arrive as they are",
    webUnable: "new URL encodes them",
    async run(at) {
      for (const target of ['/a|b^c"{}`', "/<script>", "/a\\b"])
        assert.equal((await seen(at, { target })).url, target)
    },
  },
  {
    id: "C05.dots",
    title: "dot segments arrive as they are",
    webUnable: "new URL resolves them",
    async run(at) {
      for (const target of ["/a/../b", "/./a", "/..", "/a/%2E%2E/b?x=/../"])
        assert.equal((await seen(at, { target })).url, target)
    },
  },
  {
    id: "C05.absolute",
    title: "an absolute form reaches the app as origin form, with its authority as Host",
    hostOnly: true,
    async run(at) {
      const client = at.connect()
      client.send(`GET http://${at.host}/a/b?c=d HTTP/1.1\r\nHost: other.example\r\n\r\n`)
      const got = (await client.response()).json()
      assert.equal(got.url, at.node ? "/a/b?c=d" : `http://${at.host}/a/b?c=d`)
      assert.deepEqual(valuesOf(got.headers, "host"), [at.host])
    },
  },
  {
    id: "C05.asterisk",
    title: "OPTIONS * is answered by the app",
    async run(at) {
      const answer = await at.ask({ method: "OPTIONS", target: "*" })
      assert.equal(answer.status, 200)
      if (at.node) assert.equal(answer.json().url, "*")
      else assert.equal(answer.json().method, "OPTIONS")
    },
  },
  {
    id: "C05.fields",
    title: "field lines keep case, order and number",
    webUnable: NO_RAW_FIELDS,
    async run(at) {
      const fields: Field[] = [
        ["X-MiXeD", "1"],
        ["accept", "text/html"],
        ["x-two", "a"],
        ["X-Two", "b"],
        ["X-TWO", ""],
        ["Cookie", "c=1"],
        ["a!#$%&'*+-.^_`|~9", "odd"],
      ]
      const { headers } = await seen(at, { fields })
      const sent = new Set(fields.map(([name]) => name.toLowerCase()))
      assert.deepEqual(
        headers.filter(([name]) => sent.has(name.toLowerCase())),
        fields,
      )
    },
  },
  {
    id: "C05.joined",
    title: "a field said twice is joined in order; Cookie with a semicolon",
    nodeUnable: "rawHeaders has the lines themselves (C05.fields)",
    async run(at) {
      const fields: Field[] = [
        ["X-Two", "a"],
        ["Cookie", "c=1"],
        ["x-two", "b"],
        ["Cookie", "d=2"],
      ]
      const { headers } = await seen(at, { fields })
      assert.deepEqual(valuesOf(headers, "x-two"), ["a, b"])
      assert.match(valuesOf(headers, "cookie")[0] ?? "", /^c=1[;,] d=2$/)
    },
  },
  {
    id: "C05.latin1",
    title: "field values in Latin-1 arrive byte for byte",
    async run(at) {
      const value = "caf\u00e9 \u00a3 \u00ff"
      const { headers } = await seen(at, { fields: [["X-Latin", value]] })
      assert.deepEqual(valuesOf(headers, "x-latin"), [value])
    },
  },
  {
    id: "E03",
    title: "white space around a value is trimmed, within it stays; an empty value is one",
    async run(at) {
      const client = at.connect()
      client.send(
        `GET / HTTP/1.1\r\nHost:\t${at.host} \r\nX-Pad: \t a \t b\t \r\nX-Empty:\r\nX-Blank: \t \r\nX-Tight:t\r\n\r\n`,
      )
      const { headers } = (await client.response()).json()
      assert.deepEqual(valuesOf(headers, "x-pad"), ["a \t b"])
      assert.deepEqual(valuesOf(headers, "x-empty"), [""])
      assert.deepEqual(valuesOf(headers, "x-blank"), [""])
      assert.deepEqual(valuesOf(headers, "x-tight"), ["t"])
    },
  },
  {
    id: "E04.exact",
    title: "64 KiB of header lines pass to the app, one byte more is 431",
    async run(at) {
      const one = await at.ask({ fields: fieldsOf(at, 64 * KIB) })
      assert.equal(one.status, 200, one.text.slice(0, 300))
      const got: Seen = one.json()
      assert.deepEqual([got.method, got.url.slice(-1)], ["GET", "/"])
      assert.equal(valuesOf(got.headers, "x-7")[0]?.length, 7000)
      if (at.direct) return
      const more = await at.ask({ fields: fieldsOf(at, 64 * KIB + 1) })
      assert.equal(more.status, 431)
      assert.ok(more.closes)
    },
  },
  {
    id: "W-heads",
    title: "64 requests at once with heads of 3 KB, each is told its own",
    async run(at) {
      const one = async (i: number): Promise<void> => {
        const method = i % 2 === 0 ? "PUT" : "DELETE"
        const value = `${i} `.repeat(1000).trim()
        const got = await seen(at, { method, target: `/no/${i}`, fields: [["X-Own", value]] })
        assert.equal(got.method, method)
        assert.ok(got.url.endsWith(`/no/${i}`), got.url)
        assert.deepEqual(valuesOf(got.headers, "x-own"), [value])
      }
      await Promise.all(Array.from({ length: 64 }, (_, i) => one(i)))
    },
  },
  {
    id: "E04.lines",
    title: "1,000 header lines pass to the app, one more is 431",
    async run(at) {
      const lines = (count: number): Field[] => Array.from({ length: count - 1 }, (_, i) => [`x-l${i}`, "v"])
      // The host adds four of its own.
      const one = await at.ask({ fields: lines(at.direct ? 1004 : 1000) })
      assert.equal(one.status, 200)
      assert.deepEqual(valuesOf(one.json().headers, "x-l998"), ["v"])
      if (at.direct) return
      const more = await at.ask({ fields: lines(1001) })
      assert.equal(more.status, 431)
    },
  },
  {
    id: "E04.target",
    title: "a target of 16 KiB passes to the app, one byte more is 414",
    async run(at) {
      const target = `/${"t".repeat(16 * KIB - 1)}`
      const got = await seen(at, { target })
      assert.ok(got.url.endsWith(target))
      if (at.direct) return
      const more = await at.ask({ target: `${target}t` })
      assert.equal(more.status, 414)
    },
  },
  {
    id: "E12",
    title: "forwarded fields of the client are replaced by the host's own",
    hostOnly: true,
    async run(at) {
      const { headers } = await seen(at, {
        fields: [
          ["X-Forwarded-For", "6.6.6.6"],
          ["x-forwarded-for", "7.7.7.7"],
          ["X_Forwarded_For", "8.8.8.8"],
          ["X-Forwarded-Host", "evil.example"],
          ["X-Forwarded-Proto", "https"],
          ["X-Forwarded-Prefix", "/evil"],
          ["X-Forwarded-Port", "1"],
          ["X-Real-IP", "6.6.6.6"],
          ["Forwarded", "for=6.6.6.6"],
        ],
      })
      assert.deepEqual(valuesOf(headers, "x-forwarded-for"), ["127.0.0.1"])
      assert.deepEqual(valuesOf(headers, "x-forwarded-host"), [at.host])
      assert.deepEqual(valuesOf(headers, "x-forwarded-proto"), ["http"])
      for (const gone of ["x_forwarded_for", "x-forwarded-prefix", "x-real-ip", "forwarded"])
        assert.deepEqual(valuesOf(headers, gone), [], gone)
    },
  },
  {
    id: "E19.request",
    title: "hop-by-hop fields of the client, and those that Connection names, end at the host",
    hostOnly: true,
    async run(at) {
      const { headers } = await seen(at, {
        fields: [
          ["Connection", "keep-alive, X-Hop ,x-other,content-type"],
          ["X-Hop", "1"],
          ["x-OTHER", "1"],
          ["X-Stays", "1"],
          ["Keep-Alive", "timeout=9"],
          ["Proxy-Connection", "keep-alive"],
          ["TE", "deflate;q=0.5"],
        ],
      })
      for (const gone of ["x-hop", "x-other", "keep-alive", "proxy-connection", "te"])
        assert.deepEqual(valuesOf(headers, gone), [], gone)
      assert.deepEqual(valuesOf(headers, "x-stays"), ["1"])
      for (const value of valuesOf(headers, "connection")) assert.doesNotMatch(value, /hop|other/i)
      // Trailers pass, so the wish for them may.
      const trailers = await seen(at, { fields: [["TE", "trailers, gzip"]] })
      assert.ok(["", "trailers"].includes(valuesOf(trailers.headers, "te").join()))
    },
  },
  {
    id: "E19.needed",
    title: "Connection cannot take Host or Content-Length from the request",
    hostOnly: true,
    async run(at) {
      const got = await seen(at, {
        method: "POST",
        body: "12345",
        fields: [["Connection", "host, content-length, x-forwarded-for"]],
      })
      assert.deepEqual(valuesOf(got.headers, "host"), [at.host])
      assert.equal(got.body, "12345")
      assert.deepEqual(valuesOf(got.headers, "x-forwarded-for"), ["127.0.0.1"])
    },
  },
  {
    id: "W-request-id",
    title: "the app is told one X-Request-Id, the host's own, another each time",
    hostOnly: true,
    async run(at) {
      const ids = new Set<string>()
      for (let i = 0; i < 3; i++) {
        const { headers } = await seen(at, { fields: [["X-Request-Id", "mine"]] })
        const values = valuesOf(headers, "x-request-id")
        assert.equal(values.length, 1)
        assert.match(values[0] ?? "", /^[\w-]{8,}$/)
        ids.add(values[0] as string)
      }
      assert.equal(ids.size, 3)
    },
  },
  {
    id: "W-conditional",
    title: "Range and conditional fields reach the app; its 206, 304, 412 and 416 the client",
    async run(at) {
      const fields: Field[] = [
        ["Range", "bytes=0-1,4-"],
        ["If-Range", '"tag"'],
        ["If-Match", '"a", W/"b"'],
        ["If-None-Match", "*"],
        ["If-Modified-Since", "Sat, 29 Oct 1994 19:43:31 GMT"],
        ["If-Unmodified-Since", "Sat, 29 Oct 1994 19:43:31 GMT"],
        ["Cache-Control", "no-cache"],
      ]
      const { headers } = await seen(at, { fields })
      for (const [name, value] of fields) assert.deepEqual(valuesOf(headers, name.toLowerCase()), [value])
      const client = at.connect()
      const reply = async (status: number, h: string[], body: string) => {
        client.send(at.bytes({ target: doing("reply", { status, h, ...(body === "" ? {} : { body }) }) }))
        const answer = await client.response()
        assert.deepEqual([answer.status, answer.text, answer.cut], [status, body, false])
        return answer
      }
      const part = await reply(206, ["Content-Range:bytes 0-1/5", "Accept-Ranges:bytes"], "ab")
      assert.equal(part.one("content-range"), "bytes 0-1/5")
      const same = await reply(304, ['ETag:"tag"', "Cache-Control:max-age=9"], "")
      assert.deepEqual([same.one("etag"), same.one("cache-control")], ['"tag"', "max-age=9"])
      await reply(412, [], "no match")
      const beyond = await reply(416, ["Content-Range:bytes */5"], "beyond")
      assert.equal(beyond.one("content-range"), "bytes */5")
    },
  },
]

interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: readonly Field[]
  readonly body: string
}

async function seen(at: Target, parts: RequestParts): Promise<Seen> {
  const answer = await at.ask(parts)
  assert.equal(answer.status, 200, `${answer.status} ${answer.text.slice(0, 300)}`)
  return answer.json()
}

function valuesOf(headers: readonly Field[], name: string): string[] {
  return headers.filter(([it]) => it.toLowerCase() === name).map(([, value]) => value)
}

/** Lines X-0 … that make the whole header block exactly so long. */
function fieldsOf(at: Target, blockBytes: number): Field[] {
  const fields: Field[] = []
  let left = blockBytes - `Host: ${at.host}\r\n`.length
  for (let i = 0; left > 0; i++) {
    const name = `X-${i}`
    const frame = name.length + 4
    // The last takes what is left, and is never too short to be a line.
    const value = left < 2 * (7000 + frame) && left > 7000 + frame ? Math.floor(left / 2) : 7000
    const bytes = Math.min(left - frame, value)
    fields.push([name, "v".repeat(bytes)])
    left -= bytes + frame
  }
  return fields
}
