/** What becomes of answers of every kind, as a client of HTTP/1.1 sees it. One host for all. */
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TestHost } from "../support/harness.ts"
import type { Answer } from "../support/http-client.ts"
import { CODINGS, decoded, LONG, type Said, say, TEXT } from "./decode.ts"

const APPS = join(import.meta.dirname, "apps")
let host: TestHost

beforeAll(async () => {
  host = await TestHost.start({
    fetch: { dir: join(APPS, "fetch"), entry: "app.mjs", compression: true },
    caller: { dir: join(APPS, "fetch"), entry: "app.mjs", bindings: { OTHER: "app:fetch" } },
    express: {
      dir: join(APPS, "express"),
      entry: "server.mjs",
      compression: true,
      static: [{ path: "/pages/*", dir: "." }],
    },
    gzip: { dir: join(APPS, "fetch"), entry: "app.mjs", compression: { encodings: ["gzip"], min: "10KB" } },
  })
})
afterAll(() => host.close())

const get = (
  path: string,
  headers: Record<string, string> = { "accept-encoding": "gzip" },
): Promise<Answer> => host.ask(path, { headers })
const head = (path: string): Promise<Answer> =>
  host.ask(path, { method: "HEAD", headers: { "accept-encoding": "gzip" } })

describe("an answer of an app with compression", () => {
  it.each(CODINGS)("is compressed by %s, in one go and in pieces", async (coding) => {
    const accept = { "accept-encoding": coding }
    for (const said of [LONG, { headers: [TEXT], chunks: [{ text: "long ", times: 1000 }] }]) {
      const answer = await get(say(said), accept)
      expect(answer.headers["content-encoding"]).toBe(coding)
      expect(answer.headers.vary).toBe("Accept-Encoding")
      expect(answer.body.length).toBeLessThan(500)
      expect(decoded(answer)).toBe("long ".repeat(1000))
    }
  })

  it("has the length of its compressed bytes, where that is known", async () => {
    // At once, and in another thread.
    for (const [path, bytes] of [
      [say(LONG), 5000],
      ["/express/text", 22_500],
    ] as const) {
      const answer = await get(path)
      expect(answer.headers["content-length"]).toBe(String(answer.body.length))
      expect(decoded(answer).length).toBe(bytes)
    }
  })

  it("depends on Accept-Encoding also where it is not compressed", async () => {
    for (const accept of [{}, { "accept-encoding": "identity" }, { "accept-encoding": "gzip;q=0" }]) {
      const answer = await get(say(LONG), accept)
      expect(answer.headers["content-encoding"]).toBeUndefined()
      expect(answer.headers.vary).toBe("Accept-Encoding")
      expect(answer.headers["content-length"]).toBe("5000")
      expect(answer.text).toBe("long ".repeat(1000))
    }
  })

  it.each<[string, Said]>([
    ["short", { headers: [TEXT], body: "x".repeat(1023) }],
    ["empty", { headers: [TEXT], body: "" }],
    ["without a type", { body: "x".repeat(5000), headers: [["content-type", ""]] }],
    ["an image", { headers: [["content-type", "image/png"]], body: "x".repeat(5000) }],
    ["a video", { headers: [["content-type", "video/mp4"]], chunks: [{ text: "x", times: 9000 }] }],
    [
      "events",
      { headers: [["content-type", "text/event-stream"]], chunks: [{ text: "data: x\n\n", times: 900 }] },
    ],
    [
      "events in UTF-8",
      { headers: [["content-type", "text/event-stream; charset=utf-8"]], body: "x".repeat(5000) },
    ],
    [
      "not to be transformed",
      { headers: [TEXT, ["cache-control", "public, no-transform"]], body: "x".repeat(5000) },
    ],
    [
      "a part",
      { status: 206, headers: [TEXT, ["content-range", "bytes 0-4999/9000"]], body: "x".repeat(5000) },
    ],
    ["no part", { status: 416, headers: [TEXT, ["content-range", "bytes */9000"]], body: "x".repeat(5000) }],
    ["coded already", { headers: [TEXT, ["content-encoding", "x-own"]], body: "x".repeat(5000) }],
  ])("stays as it is when it is %s", async (_, said) => {
    const [plain, accepting] = await Promise.all([get(say(said), {}), get(say(said))])
    const { date: _date, "x-request-id": _id, ...headers } = accepting.headers
    expect(accepting.headers["content-encoding"]).toBe(plain.headers["content-encoding"])
    expect(accepting.status).toBe(said.status ?? 200)
    expect(accepting.text).toBe(plain.text)
    expect(accepting.text.length).toBeGreaterThanOrEqual(said.body?.length ?? 1)
    expect(headers.etag).toBe(plain.headers.etag)
  })

  it("of events has no Vary, and comes in the pieces that the app sent", async () => {
    const said = {
      headers: [["content-type", "text/event-stream"]],
      chunks: [{ text: "data: x\n\n" }],
    } as const
    expect((await get(say(said))).headers.vary).toBeUndefined()
  })

  it.each<[string, Said]>([
    ["an error", { ...LONG, status: 404 }],
    ["a failure", { ...LONG, status: 500 }],
    ["JSON", { ...LONG, headers: [["content-type", "application/json; charset=utf-8"]] }],
    ["of a type with +json", { ...LONG, headers: [["content-type", "application/vnd.api+json"]] }],
    ["SVG", { ...LONG, headers: [["content-type", "image/svg+xml"]] }],
    ["JavaScript", { ...LONG, headers: [["content-type", "text/javascript"]] }],
    ["WebAssembly", { ...LONG, headers: [["content-type", "application/wasm"]] }],
    ["coded by identity", { ...LONG, headers: [TEXT, ["content-encoding", "identity"]] }],
  ])("is compressed when it is %s", async (_, said) => {
    const answer = await get(say(said))
    expect(answer.status).toBe(said.status ?? 200)
    expect(answer.headers["content-encoding"]).toBe("gzip")
    expect(decoded(answer)).toBe("long ".repeat(1000))
  })

  it.each<[string[], string]>([
    [["Origin"], "Origin, Accept-Encoding"],
    [["Origin", "Cookie"], "Origin, Accept-Encoding, Cookie"],
    [["accept-encoding"], "accept-encoding"],
    [["Origin, ACCEPT-ENCODING"], "Origin, ACCEPT-ENCODING"],
    [["*"], "*"],
    [["Origin, *"], "Origin, *"],
  ])("whose Vary is %j gets %j", async (vary, merged) => {
    const said = { ...LONG, headers: [TEXT, ...vary.map((it) => ["vary", it] as const)] }
    for (const headers of [{}, { "accept-encoding": "gzip" }]) {
      const seen = (await get(say(said), headers)).headers.vary
      // A fetch app's Headers join their lines, and that is an order of their own.
      expect(seen?.split(", ").sort()).toEqual(merged.split(", ").sort())
    }
  })

  it("loses what was said of its bytes", async () => {
    const gone = ["accept-ranges", "content-md5", "digest", "content-digest", "repr-digest"]
    const said = {
      ...LONG,
      headers: [TEXT, ...gone.map((name) => [name, "bytes"] as const), ["x-own", "kept"]],
    }
    const compressed = (await get(say(said as Said))).headers
    const plain = (await get(say(said as Said), {})).headers
    for (const name of gone) {
      expect(compressed[name]).toBeUndefined()
      expect(plain[name]).toBe("bytes")
    }
    expect(compressed["x-own"]).toBe("kept")
  })

  it("is sent as it is when it would grow", async () => {
    const noise = Array.from({ length: 1100 }, (_, i) =>
      String.fromCharCode(33 + ((i * i * 7919) % 90)),
    ).join("")
    const said = { headers: [TEXT], body: noise }
    const answer = await get(say(said))
    expect(decoded(answer)).toBe(noise)
    expect(answer.body.length).toBeLessThanOrEqual(noise.length)
  })

  it("is compressed however short it is for a client that does not want it otherwise", async () => {
    const answer = await get(say({ headers: [TEXT], body: "tiny" }), {
      "accept-encoding": "identity;q=0, gzip",
    })
    expect(answer.headers["content-encoding"]).toBe("gzip")
    expect(decoded(answer)).toBe("tiny")
  })

  it("keeps to the codings and the least length of the manifest", async () => {
    const long = `/gzip${say(LONG).slice("/fetch".length)}`
    const longer = `/gzip${say({ ...LONG, times: 2100 }).slice("/fetch".length)}`
    const accept = { "accept-encoding": "gzip, br, zstd" }
    expect((await get(long, accept)).headers["content-encoding"]).toBeUndefined()
    expect((await get(longer, accept)).headers["content-encoding"]).toBe("gzip")
    expect((await get(longer, { "accept-encoding": "br" })).headers["content-encoding"]).toBeUndefined()
  })
})

