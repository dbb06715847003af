import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { Channel, ChannelListener } from "../../protocol/channel.ts"
import {
  CALL_WINDOW_BYTES,
  FrameType,
  MAX_OPEN_CALLS,
  MAX_UNREAD_BYTES,
  WINDOW_BYTES,
} from "../../protocol/frames.ts"
import { lintChannel, type Side } from "../../protocol/lint.ts"
import { LINTS, readRules, withSpec } from "../../protocol/write-spec.ts"
import * as make from "./raw-frames.ts"
import { encodeRaw, ofCall, type RawFrame, raw } from "./raw-frames.ts"

type Line = ["host" | "guest", RawFrame]

const G = (frame: RawFrame): Line => ["guest", frame]
const H = (frame: RawFrame): Line => ["host", frame]
const begin = [G(make.hello()), H(make.welcome()), G(make.started())]
const open = [...begin, H(make.request(1, "", false))]
const served = [...begin, H(make.request(1))]
const called = [...begin, G(make.call(1))]
const calling = [...begin, G(make.call(1, { end: false }))]
const startedWithSockets = [G(make.hello()), H(make.welcome()), G(make.startedWithSockets())]
const asked = [...startedWithSockets, H(make.connect(1))]
const accepted = [...asked, G(make.accept(1))]
const JUNK = new Uint8Array(70_000).fill(32)

/** The rules that a conversation breaks, as the lint at `side` sees them. */
function broken(lines: readonly Line[], side: Side): string[] {
  const rules: string[] = []
  const pipe = new TestChannel()
  const channel = lintChannel(pipe, side, (rule) => rules.push(rule))
  channel.listen({ data: () => {}, ended: () => {} })
  for (const [sender, frame] of lines) {
    if (sender === side) channel.write([encodeRaw(frame)])
    else pipe.listener?.data(encodeRaw(frame))
  }
  return rules
}

class TestChannel implements Channel {
  bufferedBytes = 0
  listener: ChannelListener | null = null
  write(): void {}
  close(): void {}
  listen(listener: ChannelListener): void {
    this.listener = listener
  }
}

