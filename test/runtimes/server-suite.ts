/** Unmodified servers behind the host: what they see, what their clients see, and connections that they close. */
import { createHash } from "node:crypto"
import { Agent } from "node:http"
import { describe, expect, onTestFinished, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { type Answer, type Ask, ask as askAt, open } from "../support/http-client.ts"
import { testUnless } from "../support/known-limit.ts"
import type { TestRuntime } from "../support/table.ts"
import { suiteHost } from "./suite-host.ts"

const TOTAL = 8 * 1024 * 1024

export function serverSuite(runtime: TestRuntime): void {
  // Before 2.9 Deno's node:http stands on Deno.serve, and Bun's first of 1.2 on Bun.serve: their sockets cannot be destroyed,
  // and nobody hears of a client that left.
  const minor = Number(runtime.version.split(".")[1])
  const isNode = runtime.name === "node" || runtime.name === "thread"
  const realSockets = runtime.version !== "1.2.0" && (runtime.name !== "deno" || minor >= 9)

  describe(`node:http server on ${runtime.name} ${runtime.asked}`, () => {
    const host = suiteHost(runtime, { "server-behaviours": { entry: "app.cjs" } })
    const ask = (path: string, options: Omit<Ask, "path"> = {}): Promise<Answer> =>
      host().ask(`/server-behaviours/${path}`, options)

    test("is a server on the version that was asked for; other listens are not its face", async () => {
      const app = host().app("server-behaviours")
      expect([app.interface, app.runtime.version]).toEqual(["server", runtime.version])
      expect((await ask("pid")).text).toBe(String(host().pidOf("server-behaviours")))
    })

    test("sees header lines in the client's case, order and number, hop-by-hop and spoofed ones gone", async () => {
      const { text } = await ask("raw?q=1", {
        method: "DELETE",
        headers: [
          ...["Host", "a.example", "X-MiXeD", "1", "x-two", "a", "X-Two", "b", "Cookie", "c=1"],
          ...[
            "X-Forwarded-For",
            "6.6.6.6",
            "X-Forwarded-Host",
            "evil",
            "x-real-ip",
            "6.6.6.6",
            "Forwarded",
            "for=6.6.6.6",
          ],
          ...["Connection", "x-hop, keep-alive", "X-Hop", "1", "TE", "trailers", "Proxy-Connection", "close"],
        ],
      })
      const seen = JSON.parse(text) as { method: string; url: string; rawHeaders: string[] }
      expect([seen.method, seen.url]).toEqual(["DELETE", "/raw?q=1"])
      const pairs = seen.rawHeaders.flatMap((name, i, all) => (i % 2 === 0 ? [[name, all[i + 1]]] : []))
      const of = (name: string) =>
        pairs.filter(([it]) => it?.toLowerCase() === name).map(([, value]) => value)
      expect(of("host")).toEqual(["a.example"])
      expect(of("x-forwarded-for")).toEqual(["127.0.0.1"])
      expect(of("x-forwarded-host")).toEqual(["a.example"])
      for (const name of ["x-real-ip", "forwarded", "x-hop", "te", "proxy-connection"])
        expect(of(name)).toEqual([])
      // Deno's own server lower-cases what node:http reports.
      const names = pairs.map(([name]) => name)
      if (isNode) {
        expect(names.slice(0, 5)).toEqual(["Host", "X-MiXeD", "x-two", "X-Two", "Cookie"])
        expect(of("x-two")).toEqual(["a", "b"])
      } else expect(of("x-two").join(", ")).toBe("a, b")
    })

    test("its answer's lines keep case and number; its connection fields stay behind", async () => {
      const { rawHeaders, headers } = await ask("headers")
      if (runtime.name !== "deno") expect(rawHeaders).toContain("X-CamelCase")
      expect(headers["set-cookie"]).toEqual(["a=1", "b=2"])
      expect(headers["x-many"]).toBe("1, 2")
      expect(headers["keep-alive"]).not.toBe("timeout=77")
    })

    test("may answer with a head of 60 KB", async () => {
      const { text, rawHeaders } = await ask("large-head", { maxHeaderSize: 128 * 1024 })
      const large = rawHeaders.filter((name) => name.toLowerCase().startsWith("x-large-"))
      expect([text, large.length]).toEqual(["large", 60])
    })

    test("8 MiB each way, chunked and with a length", async () => {
      const body = Buffer.alloc(TOTAL, "polyhost")
      const expected = `${TOTAL} ${createHash("sha256").update(body).digest("hex")}`
      expect((await ask("upload", { method: "POST", body })).text).toBe(expected)
      const chunked = { method: "POST", body, headers: { "transfer-encoding": "chunked" } }
      expect((await ask("upload", chunked)).text).toBe(expected)
      const echo = await ask("echo", { method: "POST", body })
      expect(echo.body.equals(body)).toBe(true)
      const download = await ask("download", { headers: { "x-bytes": String(TOTAL) } })
      expect([download.body.length, download.cut]).toEqual([TOTAL, false])
    })

    test("connections that the app closes after its keepAliveTimeout cost no request", async () => {
      const agent = new Agent({ keepAlive: true })
      onTestFinished(() => agent.destroy())
      const untilMs = performance.now() + 1500
      let count = 0
      while (performance.now() < untilMs) {
        const answers = await Promise.all(
          [1, 2, 3].map(() => askAt(host().url, { path: "/server-behaviours/pid", agent })),
        )
        for (const answer of answers) expect(answer.status).toBe(200)
        count += answers.length
        // Around the app's 50 ms, so that some requests meet its close.
        await new Promise((resolve) => setTimeout(resolve, 40 + (count % 24)))
      }
    })

    test.each(
      realSockets ? ["cut", "cut-length"] : [],
    )("an answer that the app cuts is cut for the client: %s", async (path) => {
      const answer = await ask(path).catch(() => undefined)
      expect(answer === undefined || answer.cut).toBe(true)
    })

    testUnless(!realSockets, "no answer, or one that is not HTTP, is 502", async () => {
      const none = await ask("cut-before", { method: "POST", body: "x" })
      expect([none.status, JSON.parse(none.text).code]).toEqual([502, "APP_CRASHED"])
      if (!isNode) return
      const garbage = await ask("garbage")
      expect([garbage.status, JSON.parse(garbage.text).code]).toEqual([502, "APP_RESPONSE_INVALID"])
    })

    test("an answer given before the upload is read arrives", async () => {
      const body = Buffer.alloc(2 * 1024 * 1024)
      const early = await ask("early-keep", { method: "POST", body })
      expect([early.status, early.text]).toEqual([200, "did not read it"])
      for (let i = 0; i < 5; i++) {
        const refused = await ask("early", { method: "POST", body })
        expect([refused.status, refused.text]).toEqual([413, "too large for me"])
      }
      await eventually(
        5000,
        "nothing in flight",
        () => host().app("server-behaviours").instances[0]?.inFlight === 0,
      )
    })

    test("HEAD, 204, 404 and an interim answer", async () => {
      const head = await ask("pid", { method: "HEAD" })
      expect([head.status, head.text, head.cut]).toEqual([200, "", false])
      const empty = await ask("no-content")
      expect([empty.status, empty.text]).toEqual([204, ""])
      const missing = await ask("missing")
      expect([missing.status, missing.text]).toEqual([404, "not found in the app"])
      expect((await ask("status-text")).status).toBe(299)
      if (isNode) expect((await ask("early-hints")).text).toBe("after hints")
    })

    testUnless(!realSockets, "sees that a client left", async () => {
      const response = await within(5000, "the head", open(host().url, { path: "/server-behaviours/closed" }))
      response.on("error", () => undefined)
      response.destroy()
      await eventually(5000, "the close event", async () => {
        const { opened, closed } = JSON.parse((await ask("seen")).text)
        return opened > 0 && closed >= opened
      })
    })
  })
}
