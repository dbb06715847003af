/** Bodies of any size, both ways: whole, as fast as the slower side, in bounded memory; and their content codings. */
import { createHash } from "node:crypto"
import type { ServerResponse } from "node:http"
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib"
import { afterEach, describe, expect, test } from "vitest"
import { ReadableStream } from "../../runtimes/isolate/web/streams/index.ts"
import { eventually, standsStill, within } from "../support/deadline.ts"
import { callingFrom, closeAll, moment, reasonOf, serve } from "./calling.ts"

afterEach(closeAll)

const CHUNK = 64 * 1024
const BIG = 10 * 1024 * 1024

/** Most that may be on its way: windows of 64 KiB, and the system's socket buffers, which grow to several megabytes. */
const IN_FLIGHT = 16 * 1024 * 1024

function chunkAt(at: number): Uint8Array {
  return new Uint8Array(CHUNK).fill((at / CHUNK) % 251)
}

const DIGEST = (() => {
  const hash = createHash("sha256")
  for (let at = 0; at < BIG; at += CHUNK) hash.update(chunkAt(at))
  return hash.digest("hex")
})()

/** Writes as much as is taken; `sent` counts what was handed over. */
function pour(response: ServerResponse, sent: (bytes: number) => void, end = BIG): void {
  let at = 0
  const go = (): void => {
    while (at < end && !response.destroyed) {
      const chunk = chunkAt(at)
      at += chunk.length
      sent(chunk.length)
      if (!response.write(chunk)) {
        response.once("drain", go)
        return
      }
    }
    response.end()
  }
  go()
}

test("10 MB arrive whole, at once and by a stream", async () => {
  const origin = await serve((_request, response) => pour(response, () => undefined))
  const { fetch } = callingFrom([origin])
  const whole = await (await fetch(origin)).bytes()
  expect(createHash("sha256").update(whole).digest("hex")).toBe(DIGEST)
  const hash = createHash("sha256")
  for await (const chunk of (await fetch(origin)).body! as unknown as AsyncIterable<Uint8Array>)
    hash.update(chunk)
  expect(hash.digest("hex")).toBe(DIGEST)
})

test("10 MB leave whole, at once and by a stream", async () => {
  const origin = await serve((request, response) => {
    const hash = createHash("sha256")
    request.on("data", (piece: Buffer) => hash.update(piece))
    request.on("end", () => response.end(hash.digest("hex")))
  })
  const { fetch } = callingFrom([origin])
  const whole = new Uint8Array(BIG)
  for (let at = 0; at < BIG; at += CHUNK) whole.set(chunkAt(at), at)
  expect(await (await fetch(origin, { method: "POST", body: whole })).text()).toBe(DIGEST)
  let at = 0
  const body = new ReadableStream({
    pull(controller) {
      if (at >= BIG) return controller.close()
      controller.enqueue(chunkAt(at))
      at += CHUNK
    },
  })
  expect(await (await fetch(origin, { method: "POST", body, duplex: "half" })).text()).toBe(DIGEST)
})

test("a server is not read faster than the app reads", async () => {
  let sent = 0
  const origin = await serve((_request, response) => pour(response, (bytes) => (sent += bytes), 100 * BIG))
  const { fetch } = callingFrom([origin])
  const response = await fetch(origin)
  await standsStill(10_000, "the server", () => sent)
  expect(sent).toBeLessThan(IN_FLIGHT)
  const before = sent
  const reader = response.body!.getReader()
  for (let read = 0; read < 2 * IN_FLIGHT; ) read += (await reader.read()).value?.length ?? 0
  expect(sent).toBeGreaterThan(before)
  await reader.cancel()
})

test("an answer that the app does not read is dropped in the end, be it whole in the cell or not", async () => {
  const origin = await serve((request, response) =>
    response.end(Buffer.alloc(request.url === "/most" ? 70_000 : BIG)),
  )
  const { fetch, open } = callingFrom([origin], { timeouts: { idleMs: 200 } })
  const responses = [await fetch(`${origin}/most`), await fetch(`${origin}/part`)]
  await eventually(5000, "the calls to end", () => open() === 0)
  for (const response of responses) await expect(response.text()).rejects.toThrow("terminated")
})