describe("validators", () => {
  it("of a compressed answer are weak, and those of the others stay", async () => {
    const said = { ...LONG, headers: [TEXT, ["etag", '"abc"']] } as Said
    expect((await get(say(said))).headers.etag).toBe('W/"abc"')
    expect((await get(say(said), {})).headers.etag).toBe('"abc"')
    const weak = { ...LONG, headers: [TEXT, ["etag", 'W/"abc"']] } as Said
    expect((await get(say(weak))).headers.etag).toBe('W/"abc"')
  })

  it("lead to 304 from Express, as the client has them", async () => {
    for (const accept of ["gzip", "identity"]) {
      const first = await get("/express/text", { "accept-encoding": accept })
      const etag = first.headers.etag as string
      const second = await get("/express/text", { "accept-encoding": accept, "if-none-match": etag })
      expect(second.status).toBe(304)
      expect(second.headers.etag).toBe(etag)
      expect(second.headers.vary).toBe("Accept-Encoding")
      expect(second.headers["content-encoding"]).toBeUndefined()
      expect(second.body.length).toBe(0)
    }
  })

  it("of a 304 are weak for who has the weak one, and strong for who has the strong one", async () => {
    const said = { status: 304, headers: [["etag", '"abc"']] } as const
    const etagFor = async (ifNoneMatch: string): Promise<unknown> =>
      (await get(say(said), { "accept-encoding": "gzip", "if-none-match": ifNoneMatch })).headers.etag
    expect(await etagFor('W/"abc"')).toBe('W/"abc"')
    expect(await etagFor('"x", W/"abc"')).toBe('W/"abc"')
    expect(await etagFor('"abc"')).toBe('"abc"')
    const image = {
      status: 304,
      headers: [
        ["etag", '"abc"'],
        ["content-type", "image/png"],
      ],
    } as const
    expect((await get(say(image), { "if-none-match": 'W/"abc"' })).headers.vary).toBeUndefined()
  })
})

