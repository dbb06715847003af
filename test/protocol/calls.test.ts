/** Calls and store requests, both ends: on a connection under the lint, and on a channel of their own. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { CallClient } from "../../protocol/calls/call-client.ts"
import { connectCalls, serveCalls } from "../../protocol/calls/call-connection.ts"
import type { CallFailure } from "../../protocol/calls/call-frames.ts"
import type { CallHandlers } from "../../protocol/calls/call-server.ts"
import type { ClientCall } from "../../protocol/calls/client-call.ts"
import type { ServerCall } from "../../protocol/calls/server-call.ts"
import { CALL_WINDOW_BYTES, FrameType, MAX_OPEN_CALLS, MAX_UNREAD_BYTES } from "../../protocol/frames.ts"
import { createChannelPair } from "../../protocol/memory-channel.ts"
import { HostileGuest } from "./hostile-guest.ts"
import { startPair, turns, until } from "./pair.ts"
import * as make from "./raw-frames.ts"
import { ofCall, raw } from "./raw-frames.ts"

const HEAD = { status: 200, reason: "Fine", lines: Buffer.from("content-type: text/plain\r\n") }

/** The caller: sends a body in pieces as there is room, and reads the answer at its own pace. */
class Caller {
  status = 0
  lines = ""
  readonly received: Uint8Array[] = []
  ended = false
  failure: [CallFailure, string] | null = null
  readonly call: ClientCall
  #unsent: Uint8Array