test("an app's stream is not read faster than the server reads", async () => {
  const origin = await serve((request) => request.pause())
  const { fetch } = callingFrom([origin])
  let pulled = 0
  const cancelled = moment()
  const body = new ReadableStream({
    pull(controller) {
      pulled += CHUNK
      controller.enqueue(chunkAt(pulled))
    },
    cancel: () => cancelled.resolve(),
  })
  const calling = fetch(origin, { method: "POST", body, duplex: "half" })
  calling.catch(() => undefined)
  await standsStill(10_000, "the app's stream", () => pulled)
  expect(pulled).toBeGreaterThan(0)
  expect(pulled).toBeLessThan(2 * IN_FLIGHT)
  await closeAll()
  await within(5000, "the stream to be cancelled", cancelled.promise)
})

test("an answer may come while the request still goes", async () => {
  const origin = await serve((request, response) => {
    response.flushHeaders()
    request.pipe(response)
  })
  const { fetch } = callingFrom([origin])
  let push = (_text: string): void => undefined
  let close = (): void => undefined
  const body = new ReadableStream({
    start(controller) {
      push = (text) => controller.enqueue(new TextEncoder().encode(text))
      close = () => controller.close()
    },
  })
  const response = await within(5000, "a head", fetch(origin, { method: "POST", body, duplex: "half" }))
  const reader = response.body!.getReader()
  for (const word of ["ping", "pong"]) {
    push(word)
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(word)
  }
  close()
  expect((await reader.read()).done).toBe(true)
})

test("a server that answers before it has the whole request ends the app's stream, and the connection ends", async () => {
  const closed = moment()
  const origin = await serve((request, response) => {
    request.socket.once("close", () => closed.resolve())
    response.writeHead(413).end("too much")
  })
  const { fetch } = callingFrom([origin])
  const cancelled = moment()
  const body = new ReadableStream({ cancel: () => cancelled.resolve() })
  const response = await fetch(origin, { method: "POST", body, duplex: "half" })
  expect([response.status, await response.text()]).toEqual([413, "too much"])
  await within(2000, "the stream to be cancelled", cancelled.promise)
  await within(2000, "the connection to end", closed.promise)
})

test("the long body of a redirect is not read to its end", async () => {
  const closed = moment()
  const origin = await serve((request, response) => {
    if (request.url === "/end") return response.end("there")
    response.once("close", () => closed.resolve())
    response.writeHead(302, { Location: "/end" })
    return pour(response, () => undefined, 100 * BIG)
  })
  const { fetch, open } = callingFrom([origin])
  expect(await (await fetch(origin)).text()).toBe("there")
  await within(2000, "the answer to be dropped", closed.promise)
  await eventually(2000, "the calls to end", () => open() === 0)
})

test("a stream may use one buffer for all its chunks", async () => {
  const origin = await serve((request, response) => request.pipe(response))
  const { fetch } = callingFrom([origin])
  const buffer = new Uint8Array(16 * 1024)
  let round = 0
  const body = new ReadableStream(
    {
      pull(controller) {
        if (round === 8) return controller.close()
        controller.enqueue(buffer.fill(++round))
      },
    },
    { highWaterMark: 0 },
  )
  const echoed = await (await fetch(origin, { method: "POST", body, duplex: "half" })).bytes()
  expect(echoed).toHaveLength(8 * buffer.length)
  expect([...new Set(echoed)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

test("a slow upload that moves is not cut", async () => {
  const origin = await serve((request, response) => {
    request.on("end", () => response.end("whole"))
    request.resume()
  })
  const { fetch } = callingFrom([origin], { timeouts: { connectMs: 300, headMs: 300, idleMs: 300 } })
  let left = 10
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 60))
      if (left-- === 0) controller.close()
      else controller.enqueue(new Uint8Array(100))
    },
  })
  expect(await (await fetch(origin, { method: "POST", body, duplex: "half" })).text()).toBe("whole")
})