const BREACHES: [string, string, Line[]][] = [
  ["P1", "an unknown type", [...begin, G(raw(77, 0))]],
  ["P1", "a frame that is too long", [...begin, G({ ...make.body(1, 0), length: 300_000 })]],
  ["P1", "flags where there are none", [...begin, H(raw(FrameType.ping, 0, [], 1))]],
  ["P2", "JSON that is an array", [...begin, G(make.json(FrameType.log, []))]],
  ["P2", "text that is no JSON", [...begin, G(raw(FrameType.log, 0, [123]))]],
  ["P2", "a control message over 64 KiB", [...begin, G(raw(FrameType.log, 0, JUNK))]],
  ["P2", "a ping with a payload", [...begin, H(raw(FrameType.ping, 0, [1]))]],
  ["P3", "welcome before hello", [H(make.welcome())]],
  ["P3", "a second hello", [...begin, G(make.hello())]],
  ["P3", "a second welcome", [...begin, H(make.welcome())]],
  ["P3", "a log before welcome", [G(make.hello()), G(make.log())]],
  ["P4", "complete twice", [...begin, G(make.started())]],
  ["P4", "failed after complete", [...begin, G(make.startFailed())]],
  ["P4", "a request before complete", [...begin.slice(0, 2), H(make.request(1))]],
  ["P4", "a foreign socket", [...begin.slice(0, 2), G(serverAt("/run/docker.sock"))]],
  ["P4", "a socket of a neighbour", [...begin.slice(0, 2), G(serverAt("/run/polyhost/app-2.h.sock"))]],
  ["P4", "a path that climbs", [...begin.slice(0, 2), G(serverAt("/run/polyhost/app-1./../x"))]],
  ["P5", "a request of the guest", [...begin, G(make.request(1))]],
  ["P5", "a response of the host", [...served, H(make.response(1))]],
  ["P5", "a log on a stream", [...served, G({ ...make.log(), stream: 1 })]],
  ["P5", "an id used again", [...served, H(make.request(1))]],
  ["P5", "an id that decreases", [...begin, H(make.request(9)), H(make.request(8))]],
  ["P6", "a body on a stream never opened", [...served, G(make.body(2, 1))]],
  ["P7", "a body before the head", [...served, G(make.body(1, 1))]],
  ["P7", "two heads", [...served, G(make.response(1)), G(make.response(1))]],
  ["P7", "status 101", [...served, G(make.response(1, { status: 101 }))]],
  [
    "P7",
    "a line end in a reason",
    [...served, G(raw(FrameType.response, 1, [0, 200, 0, 1, 0, 0, 0, 0, 10]))],
  ],
  ["P7", "a head cut short", [...served, G(raw(FrameType.response, 1, [0, 200, 0]))]],
  [
    "P8",
    "more than the window",
    [...served, G(make.response(1, { body: 200_000 })), G(make.body(1, 62_145))],
  ],
  ["P8", "more upload than the window", [...open, H(make.body(1, WINDOW_BYTES)), H(make.body(1, 1))]],
  ["P8", "credit for what was not sent", [...open, H(make.body(1, 5)), G(make.credit(1, 6))]],
  ["P8", "credit of nothing", [...open, H(make.body(1, 5)), G(make.credit(1, 0))]],
  ["P9", "an upload after its END", [...served, H(make.body(1, 1))]],
  ["P9", "a body after END", [...served, G(make.response(1, { end: true })), G(make.body(1, 1))]],
  [
    "P9",
    "credit after END",
    [...open, H(make.body(1, 5)), G(make.response(1, { end: true })), G(make.credit(1, 5))],
  ],
  ["P9", "an empty body", [...served, G(make.response(1)), G(make.body(1, 0))]],
  [
    "P10",
    "a body after disconnect",
    [...served, G(make.response(1)), G(make.disconnect(1)), G(make.body(1, 1))],
  ],
  ["P10", "an upload after disconnect", [...open, H(make.disconnect(1)), H(make.body(1, 1))]],
  ["P10", "a disconnect without a reason", [...served, G(raw(FrameType.disconnect, 1))]],
  ["P11", "a pong without a ping", [...begin, G(raw(FrameType.pong, 0))]],
  ["P11", "two pings", [...begin, H(raw(FrameType.ping, 0)), H(raw(FrameType.ping, 0))]],
  ["P12", "a request after shutdown", [...begin, H(make.shutdown()), H(make.request(1))]],
  ["P12", "a shutdown.complete unasked", [...begin, G(make.shutdownComplete())]],
  ["P12", "two shutdowns", [...begin, H(make.shutdown()), H(make.shutdown())]],
  ["P14", "a header with a bare line feed", [...served, G(make.response(1, { lines: "a: b\nc: d\r\n" }))]],
  ["P14", "a header name with a space", [...begin, H(make.request(1, "a b: c\r\n"))]],
  ["P14", "a header line without its end", [...served, G(make.response(1, { lines: "a: b" }))]],
  ["P16", "output of a third stream", [...begin, G(make.output(5, 3))]],
  ["P16", "output without a byte", [...begin, G(make.output(0))]],
  ["P3", "output before welcome", [G(make.hello()), G(make.output(1))]],
  ["P17", "a call before welcome", [G(make.hello()), G(make.call(1))]],
  ["P17", "call 0", [...begin, G(make.call(0))]],
  ["P17", "an id used again", [...begin, G(make.call(1)), G(make.store(1))]],
  ["P17", "a body on a call never opened", [...begin, G(ofCall(make.body(1, 1)))]],
  [
    "P17",
    "one call too many",
    [
      ...begin,
      ...Array.from({ length: MAX_OPEN_CALLS }, (_, id) => G(make.call(id + 1))),
      G(make.store(999)),
    ],
  ],
  ["P5", "a call of the host", [...begin, H(make.call(1))]],
  ["P18", "a call cut short", [...begin, G({ ...make.call(1), payload: new Uint8Array(13) })]],
  ["P18", "a call without a method", [...begin, G(make.call(1, { method: "" }))]],
  ["P18", "a line end in a URL", [...begin, G(make.call(1, { url: "http://a/\r\n" }))]],
  ["P18", "a header line without its end", [...begin, G(make.call(1, { lines: "a: b" }))]],
  ["P19", "two heads of a call", [...called, H(ofCall(make.response(1))), H(ofCall(make.response(1)))]],
  ["P19", "a body before the head of a call", [...called, H(ofCall(make.body(1, 1)))]],
  ["P19", "a request's body after its END", [...called, G(ofCall(make.body(1, 1)))]],
  [
    "P19",
    "a body after END",
    [...called, H(ofCall(make.response(1, { end: true }))), H(ofCall(make.body(1, 1)))],
  ],
  ["P19", "status 101 for a call", [...called, H(ofCall(make.response(1, { status: 101 })))]],
  ["P20", "more than the window of a call", [...calling, G(ofCall(make.body(1, CALL_WINDOW_BYTES + 1)))]],
  ["P20", "credit for a call that was not sent", [...called, G(ofCall(make.credit(1, 1)))]],
  [
    "P21",
    "a body after call.disconnect",
    [...calling, G(ofCall(make.disconnect(1))), G(ofCall(make.body(1, 1)))],
  ],
  ["P21", "a call.disconnect without a reason", [...calling, G(raw(FrameType.callDisconnect, 1))]],
  ["P22", "a key that is too long", [...begin, G(make.store(1, { key: 513 }))]],
  ["P22", "a value that is too long", [...begin, G(make.store(1, { op: 2, value: 128 * 1024 + 1 }))]],
  ["P22", "a get with a value", [...begin, G(make.store(1, { value: 1 }))]],
  ["P22", "an operation that does not exist", [...begin, G(make.store(1, { op: 5 }))]],
  ["P22", "two answers of a store", [...begin, G(make.store(1)), H(make.stored(1)), H(make.stored(1))]],
  ["P22", "the answer of a store to a call", [...called, H(make.stored(1))]],
  ["P1", "TEXT on a body", [...served, G(make.response(1)), G(raw(FrameType.body, 1, [1], 2))]],
  ["P5", "a connect of the guest", [...startedWithSockets, G(make.connect(1))]],
  ["P5", "an id used again by a connect", [...asked, H(make.connect(1))]],
  ["P12", "a connect after shutdown", [...startedWithSockets, H(make.shutdown()), H(make.connect(1))]],
  ["P10", "a message after http.disconnect", [...accepted, G(make.disconnect(1)), G(make.message(1, 1))]],
  [
    "P10",
    "a message of the host after its websocket.close",
    [...accepted, H(make.close(1)), H(make.message(1, 1))],
  ],
  ["P23", "a connect to a guest that takes none", [...begin, H(make.connect(1))]],
  ["P23", "an accept of a request", [...served, G(make.accept(1))]],
  ["P23", "a second accept", [...accepted, G(make.accept(1))]],
  ["P23", "a message before the accept", [...asked, G(make.message(1, 1))]],
  ["P23", "a message of the host before the accept", [...asked, H(make.message(1, 1))]],
  ["P23", "a response after the accept", [...accepted, G(make.response(1))]],
  ["P23", "a body after the accept", [...accepted, G(make.body(1, 1))]],
  ["P23", "an accept after a response", [...asked, G(make.response(1)), G(make.accept(1))]],
  ["P24", "an accept cut short", [...asked, G(raw(FrameType.socketAccept, 1, [0, 0]))]],
  [
    "P24",
    "an accept whose lengths do not add up",
    [...asked, G(raw(FrameType.socketAccept, 1, [0, 9, 0, 0, 0, 0]))],
  ],
  ["P24", "a subprotocol with a space", [...asked, G(make.accept(1, { subprotocol: "a b" }))]],
  ["P24", "a header line without its end", [...asked, G(make.accept(1, { lines: "a: b" }))]],
  ["P25", "an empty piece", [...accepted, G(make.message(1, 0, { end: false }))]],
  [
    "P25",
    "text that goes on as binary",
    [...accepted, G(make.message(1, 1, { end: false, text: true })), G(make.message(1, 1))],
  ],
  [
    "P26",
    "more than the window",
    [...accepted, G(make.message(1, 200_000)), G(make.message(1, 62_144 - 127))],
  ],
  [
    "P26",
    "more empty messages than the window has room for",
    [...accepted, ...Array.from({ length: 4097 }, () => H(make.message(1, 0)))],
  ],
  ["P26", "credit for what was not taken", [...accepted, H(make.message(1, 5)), G(make.credit(1, 70))]],
  ["P27", "a message after websocket.close", [...accepted, G(make.close(1)), G(make.message(1, 1))]],
  ["P27", "a second websocket.close", [...accepted, G(make.close(1)), G(make.close(1))]],
  ["P27", "a close within a message", [...accepted, G(make.message(1, 1, { end: false })), G(make.close(1))]],
  ["P27", "a close code that may not be sent", [...accepted, G(make.close(1, 1006))]],
  ["P27", "a close code of the host that is none", [...accepted, H(make.close(1, 999))]],
  ["P27", "a reason that is too long", [...accepted, G(make.close(1, 1000, "x".repeat(124)))]],
]

