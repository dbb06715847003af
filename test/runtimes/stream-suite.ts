/** Bodies in motion: both ways at once, at any size, as fast as the slower side, and what happens when one side leaves. */
import { type IncomingMessage, request } from "node:http"
import { describe, expect, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { TestHost } from "../support/harness.ts"
import { type Answer, type Ask, collect, open } from "../support/http-client.ts"
import { residentBytes } from "../support/processes.ts"
import type { TestRuntime } from "../support/table.ts"
import { onRuntime, suiteHost } from "./suite-host.ts"

const MIB = 1024 * 1024
/** More than any window and socket buffer together, less than what a flat process may grow. */
const TOTAL = 8 * MIB

export function streamSuite(runtime: TestRuntime): void {
  describe(`streams of a fetch app on ${runtime.name} ${runtime.asked}`, () => {
    const host = suiteHost(runtime, { behaviours: { entry: "app.mjs" } })
    const ask = (path: string, options: Omit<Ask, "path"> = {}): Promise<Answer> =>
      host().ask(`/behaviours/${path}`, options)
    const seen = async () => JSON.parse((await ask("seen")).text)

    test.each([
      ["stream", "one two three"],
      ["stream-text", "ab"],
      ["stream-bytes-source", "\u0003\u0002\u0001"],
      ["stream-empty-chunks", "xy"],
      ["stream-async", Array.from({ length: 20 }, (_, i) => `${i} `).join("")],
    ])("%s arrives whole", async (path, expected) => {
      const answer = await ask(path)
      const expectedBytes = path === "stream-text" ? "ab" : expected
      expect([answer.status, answer.text, answer.cut]).toEqual([200, expectedBytes, false])
    })

    test("a download of 8 MiB is what the app sent", async () => {
      const answer = await ask("download", { headers: { "x-bytes": String(TOTAL) } })
      expect([answer.body.length, answer.cut]).toEqual([TOTAL, false])
      expect(checksum(answer.body)).toBe((await seen()).checksum)
    })

    test("an upload of 8 MiB is what the client sent, with a length and chunked", async () => {
      const body = pattern(TOTAL)
      const expected = `${TOTAL} ${checksum(body)}`
      expect((await ask("upload", { method: "POST", body })).text).toBe(expected)
      const chunked = { method: "POST", body, headers: { "transfer-encoding": "chunked" } }
      expect((await ask("upload", chunked)).text).toBe(expected)
      expect((await ask("text", { method: "POST", body: Buffer.alloc(TOTAL, 97) })).body.length).toBe(TOTAL)
    })

    test("an echo of 8 MiB runs both ways at once", async () => {
      const body = pattern(TOTAL)
      const answer = await ask("echo", { method: "POST", body })
      expect(answer.body.equals(body)).toBe(true)
    })

    test("the answer begins before the request has ended", async () => {
      const outgoing = request(host().url, { method: "POST", path: "/behaviours/duplex", agent: false })
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.once("response", resolve)
        outgoing.once("error", reject)
      })
      outgoing.write("first ")
      const response = await within(5000, "the head before the request's end", answered)
      const [first] = await within(5000, "the first chunk", once(response, "data"))
      expect(String(first)).toBe("FIRST ")
      outgoing.write("second")
      const [second] = await within(5000, "the second chunk", once(response, "data"))
      expect(String(second)).toBe("SECOND")
      const ended = collect(response)
      outgoing.end()
      expect((await within(5000, "the end", ended)).cut).toBe(false)
    })

    test("an answer that does not wait for the upload frees the connection for the next request", async () => {
      const answer = await ask("early", { method: "POST", body: pattern(MIB) })
      expect(answer.text).toBe("early")
      expect((await ask("hello")).text).toBe("hello")
    })

    test("events arrive at once, and the stream is cancelled when the client leaves", async () => {
      const response = await within(
        5000,
        "the head of the events",
        open(host().url, { path: "/behaviours/sse" }),
      )
      const [first] = await within(5000, "the first event", once(response, "data"))
      expect(String(first)).toBe("data: first\n\n")
      const second = once(response, "data")
      await ask("sse-next")
      expect(String((await within(1000, "the second event", second))[0])).toBe("data: second\n\n")
      response.on("error", () => undefined)
      response.destroy()
      await eventually(5000, "the cancel of the stream", async () => (await seen()).cancelled.includes("sse"))
    })

    test("an endless answer to a client that does not read stands still, and costs nobody memory", async () => {
      const before = process.memoryUsage().rss
      const response = await within(5000, "the head", open(host().url, { path: "/behaviours/endless" }))
      response.on("error", () => undefined)
      let last = -1
      const produced = await eventually(15_000, "the app to stand still", async () => {
        const now = (await seen()).produced
        const still = now === last && now > 0
        last = now
        return still && now
      })
      // Socket buffers of the kernel, two windows, and what each stream holds.
      expect(produced).toBeLessThan(24 * MIB)
      expect(process.memoryUsage().rss - before).toBeLessThan(96 * MIB)
      expect(residentBytes(host().pidOf("behaviours"))).toBeLessThan(400 * MIB)
      response.destroy()
      await eventually(5000, "the cancel of the stream", async () =>
        (await seen()).cancelled.includes("endless"),
      )
    })

    test("request.signal and ctx.signal fire when the client leaves", async () => {
      const outgoing = request(host().url, { path: "/behaviours/hang", agent: false })
      outgoing.on("error", () => undefined)
      outgoing.end()
      await eventually(
        5000,
        "the request in flight",
        () => host().app("behaviours").instances[0]?.inFlight === 1,
      )
      const leftAtMs = Date.now()
      outgoing.destroy()
      const aborted = await eventually(5000, "the abort", async (): Promise<string[] | null> => {
        const list = (await seen()).aborted as string[]
        return list.length >= 2 ? list : null
      })
      expect(aborted.map((it) => it.split(" ")[0]).sort()).toEqual(["ctx", "request"])
      for (const it of aborted) expect(Number(it.split(" ")[1]) - leftAtMs).toBeLessThan(500)
      await eventually(1000, "nothing in flight", () => host().app("behaviours").instances[0]?.inFlight === 0)
    })

    test("reading the body rejects when the client leaves half-way", async () => {
      const outgoing = request(host().url, {
        method: "POST",
        path: "/behaviours/hang-body",
        headers: { "content-length": "100" },
        agent: false,
      })
      outgoing.on("error", () => undefined)
      outgoing.write("half")
      await eventually(
        5000,
        "the request in flight",
        () => host().app("behaviours").instances[0]?.inFlight === 1,
      )
      outgoing.destroy()
      await eventually(5000, "the rejection", async () => (await seen()).errors.includes("AbortError"))
    })
  })

  test(`a stop runs close and waits for waitUntil on ${runtime.name} ${runtime.asked}`, async () => {
    const host = await TestHost.start({ behaviours: { entry: "app.mjs", ...onRuntime(runtime) } })
    try {
      await host.ask("/behaviours/wait-until")
      await host.ask("/behaviours/log-at-close")
      await within(10_000, "the stop", host.host.stop("behaviours"))
      await host.logged(/"app":"behaviours".*"message":"info: waited until now"/)
      await host.logged(/"app":"behaviours".*"message":"info: closed now"/)
      expect((await host.ask("/behaviours/hello")).status).toBe(503)
    } finally {
      await host.close()
    }
  })
}

function once(emitter: IncomingMessage, event: string): Promise<unknown[]> {
  return new Promise((resolve) => emitter.once(event, (...values: unknown[]) => resolve(values)))
}

/** Adler-32, as the app makes it. */
function checksum(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  for (let i = 0; i < bytes.length; i++) {
    a = (a + bytes[i]!) % 65521
    b = (b + a) % 65521
  }
  return ((b << 16) | a) >>> 0
}

function pattern(bytes: number): Buffer {
  const all = Buffer.alloc(bytes)
  for (let i = 0; i < bytes; i += 4096) all.writeUInt32LE(i, i)
  return all
}