describe("content codings", () => {
  const text = "what is said twice is shorter. ".repeat(2000)
  const encode: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
    gzip: gzipSync,
    "X-GZIP": gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
    "gzip, br": (bytes) => brotliCompressSync(gzipSync(bytes)),
    "zstd, deflate": (bytes) => deflateSync(zstdCompressSync(bytes)),
    identity: (bytes) => Buffer.from(bytes),
  }

  test.each(Object.keys(encode))("%s is undone", async (coding) => {
    const origin = await serve((request, response) => {
      response.setHeader("Content-Encoding", coding)
      response.end(request.url === "/empty" ? "" : encode[coding]!(Buffer.from(text)))
    })
    const { fetch } = callingFrom([origin])
    const response = await fetch(origin)
    expect(response.headers.get("content-encoding")).toBe(coding)
    expect(await response.text()).toBe(text)
    expect(await (await fetch(origin, { method: "HEAD" })).text()).toBe("")
    expect(await (await fetch(`${origin}/empty`)).text()).toBe("")
  })

  test("bare deflate data is understood, unknown codings are left alone", async () => {
    const origin = await serve((request, response) => {
      response.setHeader("Content-Encoding", (request.url ?? "").slice(1))
      response.end(request.url === "/deflate" ? deflateRawSync(text) : "as it is")
    })
    const { fetch } = callingFrom([origin])
    expect(await (await fetch(`${origin}/deflate`)).text()).toBe(text)
    expect(await (await fetch(`${origin}/rot13`)).text()).toBe("as it is")
  })

  test("pieces that a server sends by and by arrive by and by", async () => {
    const next = moment()
    const origin = await serve((_request, response) => {
      response.setHeader("Content-Encoding", "gzip")
      response.write(gzipSync("one"))
      void next.promise.then(() => response.end(gzipSync("two")))
    })
    const { fetch } = callingFrom([origin])
    const reader = (await fetch(origin)).body!.getReader()
    expect(Buffer.from((await within(5000, "a piece", reader.read())).value!).toString()).toBe("one")
    next.resolve()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe("two")
  })

  test.each(["gzip", "deflate", "br", "zstd"])("data that is no %s fails the body", async (coding) => {
    const origin = await serve((_request, response) => {
      response.setHeader("Content-Encoding", coding)
      response.end("\u00ff this is no such data at all")
    })
    const { fetch } = callingFrom([origin])
    const response = await fetch(origin)
    await expect(response.text()).rejects.toMatchObject({ name: "TypeError", message: "terminated" })
  })

  test("too many codings are refused", async () => {
    const origin = await serve((_request, response) => {
      response.setHeader("Content-Encoding", "gzip, gzip, gzip, gzip, gzip, gzip")
      response.end("x")
    })
    const { fetch } = callingFrom([origin])
    expect(await reasonOf(fetch(origin))).toContain("6 content codings")
  })

  test("what unpacks to a gigabyte is unpacked only as the app reads", async () => {
    const piece = gzipSync(Buffer.alloc(16 << 20), { level: 9 })
    const bomb = gzipSync(Buffer.concat(Array.from({ length: 64 }, () => piece)))
    expect(bomb.length).toBeLessThan(20_000)
    const origin = await serve((_request, response) => {
      response.setHeader("Content-Encoding", "gzip, gzip")
      response.end(bomb)
    })
    const { fetch } = callingFrom([origin])
    const before = process.memoryUsage().rss
    const response = await fetch(origin)
    const reader = response.body!.getReader()
    expect((await reader.read()).value?.length).toBeGreaterThan(0)
    await standsStill(10_000, "memory", () => Math.round(process.memoryUsage().rss / (8 << 20)))
    expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20)
    await reader.cancel()
  })
})