function serverAt(path: string): RawFrame {
  return make.json(FrameType.startupComplete, { interface: "server", path })
}

describe("lint", () => {
  it.each(BREACHES)("reports %s for %s, on both ends", (rule, _what, lines) => {
    expect(broken(lines, "host")).toContain(rule)
    expect(broken(lines, "guest")).toContain(rule)
    expect(broken(lines.slice(0, -1), "host")).toEqual([])
  })

  it.each([
    [
      "upload that crosses the END of the answer",
      [...open, G(make.response(1, { end: true })), H(make.body(1, 5))],
    ],
    [
      "answer that crosses a disconnect",
      [...open, H(make.disconnect(1)), G(make.response(1)), G(make.body(1, 5))],
    ],
    ["two disconnects that cross", [...open, H(make.disconnect(1)), G(make.disconnect(1))]],
    [
      "credit that crosses a disconnect",
      [...open, H(make.body(1, 5)), H(make.disconnect(1)), G(make.credit(1, 5))],
    ],
    ["log after the failed start", [...begin.slice(0, 2), G(make.startFailed()), G(make.log())]],
    ["a refusal of a connect", [...asked, G(make.response(1, { status: 403, end: true }))]],
    [
      "an accept that crosses a disconnect",
      [...asked, H(make.disconnect(1)), G(make.accept(1)), G(make.message(1, 9))],
    ],
    [
      "a disconnect for an accept that cannot be",
      [...accepted, H(make.disconnect(1)), G(make.credit(1, 0))].slice(0, -1),
    ],
    [
      "messages and a close that cross the host's close",
      [
        ...accepted,
        H(make.message(1, 0)),
        H(make.close(1, 1006)),
        G(make.message(1, 9)),
        G(make.credit(1, 64)),
        G(make.close(1)),
      ],
    ],
    [
      "a window of empty messages",
      [...accepted, ...Array.from({ length: 4096 }, () => G(make.message(1, 0)))],
    ],
    ["a socket of the guest's own", [...begin.slice(0, 2), G(serverAt("/run/polyhost/app-1.h.sock"))]],
  ] as [string, Line[]][])("allows %s", (_what, lines) => {
    expect(broken(lines, "host")).toEqual([])
    expect(broken(lines, "guest")).toEqual([])
  })

  it("reports P13 for bytes after the end and for a second end", () => {
    const rules: string[] = []
    const pipe = new TestChannel()
    lintChannel(pipe, "host", (rule) => rules.push(rule)).listen({ data: () => {}, ended: () => {} })
    pipe.listener?.ended("gone")
    pipe.listener?.data(encodeRaw(make.hello()))
    pipe.listener?.ended("gone")
    expect(rules).toEqual(["P13", "P13"])
  })

  it("reports P15 for a peer that does not read", () => {
    const rules: string[] = []
    const pipe = new TestChannel()
    pipe.bufferedBytes = MAX_UNREAD_BYTES + 1
    lintChannel(pipe, "guest", (rule) => rules.push(rule)).write([encodeRaw(make.hello())])
    expect(rules).toEqual(["P15"])
  })
})

describe("the specification", () => {
  const source = (name: string): string =>
    readFileSync(new URL(`../../protocol/${name}`, import.meta.url), "utf8")

  it("in README.md is the one that write-spec.ts makes", () => {
    const readme = source("README.md")
    expect(
      withSpec({
        readme,
        lint: LINTS.map(source).join(""),
        messages: source("messages.ts"),
      }),
    ).toBe(readme)
  })

  it("numbers its rules from P1 without a gap, and code cites no other", () => {
    const ids = readRules(LINTS.map(source).join("")).map((rule) => rule.id)
    expect(ids).toEqual(ids.map((_, index) => `P${index + 1}`))
    const files = readdirSync(new URL("../../protocol/", import.meta.url), { recursive: true })
      .map(String)
      .filter((name) => name.endsWith(".ts"))
    const cited = new Set(files.flatMap((name) => source(name).match(/\bP\d+\b/g) ?? []))
    expect([...cited].filter((id) => !ids.includes(id))).toEqual([])
    const tested = new Set([...BREACHES.map(([rule]) => rule), "P13", "P15"])
    expect([...tested].sort()).toEqual([...ids].sort())
  })
})
