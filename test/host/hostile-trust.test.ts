/** Who a client says it is, what an app says that is no answer, and the pages that errors are answered with. */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ask } from "../support/http-client.ts"
import { answersIn, HostileRig, head } from "./hostile-rig.ts"

const SPOOFED = [
  "X-Forwarded-For: 6.6.6.6",
  "x-forwarded-for: 7.7.7.7",
  "X_Forwarded_For: 6.6.6.6",
  "X-Forwarded_For: 6.6.6.6",
  "X-Forwarded-Proto: https",
  "X_FORWARDED_PROTO: https",
  "X-Forwarded-Host: evil.example",
  "X-Forwarded-Port: 666",
  "X-Forwarded-Prefix: /evil",
  "X-Forwarded-Ssl: on",
  "X-Real-IP: 6.6.6.6",
  "X_Real_IP: 6.6.6.6",
  "X-Request-Id: evil",
  "X_Request_Id: evil",
  "Forwarded: for=6.6.6.6;proto=https",
]

interface Context {
  url: string
  address: string
  headers: [string, string][]
}

async function contextOf(rig: HostileRig, lines: readonly string[]): Promise<Context> {
  const bytes = head("GET /context HTTP/1.1", "Host: honest.example", "Connection: close", ...lines)
  return JSON.parse(answersIn(await rig.send(bytes))[0]!.body)
}

describe("forwarded lines", () => {
  test("of an untrusted peer are replaced, with _ and in any case", async () => {
    const rig = await HostileRig.start()
    try {
      const { url, address, headers } = await contextOf(rig, SPOOFED)
      expect([url, address]).toEqual(["http://honest.example/context", "127.0.0.1"])
      const forwarded = headers.filter(([name]) => /^(?:x[-_](?:f|real|req)|forwarded)/i.test(name))
      expect(Object.fromEntries(forwarded)).toEqual({
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "honest.example",
        "x-request-id": expect.not.stringContaining("evil"),
      })
      // Connection cannot take the host's own lines away.
      const named = await contextOf(rig, ["Connection: X-Forwarded-For, X-Request-Id, Host"])
      expect(named.headers.map(([name]) => name)).toEqual(
        expect.arrayContaining(["host", "x-forwarded-for", "x-request-id"]),
      )
      // To a server app they are the same.
      const raw = Buffer.from("HTTP/1.1 204 No Content\r\n\r\n").toString("base64")
      expect(
        answersIn(
          await rig.send(head("GET /raw/x HTTP/1.1", "Host: a", "Connection: close", `X-Raw: ${raw}`)),
        ),
      ).toMatchObject([{ status: 204 }])
    } finally {
      await rig.close()
    }
  })

  test("of a trusted proxy say who the client is", async () => {
    const rig = await HostileRig.start({ trustProxy: ["loopback", "10.0.0.0/8"] })
    try {
      const { url, address, headers } = await contextOf(rig, [
        "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.1.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: public.example",
        "X-Request-Id: from-the-proxy",
        "X-Real-IP: 203.0.113.9",
      ])
      // The first from the right that is no proxy of ours; what stands left of it is the client's word.
      expect([url, address]).toEqual(["https://public.example/context", "203.0.113.9"])
      const all = Object.fromEntries(headers)
      expect(all).toMatchObject({
        "x-request-id": "from-the-proxy",
        "x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.1.1.1, 127.0.0.1",
        "x-forwarded-proto": "https",
        "x-real-ip": "203.0.113.9",
      })
      const bad = await contextOf(rig, [
        "X-Forwarded-Host: a b/c",
        "X-Forwarded-Proto: javascript",
        "X-Forwarded-For: nonsense",
        `X-Request-Id: ${"x".repeat(200)}`,
      ])
      expect([bad.url, bad.address]).toEqual(["http://honest.example/context", expect.any(String)])
      expect(Object.fromEntries(bad.headers)["x-request-id"]).not.toContain("xxxx")
    } finally {
      await rig.close()
    }
  })
})

