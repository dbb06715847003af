/** Bodies that come in pieces: what comes out is what went in, when it went in, and nothing piles up. */
import { execFile } from "node:child_process"
import type { IncomingMessage } from "node:http"
import { join } from "node:path"
import { promisify } from "node:util"
import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, standsStill, within } from "../support/deadline.ts"
import { TestHost } from "../support/harness.ts"
import { collect, open } from "../support/http-client.ts"
import { CODINGS, decoded, LONG, say, TEXT } from "./decode.ts"

const APPS = join(import.meta.dirname, "apps")
const MIB = 1024 * 1024
let host: TestHost

beforeAll(async () => {
  host = await TestHost.start({
    fetch: { dir: join(APPS, "fetch"), entry: "app.mjs", compression: true },
    express: { dir: join(APPS, "express"), entry: "server.mjs", compression: true },
  })
})
afterAll(() => host.close())

const opened = (path: string, coding: string): Promise<IncomingMessage> =>
  open(host.url, { path, headers: { "accept-encoding": coding } })

async function counts(): Promise<{ cancelled: number; produced: number }> {
  return JSON.parse((await host.ask("/fetch/counts")).text)
}

function decoder(coding: (typeof CODINGS)[number]) {
  return coding === "gzip"
    ? createGunzip()
    : coding === "br"
      ? createBrotliDecompress()
      : createZstdDecompress()
}

describe("a body in pieces", () => {
  const pieces = fc.array(
    fc.record({
      text: fc.string({ unit: "grapheme", maxLength: 40 }),
      times: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 4000 })),
      rest: fc.boolean(),
    }),
    { maxLength: 12 },
  )

  it.each(CODINGS)("comes out of %s as it went in", async (coding) => {
    await fc.assert(
      fc.asyncProperty(pieces, async (chunks) => {
        const body = JSON.stringify({ headers: [TEXT], chunks })
        const headers = { "accept-encoding": coding }
        const answer = await host.ask("/fetch/say", { method: "POST", headers, body })
        expect(answer.cut).toBe(false)
        const text = chunks.map(({ text, times }) => text.repeat(times)).join("")
        if (text.length > 1024) expect(answer.headers["content-encoding"]).toBe(coding)
        expect(decoded(answer)).toBe(text)
      }),
      { numRuns: 25 },
    )
  })

  it.each(CODINGS)("is not held back by %s", async (coding) => {
    const message = await opened("/fetch/gate", coding)
    expect(message.headers["content-encoding"]).toBe(coding)
    let text = ""
    const whole = message.pipe(decoder(coding))
    whole.on("data", (piece: Buffer) => {
      text += piece.toString()
    })
    // The app waits to be told before it goes on.
    await eventually(5000, "the first piece", () => text === "first\n")
    await host.ask("/fetch/open")
    await eventually(5000, "the second piece", () => text === "first\nsecond\n")
  })

  it("is decoded by curl --compressed", async () => {
    const url = new URL(say({ ...LONG, times: 30_000 }), host.url).href
    const curl = await promisify(execFile)("curl", ["-sS", "--compressed", "-w", "%{size_download}", url])
    const bytes = Number(curl.stdout.slice(150_000))
    expect(curl.stdout.slice(0, 150_000)).toBe("long ".repeat(30_000))
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThan(5000)
  })

  it("keeps its trailers, but for those that say what its bytes were", async () => {
    const message = await opened("/express/trailers", "gzip")
    const answer = await collect(message)
    expect(decoded(answer)).toMatch(/^The quick brown fox/)
    expect(message.trailers).toEqual({ "x-sum": "42" })
  })
})

describe("an answer that is cut", () => {
  it.each(["/fetch/breaks", "/express/liar"])("by its app is not whole for the client (%s)", async (path) => {
    const answer = await collect(await opened(path, "gzip"))
    expect(answer.headers["content-encoding"]).toBe("gzip")
    expect(answer.cut).toBe(true)
  })

  it("by its client ends in the app, and its memory is free again", async () => {
    const before = (await counts()).cancelled
    const rounds = 200
    let startBytes = 0
    for (let i = 0; i < rounds; i++) {
      if (i === 60) startBytes = process.memoryUsage().rss
      const message = await opened("/fetch/flood?mib=1000", "br")
      await within(5000, "the first bytes", new Promise((resolve) => message.once("data", resolve)))
      message.destroy()
    }
    await eventually(
      5000,
      "the end of every answer",
      async () => (await counts()).cancelled === before + rounds,
    )
    // Each had more than half a MiB.
    expect((process.memoryUsage().rss - startBytes) / MIB).toBeLessThan(50)
  })
})

describe("a long body", () => {
  it("for a client that does not read is not produced", async () => {
    const before = (await counts()).produced
    const message = await opened("/fetch/flood?mib=256", "zstd")
    message.pause()
    let produced = 0
    const ask = setInterval(async () => {
      produced = (await counts()).produced - before
    }, 20)
    await standsStill(10_000, "what the app produced", () => produced, 400)
    clearInterval(ask)
    message.destroy()
    expect(produced).toBeGreaterThan(0)
    expect(produced / MIB).toBeLessThan(32)
  })

  it("of 64 MiB leaves the host's memory flat", async () => {
    const coding = "zstd"
    const startBytes = process.memoryUsage().rss
    const message = await opened("/fetch/flood?mib=64", coding)
    let bytes = 0
    let mostBytes = 0
    const whole = message.pipe(decoder(coding))
    whole.on("data", (piece: Buffer) => {
      bytes += piece.length
      mostBytes = Math.max(mostBytes, process.memoryUsage.rss())
    })
    await within(25_000, "the end of 64 MiB", new Promise((resolve) => whole.once("end", resolve)))
    expect(bytes).toBe(64 * MIB)
    expect((mostBytes - startBytes) / MIB).toBeLessThan(64)
  })
})
