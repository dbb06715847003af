import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { WINDOW_BYTES } from "../../protocol/frames.ts"
import type { GuestStream } from "../../protocol/guest-stream.ts"
import { DisconnectCode } from "../../protocol/messages.ts"
import { MemoryExchange } from "./memory-exchange.ts"
import { answer, readBody, startPair, turns, until } from "./pair.ts"

const echo = (stream: GuestStream): void => {
  void readBody(stream).then((body) => answer(stream, body))
}

function bytes(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + seed) & 255)
}

describe("HostConnection and GuestConnection", () => {
  it("carry any body there and back, in pieces of any size, to clients of any speed", async () => {
    const sizes = fc.oneof(
      fc.nat(3000),
      fc.constantFrom(65_536, 65_537, WINDOW_BYTES, WINDOW_BYTES + 1, 900_000),
    )
    const arbitrary = fc.record({
      size: sizes,
      piece: fc.constantFrom(7, 1000, 1024, 70_000),
      slow: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ size, piece, slow }) => {
        const pieceBytes = size > 100_000 ? Math.max(piece, 500) : piece
        const pair = await startPair((stream) => {
          void readBody(stream).then((body) => answer(stream, body, pieceBytes))
        })
        const body = bytes(size, piece)
        const exchange = new MemoryExchange({ body, takes: slow ? 1 : Number.POSITIVE_INFINITY })
        pair.host.connection.serve(exchange)
        await until(() => {
          if (slow) exchange.read(10_000)
          return exchange.finished
        })
        expect(exchange.endings).toEqual([{ kind: "end" }])
        expect(Buffer.compare(exchange.answer, body)).toBe(0)
        expect([...exchange.misuse, ...pair.broken]).toEqual([])
        expect(pair.host.connection.inFlight).toBe(0)
        expect(pair.guest.inFlight).toBe(0)
      }),
      { numRuns: 25 },
    )
  })

  it("carry method, target, host, address, scheme and header lines unchanged", async () => {
    const seen: string[] = []
    const pair = await startPair((stream) => {
      const { bytes: head, methodAt, targetAt, hostAt, addressAt, headersAt, headersEnd, https } = stream.head
      const marks = [methodAt, targetAt, hostAt, addressAt, headersAt, headersEnd]
      for (let at = 1; at < marks.length; at++)
        seen.push(Buffer.from(head.subarray(marks[at - 1], marks[at])).toString("latin1"))
      seen.push(String(https))
      stream.respond({ status: 204, reason: "", lines: "" }, null, true)
    })
    const headers = Buffer.from("Host: a.example\r\nX-Name: v\xe9\r\n", "latin1")
    const head = {
      method: "OPTIONS",
      target: "*",
      host: "a.example",
      clientAddress: "::1",
      scheme: "https" as const,
    }
    const exchange = new MemoryExchange({ head, headers })
    pair.host.connection.serve(exchange)
    await exchange.ended
    expect(seen).toEqual(["OPTIONS", "*", "a.example", "::1", headers.toString("latin1"), "true"])
    expect(exchange.status).toBe(204)
  })

  it("carry a reason phrase", async () => {
    const pair = await startPair((stream) =>
      stream.respond({ status: 299, reason: "Quite Fine", lines: "" }, null, true),
    )
    const exchange = new MemoryExchange()
    pair.host.connection.serve(exchange)
    await exchange.ended
    expect([exchange.status, exchange.reason]).toEqual([299, "Quite Fine"])
  })

  it("inform a client that waits with 100 when the app reads, and take its body then", async () => {
    const body = bytes(600_000)
    const head = { expectsContinue: true }
    const pair = await startPair(echo)
    const read = new MemoryExchange({ head, body })
    pair.host.connection.serve(read)
    await read.ended
    expect([read.informed, read.answer.length]).toEqual([[100], body.length])

    const other = await startPair((stream) =>
      stream.respond({ status: 403, reason: "", lines: "" }, null, true),
    )
    const unread = new MemoryExchange({ head, body })
    other.host.connection.serve(unread)
    await unread.ended
    expect([unread.informed, unread.pulled]).toEqual([[], 0])
  })

  it("are full duplex: an answer streams while its request does", async () => {
    const pair = await startPair((stream) => {
      stream.events = {
        requestBody(chunk, end) {
          stream.write(chunk, end)
          if (!end) stream.credit(chunk.length)
        },
        writable: () => {},
        disconnected: () => {},
      }
      stream.respond({ status: 200, reason: "", lines: "" }, null, false)
    })
    const body = bytes(2_000_000)
    const exchange = new MemoryExchange({ body })
    pair.host.connection.serve(exchange)
    await exchange.ended
    expect(Buffer.compare(exchange.answer, body)).toBe(0)
    expect(pair.broken).toEqual([])
  })

  it("send no more than the window when nobody reads, in either direction", async () => {
    const streams: GuestStream[] = []
    let arrived = 0
    const pair = await startPair((stream) => {
      streams.push(stream)
      stream.events = {
        requestBody: (chunk) => {
          arrived += chunk.length
        },
        writable: () => {},
        disconnected: () => {},
      }
    })
    const exchange = new MemoryExchange({ body: bytes(1_000_000), takes: 1 })
    pair.host.connection.serve(exchange)
    await turns(20)
    expect(arrived).toBe(WINDOW_BYTES)
    answer(streams[0]!, bytes(1_000_000))
    await turns(20)
    expect(streams[0]!.writable).toBe(0)
    expect(exchange.receivedBytes).toBeLessThanOrEqual(64 * 1024)
    expect(exchange.misuse).toEqual([])
  })

  it("copy single-byte frames together", async () => {
    const pair = await startPair((stream) => answer(stream, bytes(20_000), 1))
    const exchange = new MemoryExchange()
    pair.host.connection.serve(exchange)
    await exchange.ended
    expect(Buffer.compare(exchange.answer, bytes(20_000))).toBe(0)
    expect(exchange.writes).toBeLessThan(100)
  })

  it("deliver the end of an answer that came while the client took nothing", async () => {
    const pair = await startPair((stream) => {
      stream.respond({ status: 200, reason: "", lines: "" }, bytes(10), false)
      stream.write(bytes(0), true)
    })
    const exchange = new MemoryExchange({ takes: 10 })
    pair.host.connection.serve(exchange)
    await turns(5)
    expect(exchange.finished).toBe(false)
    exchange.read(10)
    expect(exchange.endings).toEqual([{ kind: "end" }])
  })

  it("tell the guest that the client left, and drop its late answer", async () => {
    const streams: GuestStream[] = []
    let disconnected = 0
    const pair = await startPair((stream) => {
      streams.push(stream)
      stream.events = { requestBody: () => {}, writable: () => {}, disconnected: () => disconnected++ }
    })
    const left = new MemoryExchange()
    pair.host.connection.serve(left)
    await until(() => streams.length === 1)
    streams[0]!.respond({ status: 200, reason: "", lines: "x-late: yes\r\n" }, bytes(1000), false)
    left.leave()
    streams[0]!.write(bytes(1000), true)
    await turns(5)
    expect(left.endings).toEqual([{ kind: "left" }])
    expect(left.status).toBe(0)
    const next = new MemoryExchange()
    pair.host.connection.serve(next)
    await until(() => streams.length === 2)
    streams[1]!.respond({ status: 200, reason: "", lines: "" }, null, true)
    await next.ended
    expect(next.lines).toBe("")
    expect([...pair.broken, ...left.misuse, ...next.misuse]).toEqual([])
    expect(pair.host.closes).toEqual([])
    expect(disconnected).toBe(0)
    const third = new MemoryExchange()
    pair.host.connection.serve(third)
    await until(() => streams.length === 3)
    third.leave()
    await until(() => disconnected === 1)
    expect(pair.guest.inFlight).toBe(0)
  })

  it("end an exchange that the app gave up, with its reason", async () => {
    const codes = [DisconnectCode.appError, DisconnectCode.invalidResponse]
    const pair = await startPair((stream) =>
      stream.abort(codes.shift() ?? 0, Buffer.from("it threw".repeat(9000))),
    )
    for (const code of ["APP_ERROR", "APP_RESPONSE_INVALID"]) {
      const exchange = new MemoryExchange()
      pair.host.connection.serve(exchange)
      const ending = await exchange.ended
      expect(ending).toMatchObject({ kind: "fail", code })
      expect(ending.kind === "fail" && ending.detail.length).toBe(8192)
    }
    expect(pair.broken).toEqual([])
  })

  it("cost an invalid answer its exchange alone", async () => {
    const bad = [
      (stream: GuestStream) => stream.respond({ status: 200, reason: "", lines: "bad line\r\n" }, null, true),
      (stream: GuestStream) =>
        stream.respond({ status: 200, reason: "", lines: "a: b\nc: d\r\n" }, null, false),
      (stream: GuestStream) => stream.respond({ status: 99, reason: "", lines: "" }, null, true),
      (stream: GuestStream) =>
        stream.respond({ status: 200, reason: "", lines: `a: ${"x".repeat(80_000)}\r\n` }, null, true),
    ]
    const pair = await startPair((stream) => (bad.shift() ?? echo)(stream))
    for (let count = bad.length; count > 0; count--) {
      const exchange = new MemoryExchange()
      pair.host.connection.serve(exchange)
      expect(await exchange.ended).toMatchObject({ kind: "fail", code: "APP_RESPONSE_INVALID" })
    }
    const good = new MemoryExchange({ body: bytes(10) })
    pair.host.connection.serve(good)
    expect(await good.ended).toEqual({ kind: "end" })
    expect(pair.host.closes).toEqual([])
  })

  it("fail a request head that does not fit its fields, alone", async () => {
    const pair = await startPair(echo)
    const heads = [
      { head: { method: "M".repeat(256) } },
      { head: { target: `/${"x".repeat(65_536)}` } },
      { headers: bytes(80_000) },
    ]
    for (const options of heads) {
      const exchange = new MemoryExchange(options)
      pair.host.connection.serve(exchange)
      expect(await exchange.ended).toMatchObject({ kind: "fail", code: "HEADERS_TOO_LARGE" })
    }
    expect(pair.host.connection.inFlight).toBe(0)
  })

  it("fail everything pending on both sides when the channel ends", async () => {
    let disconnected = 0
    const pair = await startPair((stream) => {
      stream.events = { requestBody: () => {}, writable: () => {}, disconnected: () => disconnected++ }
    })
    const exchanges = Array.from({ length: 20 }, () => new MemoryExchange())
    for (const exchange of exchanges) pair.host.connection.serve(exchange)
    await until(() => pair.guest.inFlight === 20)
    pair.guestChannel.close("the guest died")
    await pair.host.closed
    for (const { endings } of exchanges)
      expect(endings).toMatchObject([{ kind: "fail", code: "APP_CRASHED" }])
    expect(disconnected).toBe(20)
    expect(pair.host.closes).toMatchObject([{ violation: false }])
    const late = new MemoryExchange()
    pair.host.connection.serve(late)
    expect(late.endings).toMatchObject([{ kind: "fail", code: "APP_CRASHED" }])
    expect(pair.broken).toEqual([])
  })

  it("fail an exchange that is served while the connection closes, with the reason of the close", async () => {
    const pair = await startPair(echo)
    pair.host.connection.close("the instance is wedged", "APP_WEDGED")
    const late = new MemoryExchange()
    pair.host.connection.serve(late)
    expect(late.endings).toMatchObject([{ kind: "fail", code: "APP_WEDGED" }])
  })

  it("carry 2,000 exchanges at once, each its own bytes", async () => {
    const pair = await startPair(echo)
    const exchanges = Array.from(
      { length: 2000 },
      (_, at) => new MemoryExchange({ body: bytes(100 + at, at) }),
    )
    for (const exchange of exchanges) pair.host.connection.serve(exchange)
    expect(pair.host.connection.inFlight).toBe(2000)
    await Promise.all(exchanges.map((exchange) => exchange.ended))
    for (const [at, exchange] of exchanges.entries())
      expect(Buffer.compare(exchange.answer, bytes(100 + at, at))).toBe(0)
    expect(pair.broken).toEqual([])
    expect(pair.host.connection.inFlight).toBe(0)
  })

  it("finish what is open after a shutdown and take nothing new", async () => {
    const streams: GuestStream[] = []
    const pair = await startPair((stream) => streams.push(stream))
    const open = new MemoryExchange()
    pair.host.connection.serve(open)
    await until(() => streams.length === 1)
    pair.host.connection.shutdown("stop", 1000)
    pair.host.connection.shutdown("stop", 1000)
    const late = new MemoryExchange()
    pair.host.connection.serve(late)
    expect(late.endings).toMatchObject([{ kind: "fail", code: "APP_UNAVAILABLE" }])
    streams[0]!.respond({ status: 200, reason: "", lines: "" }, null, true)
    expect(await open.ended).toEqual({ kind: "end" })
    await until(() => pair.host.shutdowns === 1)
    expect(pair.broken).toEqual([])
  })

  it("know how long the guest has been silent", async () => {
    const pair = await startPair(echo)
    expect(pair.host.connection.silentMs()).toBe(0)
    pair.host.connection.ping()
    pair.host.connection.ping()
    expect(pair.host.connection.silentMs()).toBeGreaterThanOrEqual(0)
    await turns(5)
    expect(pair.host.connection.silentMs()).toBe(0)
    expect(pair.broken).toEqual([])
  })
})