  constructor(client: CallClient, body: Uint8Array, cause = 0) {
    this.#unsent = body
    const hasBody = body.length > 0
    const request = {
      binding: "AUTH",
      method: "POST",
      url: "http://auth/x",
      lines: "a: b\r\n",
      hasBody,
      cause,
    }
    this.call = client.call(request, {
      response: ({ status, lines }) => {
        this.status = status
        this.lines = Buffer.from(lines).toString()
      },
      body: (chunk, end) => {
        this.received.push(new Uint8Array(chunk))
        this.ended ||= end
        if (!end) setImmediate(() => this.call.credit(chunk.length))
      },
      writable: () => setImmediate(() => this.#send()),
      failed: (...failure) => {
        this.failure = failure
      },
    })
  }

  get over(): boolean {
    return this.ended || this.failure !== null
  }

  #send(): void {
    while (this.#unsent.length > 0 && this.call.writable > 0 && !this.call.done) {
      const piece = this.#unsent.subarray(0, Math.min(this.call.writable, 20_000))
      this.#unsent = this.#unsent.subarray(piece.length)
      this.call.write(piece, this.#unsent.length === 0)
    }
  }
}

/** Answers each call with its own body, piece by piece while it comes. */
function echo(call: ServerCall): void {
  let waiting: [Uint8Array, boolean][] = []
  let blocked = false
  const send = (): void => {
    while (!blocked && waiting.length > 0) {
      const [chunk, end] = waiting.shift()!
      blocked = !call.write(chunk, end)
      call.credit(chunk.length)
    }
  }
  call.events = {
    requestBody: (chunk, end) => {
      waiting.push([new Uint8Array(chunk), end])
      send()
    },
    drained: () => {
      blocked = false
      send()
    },
    left: () => {
      waiting = []
    },
  }
  call.respond(HEAD, null, !call.head.hasBody)
}

const answering = (call: (call: ServerCall) => void): CallHandlers => ({
  call,
  store: (request) => request.answer(0, request.value.length > 0 ? request.value : request.key),
})

describe("calls", () => {
  it("carry bodies of any size both ways at once, byte for byte, on a connection that the lint watches", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(300_000), { minLength: 1, maxLength: 6 }), async (sizes) => {
        const pair = await startPair(() => {}, answering(echo))
        const callers = sizes.map(
          (size, at) => new Caller(pair.guest.calls, new Uint8Array(size).fill(at + 1)),
        )
        await until(() => callers.every(({ over }) => over))
        for (const [at, caller] of callers.entries()) {
          expect(caller.failure).toBe(null)
          expect(Buffer.concat(caller.received).equals(Buffer.alloc(sizes[at]!, at + 1))).toBe(true)
          expect([caller.status, caller.lines]).toEqual([200, "content-type: text/plain\r\n"])
        }
        expect(pair.guest.calls.pending).toBe(0)
        expect(pair.broken).toEqual([])
        pair.guest.close("done")
        await pair.host.closed
      }),
      { numRuns: 15 },
    )
  })

  it("wait for their turn when too many are open, store requests among them", async () => {
    const open: ServerCall[] = []
    const hold = (call: ServerCall): void => {
      call.events = { requestBody() {}, drained() {}, left() {} }
      open.push(call)
    }
    const pair = await startPair(() => {}, answering(hold))
    const callers = Array.from(
      { length: MAX_OPEN_CALLS + 20 },
      () => new Caller(pair.guest.calls, new Uint8Array(0)),
    )
    const stored = pair.guest.calls.store({
      op: "get",
      binding: "S",
      key: Buffer.from("k"),
      value: new Uint8Array(0),
      number: 0,
    })
    await until(() => open.length === MAX_OPEN_CALLS)
    await turns(5)
    expect(open).toHaveLength(MAX_OPEN_CALLS)
    callers[3]?.call.cancel()
    await until(() => open.length === MAX_OPEN_CALLS + 1)
    expect(open[3]?.done).toBe(true)
    while (callers.some((caller) => !caller.over && !caller.call.done)) {
      for (const call of open) call.respond(HEAD, Buffer.from("x"), true)
      await turns(1)
    }
    expect(Buffer.from((await stored).bytes).toString()).toBe("k")
    expect(pair.broken).toEqual([])
    expect(pair.guest.calls.pending).toBe(0)
  })

  it("asked before the handshake are sent after it", async () => {
    const pair = await startPair(() => {}, answering(echo))
    const { CallClient } = await import("../../protocol/calls/call-client.ts")
    const client = new CallClient()
    const busy: boolean[] = []
    client.onBusy = (is) => busy.push(is)
    const early = new Caller(client, new Uint8Array(0))
    expect([early.call.id, client.pending]).toEqual([0, 1])
    const cancelled = new Caller(client, new Uint8Array(0))
    cancelled.call.cancel()
    client.close("no connection came")
    expect(early.failure).toBe(null)
    expect(busy[0]).toBe(true)
    pair.guest.close("done")
  })

  it("that the callee fails say how, before the answer and in the middle of it", async () => {
    const pair = await startPair(
      () => {},
      answering((call) => {
        call.events = { requestBody() {}, drained() {}, left() {} }
        if (call.head.hasBody) call.respond(HEAD, Buffer.from("half"), false)
        call.fail(call.head.hasBody ? "failed" : "refused", "because ü")
      }),
    )
    const refused = new Caller(pair.guest.calls, new Uint8Array(0))
    const cut = new Caller(pair.guest.calls, new Uint8Array(10))
    await until(() => refused.over && cut.over)
    expect(refused.failure).toEqual(["refused", "because ü"])
    expect([cut.status, Buffer.concat(cut.received).toString(), cut.failure?.[0]]).toEqual([
      200,
      "half",
      "failed",
    ])
    expect(pair.broken).toEqual([])
  })

  it("end on both sides when the channel does: the callee is told, the caller fails", async () => {
    let left = 0
    const pair = await startPair(
      () => {},
      answering((call) => {
        call.events = { requestBody() {}, drained() {}, left: () => left++ }
      }),
    )
    const caller = new Caller(pair.guest.calls, new Uint8Array(10))
    const store = pair.guest.calls.store({
      op: "get",
      binding: "S",
      key: Buffer.from("k"),
      value: new Uint8Array(0),
      number: 0,
    })
    await store
    pair.host.connection.close("gone")
    await until(() => caller.over)
    expect([left, caller.failure?.[0]]).toEqual([1, "gone"])
    await expect(
      pair.guest.calls.store({
        op: "get",
        binding: "S",
        key: Buffer.from("k"),
        value: new Uint8Array(0),
        number: 0,
      }),
    ).rejects.toThrow()
  })

  it("name the request that they are made for, and the host finds its exchange", async () => {
    const found: (string | undefined)[] = []
    const pair = await startPair(
      () => {},
      answering((call) => {
        found.push(pair.host.connection.exchangeOf(call.head.cause)?.requestId)
        echo(call)
      }),
    )
    const { MemoryExchange } = await import("./memory-exchange.ts")
    pair.host.connection.serve(new MemoryExchange())
    await turns(3)
    const callers = [1, 0, 7].map((cause) => new Caller(pair.guest.calls, new Uint8Array(0), cause))
    await until(() => callers.every(({ over }) => over))
    expect(found).toEqual(["test", undefined, undefined])
  })

  it("work on a channel of their own, where nothing else is allowed", async () => {
    const [left, right] = createChannelPair(setImmediate)
    const closes: [string, boolean][] = []
    const server = serveCalls(
      left,
      { ...answering(echo), closed: (...end) => closes.push(end) },
      setImmediate,
    )
    const client = connectCalls(right, setImmediate)
    const caller = new Caller(client, new Uint8Array(100_000).fill(1))
    await until(() => caller.over)
    expect(Buffer.concat(caller.received).length).toBe(100_000)
    right.write([make.encodeRaw(make.log())])
    await until(() => closes.length > 0)
    expect(closes).toEqual([[expect.stringContaining("P17"), true]])
    expect(server.size).toBe(0)
    await until(() => client.pending === 0)
  })
})