describe("ranges and HEAD", () => {
  it("leave a part as it is", async () => {
    const part = await get("/express/file", { "accept-encoding": "gzip", range: "bytes=5-9" })
    expect([part.status, part.text, part.headers["content-encoding"]]).toEqual([206, "0 of ", undefined])
  })

  it.each([
    "/express/text",
    "/express/weak",
    "/express/file",
    say(LONG),
    say({ headers: [TEXT], body: "short" }),
  ])("HEAD says what GET says of %s", async (path) => {
    const [long, short] = [await get(path), await head(path)]
    for (const name of ["content-type", "vary", "etag", "accept-ranges"])
      expect([name, short.headers[name]]).toEqual([name, long.headers[name]])
    // Of what is compressed nobody knows the length before.
    const length = short.headers["content-length"]
    expect(length === undefined || length === long.headers["content-length"]).toBe(true)
    if (length !== undefined || path.startsWith("/express"))
      expect(short.headers["content-encoding"]).toBe(long.headers["content-encoding"])
    expect(short.body.length).toBe(0)
  })
})

describe("a static file of an app with compression", () => {
  const path = "/express/pages/page.txt"

  it("is compressed, with a weak validator that leads to 304", async () => {
    const [plain, first] = [await get(path, {}), await get(path)]
    expect(first.headers["content-encoding"]).toBe("gzip")
    expect(decoded(first)).toBe(plain.text)
    expect(first.headers.vary).toBe("Accept-Encoding")
    expect(first.headers.etag).toMatch(/^W\//)
    const etag = first.headers.etag as string
    const second = await get(path, { "accept-encoding": "gzip", "if-none-match": etag })
    expect([second.status, second.headers.etag]).toEqual([304, etag])
  })

  it("gives its parts as they are, and HEAD says what GET would", async () => {
    const part = await get(path, { "accept-encoding": "gzip", range: "bytes=5-9" })
    expect([part.status, part.text, part.headers["content-encoding"]]).toEqual([206, "0 of ", undefined])
    const { headers } = await head(path)
    expect(headers["content-encoding"]).toBe("gzip")
    expect(headers["content-length"]).toBeUndefined()
  })
})

describe("around an answer", () => {
  it("request bodies pass as they are, coded or not", async () => {
    const body = Buffer.alloc(200_000, 1)
    const headers = { "accept-encoding": "gzip", "content-encoding": "gzip" }
    const answer = await host.ask("/express/upload", { method: "PUT", headers, body })
    expect(JSON.parse(decoded(answer))).toMatchObject({ bytes: 200_000, coding: "gzip" })
    expect(answer.headers["content-encoding"]).toBe("gzip")
  })

  it("what an app asks of another is not compressed, whatever it passes on", async () => {
    const answer = await get("/caller/call")
    expect(JSON.parse(answer.text)).toEqual({ coding: null, bytes: 5000 })
  })

  it("an embedding program gets it as it asked", async () => {
    const ask = (headers: Record<string, string>): Promise<Response> =>
      host.host.fetch(new Request(new URL(say(LONG), host.url), { headers }))
    const answer = await ask({ "accept-encoding": "br" })
    expect(answer.headers.get("content-encoding")).toBe("br")
    expect((await answer.bytes()).length).toBeLessThan(200)
    expect((await ask({})).headers.get("content-encoding")).toBeNull()
  })

  it("of an app without compression nothing changes", async () => {
    const answer = await get(`/caller${say(LONG).slice("/fetch".length)}`)
    expect(answer.headers["content-encoding"]).toBeUndefined()
    expect(answer.headers.vary).toBeUndefined()
  })
})
