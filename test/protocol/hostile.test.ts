import { describe, expect, it } from "vitest"
import { FLAG_END, FrameType, WINDOW_BYTES } from "../../protocol/frames.ts"
import { HostileGuest } from "./hostile-guest.ts"
import * as make from "./raw-frames.ts"
import { encodeRaw, raw } from "./raw-frames.ts"

const KIB = 1024

function many(count: number, frame: make.RawFrame): Uint8Array {
  const one = encodeRaw(frame)
  const bytes = new Uint8Array(one.length * count)
  for (let at = 0; at < count; at++) bytes.set(one, at * one.length)
  return bytes
}

describe("HostConnection against a hostile guest", () => {
  it.each([
    ["an empty body that is not the last", [make.response(1), make.body(1, 0)], "P9"],
    ["credit for what was not sent", [make.credit(1, 1)], "P8"],
    ["credit that overflows", [make.credit(1, 0xffff_ffff)], "P8"],
    ["a body over the window", [make.response(1, { body: 200 * KIB }), make.body(1, 57 * KIB)], "P8"],
    ["a stream never opened", [make.response(2)], "P6"],
    ["stream 0", [make.response(0)], "P6"],
    ["the largest stream id", [make.body(2 ** 48 - 1, 1)], "P6"],
    ["a request of its own", [make.request(1)], "P5"],
    ["a request on an ended stream", [make.response(1, { end: true }), make.request(1)], "P5"],
    ["a welcome", [make.welcome()], "P5"],
    ["a pong without a ping", [raw(FrameType.pong, 0)], "P11"],
    ["a shutdown.complete that nobody asked for", [make.shutdownComplete()], "P12"],
    ["startup.complete twice", [make.started()], "P4"],
    ["startup.failed after complete", [make.startFailed()], "P4"],
    ["a disconnect without a reason", [raw(FrameType.disconnect, 1)], "P10"],
    [
      "a head whose block is longer than its frame",
      [raw(FrameType.response, 1, [0, 200, 0, 0, 0, 0, 0, 1])],
      "P7",
    ],
    ["a head cut short", [raw(FrameType.response, 1, [0, 200])], "P7"],
    ["a log of the wrong shape", [make.json(FrameType.log, { level: "loud", message: 1 })], "P2"],
    ["a log of broken UTF-8", [raw(FrameType.log, 0, [0xff, 0xfe])], "P2"],
    ["deep JSON", [raw(FrameType.log, 0, Buffer.from("[".repeat(60_000)))], "P2"],
    ["an impossible length", [{ ...make.body(1, 0), length: 0xffff_ffff }], "P1"],
  ])("poisons the channel for %s", (_what, frames, rule) => {
    const guest = HostileGuest.ready()
    const exchange = guest.serve({ takes: 1 })
    guest.send(...frames)
    expect(guest.pipe.closedBy).toContain(rule)
    guest.send(make.response(1, { end: true }))
    guest.end()
    expect(exchange.endings).toHaveLength(1)
    expect(guest.host.closes).toMatchObject([{ violation: true }])
    expect(guest.hostBreaches).toEqual([])
  })

  it.each([
    ["/run/docker.sock"],
    ["/run/polyhost/admin.sock"],
    ["/run/polyhost/app-1.\0/../admin.sock"],
    ["/run/polyhost/app-1./../admin.sock"],
    ["app-1.sock"],
    [""],
  ])("refuses the socket %j, which is not the guest's own", (path) => {
    const guest = new HostileGuest()
    guest.send(make.hello(), make.json(FrameType.startupComplete, { interface: "server", path }))
    expect(guest.pipe.closedBy).toContain("P4")
    expect(guest.host.starts).toEqual([])
  })

  it("hears of a failed start once, and of no start after it", () => {
    for (const again of [make.startFailed(), make.started()]) {
      const guest = new HostileGuest()
      guest.send(make.hello(), make.startFailed(), make.log(), again)
      expect(guest.pipe.closedBy).toContain("P4")
      expect(guest.host.failures).toHaveLength(1)
      expect(guest.host.starts).toEqual([])
    }
  })

  it("says P3 to every frame before hello", () => {
    for (const frame of [make.started(), make.log(), raw(FrameType.pong, 0), make.shutdownComplete()]) {
      const guest = new HostileGuest()
      guest.send(frame)
      expect(guest.pipe.closedBy).toContain("P3")
    }
  })

  it("reads log messages at a bounded rate and says that it dropped some", () => {
    const guest = HostileGuest.ready()
    guest.sendBytes(many(50_000, make.log()))
    expect(guest.host.logs).toHaveLength(10_001)
    expect(guest.host.logs.at(-1)?.message).toContain("dropped")
    guest.nowMs += 1000
    guest.send(make.log("again"))
    expect(guest.host.logs.at(-1)?.message).toBe("again")
    guest.sendBytes(many(200, make.log("x".repeat(60_000))))
    expect(guest.host.logs.length).toBeLessThan(10_100)
    expect(guest.violated).toBe(false)
  })

  it("holds the bytes of a slow client's answer, not an object for each", () => {
    const guest = HostileGuest.ready()
    const exchange = guest.serve({ takes: 1 })
    guest.send(make.response(1, { body: 1 }))
    const flood = many(WINDOW_BYTES - 1, make.body(1, 1))
    const before = process.memoryUsage()
    for (let at = 0; at < flood.length; at += 72 * KIB) guest.sendBytes(flood.slice(at, at + 72 * KIB))
    const after = process.memoryUsage()
    expect(guest.violated).toBe(false)
    expect(exchange.writes).toBe(0)
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(8 * KIB * KIB)
    guest.send(make.body(1, 1))
    expect(guest.pipe.closedBy).toContain("P8")
  })

  it("writes tiny frames that came together to the client together", () => {
    const guest = HostileGuest.ready()
    const exchange = guest.serve()
    guest.send(make.response(1))
    guest.sendBytes(many(20_000, make.body(1, 1)))
    expect(exchange.receivedBytes).toBe(20_000)
    expect(exchange.writes).toBeLessThan(10)
  })

  it("drops late frames, and only as many as there can be", () => {
    const guest = HostileGuest.ready()
    const exchange = guest.serve()
    guest.turn()
    exchange.leave()
    guest.send(make.response(1, { body: 100 * KIB }), make.body(1, 100 * KIB), make.body(1, 56 * KIB))
    expect(guest.violated).toBe(false)
    guest.sendBytes(many(20, make.body(1, 72 * KIB)))
    expect(guest.pipe.closedBy).toContain("P6")
    expect(exchange.endings).toEqual([{ kind: "left" }])
    expect(exchange.receivedBytes).toBe(0)
  })

  it("has no patience for empty late frames", () => {
    const guest = HostileGuest.ready()
    guest.serve()
    guest.send(make.response(1, { end: true }), raw(FrameType.body, 1, [], FLAG_END))
    expect(guest.pipe.closedBy).toContain("P6")
  })

  it("ends the exchange on an answer that ends while its request still uploads", () => {
    const guest = HostileGuest.ready()
    const exchange = guest.serve({ body: new Uint8Array(1_000_000) })
    guest.turn()
    const written = guest.pipe.writtenBytes
    guest.send(make.response(1, { end: true }))
    expect(exchange.endings).toEqual([{ kind: "end" }])
    guest.turn()
    expect(guest.pipe.writtenBytes).toBe(written)
    expect(guest.host.connection.inFlight).toBe(0)
  })

  it("takes a header block of 72 KiB, and one above it costs its exchange", () => {
    const guest = HostileGuest.ready()
    const line = (bytes: number): string => `a:${"x".repeat(bytes - 4)}\r\n`
    const exchanges = [guest.serve(), guest.serve()]
    guest.send(make.response(1, { lines: line(72 * KIB), end: true }))
    guest.send(make.response(2, { lines: line(72 * KIB + 1) }))
    expect(exchanges[0]?.endings).toEqual([{ kind: "end" }])
    expect(exchanges[1]?.endings).toMatchObject([{ kind: "fail", code: "APP_RESPONSE_INVALID" }])
    expect(guest.violated).toBe(false)
  })

  it("poisons the channel of a guest that does not read", () => {
    const guest = HostileGuest.ready()
    guest.serve()
    guest.pipe.bufferedBytes = 17 * KIB * KIB
    guest.serve()
    expect(guest.pipe.closedBy).toContain("P15")
    for (const { endings } of guest.exchanges) expect(endings).toMatchObject([{ code: "APP_PROTOCOL_ERROR" }])
  })

  it("cuts a disconnect's message short", () => {
    const guest = HostileGuest.ready()
    const exchange = guest.serve()
    guest.send(raw(FrameType.disconnect, 1, new Uint8Array(200_000).fill(65)))
    expect(exchange.endings[0]).toMatchObject({ kind: "fail", code: "APP_ERROR", detail: "A".repeat(8192) })
  })
})