describe("a host that is called by a hostile guest", () => {
  const large = { method: "POST", end: false }

  it.each([
    ["a call of id 0", [make.call(0)], "P17"],
    ["an id used again", [make.call(5), make.call(5)], "P17"],
    ["a body on a call never opened", [ofCall(make.body(3, 1))], "P17"],
    ["too many calls", Array.from({ length: MAX_OPEN_CALLS + 1 }, (_, at) => make.call(at + 1)), "P17"],
    ["lengths that lie", [{ ...make.call(1), payload: Uint8Array.from({ length: 60 }, () => 255) }], "P18"],
    ["a method that is no token", [make.call(1, { method: "G T" })], "P18"],
    ["a URL with a line end", [make.call(1, { url: "http://a/\r\nx: y" })], "P18"],
    ["a header block with a bare line feed", [make.call(1, { lines: "a: b\nc: d\r\n" })], "P18"],
    ["a body after END", [make.call(1), ofCall(make.body(1, 1))], "P19"],
    ["an empty body that is not the last", [make.call(1, large), ofCall(make.body(1, 0))], "P19"],
    ["more than the window", [make.call(1, large), ofCall(make.body(1, CALL_WINDOW_BYTES + 1))], "P20"],
    ["credit for nothing", [make.call(1), ofCall(make.credit(1, 1))], "P20"],
    ["a response of its own", [make.call(1), ofCall(make.response(1))], "P5"],
    ["a store.response", [make.stored(1)], "P5"],
    ["a store operation that does not exist", [make.store(1, { op: 9 })], "P22"],
    ["a value over the most", [make.store(1, { op: 2, value: 131_073 })], "P22"],
    ["a key over the most", [make.store(1, { key: 513 })], "P22"],
    ["output of a third stream", [make.output(1, 3)], "P16"],
    ["output of nothing", [raw(FrameType.output, 0, [1])], "P16"],
  ])("closes the channel for %s", (_what, frames, rule) => {
    const guest = HostileGuest.ready()
    guest.send(...frames)
    expect(guest.pipe.closedBy).toContain(rule)
    expect(guest.hostBreaches).toEqual([])
  })

  it("ends one that asks and does not read the answers", () => {
    const guest = HostileGuest.ready()
    guest.pipe.bufferedBytes = MAX_UNREAD_BYTES * 8
    guest.send(make.store(1))
    guest.asks[0]?.answer(1, new Uint8Array(0))
    expect(guest.pipe.closedBy).toContain("P15")
  })

  it("drops what is late on a call that it ended, but not without bound", () => {
    const guest = HostileGuest.ready()
    guest.send(make.call(1, large))
    guest.calls[0]?.fail("refused", "no")
    guest.send(ofCall(make.body(1, CALL_WINDOW_BYTES)), ofCall(make.disconnect(1)))
    expect(guest.pipe.closedBy).toBe(null)
    for (let at = 0; at < 10 && guest.pipe.closedBy === null; at++)
      guest.send(ofCall(make.body(1, CALL_WINDOW_BYTES)))
    expect(guest.pipe.closedBy).toContain("P17")
  })

  it("cuts a flood of output, says once how much is missing, and stays", () => {
    const guest = HostileGuest.ready()
    for (let at = 0; at < 200; at++) guest.send(make.output(60_000))
    const kept = guest.host.outputs.reduce((sum, { text }) => sum + text.length, 0)
    expect(kept).toBeLessThanOrEqual(4 * 1024 * 1024)
    expect(guest.host.logs).toEqual([])
    guest.nowMs += 1001
    guest.host.connection.ping()
    guest.host.connection.ping()
    expect(guest.host.logs.map(({ message }) => message)).toEqual([
      `too much output: ${200 * 60_000 - kept} bytes of it were dropped`,
    ])
    guest.send(make.output(5, 2))
    expect(guest.host.outputs.at(-1)).toEqual({ stream: "stderr", text: "xxxxx" })
    expect(guest.pipe.closedBy).toBe(null)
  })
})