describe("error pages", () => {
  let rig: HostileRig
  beforeAll(async () => {
    rig = await HostileRig.start(
      { errorPages: { "400": "host.html", NO_ROUTE: "host.html" } },
      {
        errorPages: { "5xx": "own.html", BODY_TOO_LARGE: "own.html" },
        limits: { requestBody: "1KB" },
        routes: ["app.example"],
        timeouts: { request: "1s" },
      },
    )
  })
  afterAll(() => rig?.close())

  const html = "Accept: text/html"
  test.each([
    [
      "the app's own, for a class",
      head("GET /hang HTTP/1.1", "Host: app.example", html, "Connection: close"),
      504,
      "a page of the app's own",
    ],
    [
      "the app's own, for a code",
      head("POST / HTTP/1.1", "Host: app.example", html, "Content-Length: 5000"),
      413,
      "a page of the app's own",
    ],
    [
      "the host's own, for no app",
      head("GET / HTTP/1.1", "Host: other.example", html, "Connection: close"),
      404,
      "a page of the host's own",
    ],
    [
      "the host's own, for a bad request",
      head("GET / HTTP/1.1", "Host: a", html, "Content-Length: x"),
      400,
      "a page of the host's own",
    ],
    ["a plain page", head("GET / HTTP/1.1", "Host: a", html, "Expect: rain"), 417, "<"],
  ])("%s", async (_what, bytes, status, text) => {
    const [answer] = answersIn(await rig.send(bytes))
    expect(answer).toMatchObject({ status, body: expect.stringContaining(text) })
  })

  test("HEAD gets the head of a page only", async () => {
    const text = await rig.send(head("HEAD / HTTP/1.1", "Host: other.example", "Connection: close"))
    expect(text).toMatch(/^HTTP\/1\.1 404 [\s\S]*\r\n\r\n$/)
  })

  test("say nothing of what was sent", async () => {
    for (const bytes of [
      head("GET /<script>alert(1)</script> HTTP/1.1", "Host: nobody.example", html, "Connection: close"),
      head("GET / HTTP/1.1", 'Host: "><script>', html),
      head("GET / HTTP/1.1", "Host: a", html, "X<script>: 1"),
    ])
      expect(await rig.send(bytes)).not.toContain("<script>")
  })
})

describe("answers that would be two", () => {
  let rig: HostileRig
  beforeAll(async () => {
    rig = await HostileRig.start()
  })
  afterAll(() => rig?.close())

  const INJECTED = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\ninjected"
  test.each([
    ["a bare CR in a value", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: evil\r\nContent-Length: 0\r\n\r\n"],
    ["a bare LF in a value", "HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: evil\r\nContent-Length: 0\r\n\r\n"],
    ["NUL in a value", "HTTP/1.1 200 OK\r\nX: a\0evil\r\nContent-Length: 0\r\n\r\n"],
    ["a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n evil\r\nContent-Length: 0\r\n\r\n"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nX : evil\r\nContent-Length: 0\r\n\r\n"],
    ["two lengths", `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\nevil`],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nevil",
    ],
    ["a coding that is not chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: evil\r\n\r\nevil"],
    ["a CR in the reason", "HTTP/1.1 200 O\rX: evil\r\nContent-Length: 0\r\n\r\n"],
    ["no HTTP", "evil\r\n\r\n"],
    [
      "101 that nobody asked for",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: upgrade\r\n\r\n",
    ],
  ])("of a server app with %s are 502, and the client hears nothing of it", async (_what, raw) => {
    const encoded = Buffer.from(raw, "latin1").toString("base64")
    const text = await rig.send(
      head("GET /raw/x HTTP/1.1", "Host: a", `X-Raw: ${encoded}`) +
        head("GET /raw/hello HTTP/1.1", "Host: a", "Connection: close"),
    )
    const answers = answersIn(text)
    expect(answers[0]).toMatchObject({ status: 502 })
    expect(answers[1]).toMatchObject({ status: 200, body: "hello" })
    expect(answers).toHaveLength(2)
    expect(text.toLowerCase()).not.toContain("evil")
  })

  test("of a server app, in what comes after one, are nobody's", async () => {
    const raw = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${INJECTED}`).toString("base64")
    const text = await rig.send(
      head("GET /raw/x HTTP/1.1", "Host: a", `X-Raw: ${raw}`) +
        head("GET /raw/hello HTTP/1.1", "Host: a", "Connection: close"),
    )
    expect(answersIn(text).map(({ body }) => body)).toEqual(["ok", "hello"])
  })

  test.each(["/split-value", "/split-name"])("of a fetch app (%s) never reach a client", async (path) => {
    const answer = await ask(rig.url, { path })
    // Whether the guest reads what the app shows or what the Response is, the host checks what comes of it.
    expect([200, 500, 502]).toContain(answer.status)
    expect(answer.rawHeaders.join(" ").toLowerCase()).not.toContain("evil")
  })
})
