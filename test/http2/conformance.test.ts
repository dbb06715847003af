/**
 * What RFC 9113 has a server do with frames that are wrong: the cases of h2spec that matter, said by `raw-client.ts`. A case names
 * the section; its outcome is the stream's reset, the connection's end, or that nothing happens.
 */
import { describe, expect, test } from "vitest"
import { Code, Flag, frame, GET, POST, section, setting, Type, uint32 } from "./frames.ts"
import { RawClient } from "./raw-client.ts"
import { hello, Rig } from "./rig.ts"

const END = Flag.end | Flag.endHeaders
const HEAD = section(GET)

/**
 * `connection`: GOAWAY with one of these codes; `stream`: RST_STREAM of 1, or the same; `fine`: 1 is answered; `ignored`: nghttp2 takes
 * it for what may be on its way to a stream that is closed, and nobody answers it.
 */
type Case = [
  section: string,
  does: (client: RawClient) => void,
  outcome: "connection" | "stream" | "fine" | "ignored",
  ...codes: number[],
]

const CASES: readonly Case[] = [
  ["3.4 a preface that is none", (it) => it.write("INVALID CONNECTION PREFACE\r\n\r\n"), "connection"],
  ["4.1 an unknown frame type", (it) => it.send(0x16, 0, 0, Buffer.alloc(8)).get(1), "fine"],
  ["4.1 undefined flags of PING", (it) => it.send(Type.ping, 0x16, 0, Buffer.alloc(8)).get(1), "fine"],
  [
    "4.1 the reserved bit of a stream",
    (it) => it.send(Type.ping, 0, 0x8000_0000, Buffer.alloc(8)).get(1),
    "fine",
  ],
  [
    "4.2 a DATA frame over the limit",
    (it) => it.post(1).send(Type.data, Flag.end, 1, Buffer.alloc(16_385)),
    "connection",
    Code.size,
  ],
  [
    "4.2 a HEADERS frame over the limit",
    (it) => it.send(Type.headers, END, 1, Buffer.alloc(16_385)),
    "connection",
    Code.size,
  ],
  [
    "4.3 a field section that does not decode",
    (it) => it.send(Type.headers, END, 1, Buffer.from([0xff, 0xff, 0xff, 0xff])),
    "connection",
    Code.compression,
  ],
  [
    "4.3 PRIORITY within a field section",
    (it) => it.send(Type.headers, Flag.end, 1, HEAD).send(Type.priority, 0, 1, Buffer.alloc(5)),
    "connection",
    Code.protocol,
  ],
  [
    "4.3 another stream's HEADERS within a field section",
    (it) => it.send(Type.headers, Flag.end, 1, HEAD).get(3),
    "connection",
    Code.protocol,
  ],
  [
    "5.1 idle: DATA",
    (it) => it.send(Type.data, Flag.end, 1, Buffer.from("x")),
    "connection",
    Code.protocol,
    Code.closed,
  ],
  ["5.1 idle: RST_STREAM", (it) => it.send(Type.reset, 0, 1, uint32(8)), "connection", Code.protocol],
  ["5.1 idle: WINDOW_UPDATE", (it) => it.send(Type.window, 0, 1, uint32(100)), "connection", Code.protocol],
  ["5.1 idle: CONTINUATION", (it) => it.send(Type.continuation, END, 1, HEAD), "connection", Code.protocol],
  [
    "5.1 half-closed: DATA",
    (it) => it.get(1, { ...GET, ":path": "/waits" }).send(Type.data, Flag.end, 1, Buffer.from("x")),
    "stream",
    Code.closed,
  ],
  [
    "5.1 half-closed: HEADERS",
    (it) => it.get(1, { ...GET, ":path": "/waits" }).get(1),
    "stream",
    Code.closed,
  ],
  [
    "5.1 half-closed: CONTINUATION",
    (it) => it.get(1, { ...GET, ":path": "/waits" }).send(Type.continuation, END, 1, HEAD),
    "connection",
    Code.protocol,
  ],
  [
    "5.1 closed: HEADERS after RST_STREAM",
    (it) =>
      it
        .post(1, { ...POST, ":path": "/waits" })
        .send(Type.reset, 0, 1, uint32(8))
        .get(1),
    "ignored",
  ],
  ["5.1.1 an even stream", (it) => it.get(2), "connection", Code.protocol],
  ["5.1.1 a stream below the last", (it) => it.get(5).get(1), "ignored"],
  [
    "5.3.1 a HEADERS frame that depends on itself",
    (it) =>
      it.send(Type.headers, END | Flag.priority, 1, Buffer.concat([uint32(1), Buffer.from([255]), HEAD])),
    "connection",
    Code.protocol,
  ],
  [
    "5.4.1 GOAWAY before the connection closes",
    (it) => it.send(Type.ping, 0, 3, Buffer.alloc(8)),
    "connection",
    Code.protocol,
  ],
  [
    "5.5 an unknown setting",
    (it) => it.send(Type.settings, 0, 0, Buffer.concat([Buffer.from([0xff, 0xff]), uint32(1)])).get(1),
    "fine",
  ],
  [
    "5.5 an unknown frame within a field section",
    (it) => it.send(Type.headers, Flag.end, 1, HEAD).send(0x16, 0, 0, Buffer.alloc(8)),
    "connection",
    Code.protocol,
  ],
  ["6.1 DATA on stream 0", (it) => it.send(Type.data, 0, 0, Buffer.from("x")), "connection", Code.protocol],
  [
    "6.1 padding longer than the frame",
    (it) => it.post(1).send(Type.data, Flag.end | Flag.padded, 1, Buffer.from([6, 1, 2, 3])),
    "connection",
    Code.protocol,
  ],
  [
    "6.1 padding",
    (it) => it.post(1).send(Type.data, Flag.end | Flag.padded, 1, Buffer.from([2, 65, 0, 0])),
    "fine",
  ],
  ["6.2 HEADERS on stream 0", (it) => it.send(Type.headers, END, 0, HEAD), "connection", Code.protocol],
  [
    "6.2 HEADERS with padding longer than the frame",
    (it) => it.send(Type.headers, END | Flag.padded, 1, Buffer.concat([Buffer.from([255]), HEAD])),
    "connection",
    Code.protocol,
  ],
  [
    "6.2 padding and priority",
    (it) =>
      it.send(
        Type.headers,
        END | Flag.padded | Flag.priority,
        1,
        Buffer.concat([Buffer.from([2]), uint32(0), Buffer.from([1]), HEAD, Buffer.alloc(2)]),
      ),
    "fine",
  ],
  ["6.3 PRIORITY on stream 0", (it) => it.send(Type.priority, 0, 0, Buffer.alloc(5)), "ignored"],
  [
    "6.3 PRIORITY of another size",
    (it) => it.send(Type.priority, 0, 1, Buffer.alloc(4)).get(1),
    "stream",
    Code.size,
  ],
  ["6.3 PRIORITY", (it) => it.send(Type.priority, 0, 1, Buffer.from([0, 0, 0, 0, 16])).get(1), "fine"],
  ["6.4 RST_STREAM on stream 0", (it) => it.send(Type.reset, 0, 0, uint32(8)), "connection", Code.protocol],
  [
    "6.4 RST_STREAM of another size",
    (it) => it.post(1).send(Type.reset, 0, 1, Buffer.alloc(3)),
    "connection",
    Code.size,
  ],
  [
    "6.5 SETTINGS with ACK and payload",
    (it) => it.send(Type.settings, Flag.ack, 0, setting(3, 1)),
    "connection",
    Code.size,
  ],
  [
    "6.5 SETTINGS on a stream",
    (it) => it.send(Type.settings, 0, 1, setting(3, 1)),
    "connection",
    Code.protocol,
  ],
  [
    "6.5 SETTINGS of another size",
    (it) => it.send(Type.settings, 0, 0, Buffer.alloc(3)),
    "connection",
    Code.size,
  ],
  [
    "6.5.2 ENABLE_PUSH above 1",
    (it) => it.send(Type.settings, 0, 0, setting(2, 2)),
    "connection",
    Code.protocol,
  ],
  [
    "6.5.2 INITIAL_WINDOW_SIZE above the limit",
    (it) => it.send(Type.settings, 0, 0, setting(4, 0x8000_0000)),
    "connection",
    Code.flow,
  ],
  [
    "6.5.2 MAX_FRAME_SIZE below the limit",
    (it) => it.send(Type.settings, 0, 0, setting(5, 16_383)),
    "connection",
    Code.protocol,
  ],
  [
    "6.5.2 MAX_FRAME_SIZE above the limit",
    (it) => it.send(Type.settings, 0, 0, setting(5, 16_777_216)),
    "connection",
    Code.protocol,
  ],
  [
    "6.6 PUSH_PROMISE of a client",
    (it) => it.post(1).send(Type.push, Flag.endHeaders, 1, Buffer.concat([uint32(2), HEAD])),
    "connection",
    Code.protocol,
  ],
  ["6.7 PING of another size", (it) => it.send(Type.ping, 0, 0, Buffer.alloc(6)), "connection", Code.size],
  [
    "6.7 PING with ACK that nobody asked for",
    (it) => it.send(Type.ping, Flag.ack, 0, Buffer.alloc(8)),
    "connection",
    Code.internal,
  ],
  [
    "6.8 GOAWAY on a stream",
    (it) => it.send(Type.goaway, 0, 1, Buffer.alloc(8)),
    "connection",
    Code.protocol,
  ],
  ["6.9 WINDOW_UPDATE of 0", (it) => it.send(Type.window, 0, 0, uint32(0)), "connection", Code.protocol],
  [
    "6.9 WINDOW_UPDATE of 0 on a stream",
    (it) => it.get(1, { ...GET, ":path": "/waits" }).send(Type.window, 0, 1, uint32(0)),
    "stream",
    Code.protocol,
  ],
  [
    "6.9 WINDOW_UPDATE of another size",
    (it) => it.send(Type.window, 0, 0, Buffer.alloc(3)),
    "connection",
    Code.size,
  ],
  [
    "6.9.1 a window above the limit",
    (it) => it.send(Type.window, 0, 0, uint32(0x7fff_ffff)).send(Type.window, 0, 0, uint32(0x7fff_ffff)),
    "connection",
    Code.flow,
  ],
  [
    "6.9.1 a stream's window above the limit",
    (it) =>
      it
        .get(1, { ...GET, ":path": "/waits" })
        .send(Type.window, 0, 1, uint32(0x7fff_ffff))
        .send(Type.window, 0, 1, uint32(1)),
    "stream",
    Code.flow,
  ],
  [
    "6.10 CONTINUATION after END_HEADERS",
    (it) => it.get(1).send(Type.continuation, Flag.endHeaders, 1, HEAD),
    "connection",
    Code.protocol,
  ],
  [
    "6.10 CONTINUATION on stream 0",
    (it) => it.send(Type.headers, Flag.end, 1, HEAD).send(Type.continuation, Flag.endHeaders, 0, HEAD),
    "connection",
    Code.protocol,
  ],
  [
    "6.10 several CONTINUATIONs",
    (it) =>
      it
        .send(Type.headers, Flag.end, 1, HEAD)
        .send(Type.continuation, 0, 1, section({ "x-a": "1" }))
        .send(Type.continuation, Flag.endHeaders, 1, section({ "x-b": "2" })),
    "fine",
  ],
  [
    "8.1 HEADERS after the head without END_STREAM",
    (it) => it.post(1, { ...POST, ":path": "/waits" }).post(1, { "x-trailer": "1" }),
    "stream",
    Code.protocol,
  ],
  [
    "8.1 pseudo-header fields in trailers",
    (it) => it.post(1, { ...POST, ":path": "/waits" }).get(1, { ":method": "GET" }),
    "stream",
    Code.protocol,
  ],
  ["8.2.1 an upper-case name", (it) => it.get(1, { ...GET, "X-Test": "1" }), "stream", Code.protocol],
  ["8.2.2 Connection", (it) => it.get(1, { ...GET, connection: "keep-alive" }), "stream", Code.protocol],
  [
    "8.2.2 Transfer-Encoding",
    (it) => it.get(1, { ...GET, "transfer-encoding": "chunked" }),
    "stream",
    Code.protocol,
  ],
  [
    "8.2.2 Upgrade to WebSocket",
    (it) => it.get(1, { ...GET, connection: "upgrade", upgrade: "websocket" }),
    "stream",
    Code.protocol,
  ],
  ["8.2.2 TE other than trailers", (it) => it.get(1, { ...GET, te: "gzip" }), "stream", Code.protocol],
  [
    "8.3 an unknown pseudo-header field",
    (it) => it.get(1, { ...GET, ":test": "1" }),
    "stream",
    Code.protocol,
  ],
  ["8.3 :status in a request", (it) => it.get(1, { ...GET, ":status": "200" }), "stream", Code.protocol],
  [
    "8.3 a pseudo-header field after others",
    (it) => it.get(1, { ":scheme": "http", ":path": "/", "x-a": "1", ":method": "GET", ":authority": "a" }),
    "stream",
    Code.protocol,
  ],
  ["8.3.1 an empty :path", (it) => it.get(1, { ...GET, ":path": "" }), "stream", Code.protocol],
  [
    "8.3.1 no :method",
    (it) => it.get(1, { ":scheme": "http", ":path": "/", ":authority": "a" }),
    "stream",
    Code.protocol,
  ],
  [
    "8.3.1 no :scheme",
    (it) => it.get(1, { ":method": "GET", ":path": "/", ":authority": "a" }),
    "stream",
    Code.protocol,
  ],
  [
    "8.3.1 no :path",
    (it) => it.get(1, { ":method": "GET", ":scheme": "http", ":authority": "a" }),
    "stream",
    Code.protocol,
  ],
  [
    "8.3.1 two :method",
    (it) => it.get(1, [...Object.entries(GET).flat(), ":method", "GET"]),
    "stream",
    Code.protocol,
  ],
  [
    "8.3.1 neither :authority nor Host",
    (it) => it.get(1, { ":method": "GET", ":scheme": "http", ":path": "/" }),
    "stream",
    Code.protocol,
  ],
  ["8.3.1 an absolute :path", (it) => it.get(1, { ...GET, ":path": "http://b/" }), "stream", Code.protocol],
  [
    "8.5 extended CONNECT, which nobody offers (RFC 8441)",
    (it) => it.get(1, { ...GET, ":method": "CONNECT", ":protocol": "websocket" }),
    "stream",
    Code.protocol,
  ],
  [
    "8.1.1 a body shorter than its length",
    (it) =>
      it
        .post(1, { ...POST, ":path": "/waits", "content-length": "2" })
        .send(Type.data, Flag.end, 1, Buffer.from("x")),
    "stream",
    Code.protocol,
  ],
  [
    "8.1.1 a body longer than its length",
    (it) =>
      it
        .post(1, { ...POST, ":path": "/waits", "content-length": "1" })
        .send(Type.data, Flag.end, 1, Buffer.from("xyz")),
    "stream",
  ],
  [
    "8.1.1 a length without a body",
    (it) => it.get(1, { ...GET, "content-length": "2" }),
    "stream",
    Code.protocol,
  ],
]

describe("RFC 9113", () => {
  for (const [name, does, outcome, ...codes] of CASES) {
    test(`${name}: ${outcome}`, async () => {
      const rig = await Rig.start((call) => {
        call.exchange.pull(100_000)
        if (call.exchange.path !== "/waits") hello(call)
      })
      const client = await RawClient.open(rig.port)
      does(client)
      if (outcome === "fine") {
        expect(await client.status(1)).toBe(200)
        return
      }
      if (outcome === "ignored") {
        client.get(7)
        expect(await client.status(7)).toBe(200)
        expect(client.of(1)).toEqual([])
        return
      }
      const isOver = ({ type, stream }: { type: number; stream: number }): boolean =>
        type === Type.goaway || (outcome === "stream" && type === Type.reset && stream === 1)
      const over = await client.got("an end", (it) => isOver(it))
      const code = over.payload.readUInt32BE(over.type === Type.goaway ? 4 : 0)
      if (codes.length > 0) expect(codes).toContain(code)
      if (over.type === Type.goaway) await client.ended()
      else if (outcome === "stream") {
        client.get(7)
        expect(await client.status(7)).toBe(200)
      }
      // What was refused so reached no app, or the app knows.
      for (const { exchange, left_ } of rig.calls)
        expect(exchange.responded || left_ === "client-left").toBe(true)
    })
  }

  test("6.5.3 settings are acknowledged, in order", async () => {
    const rig = await Rig.start(hello)
    const client = await RawClient.open(rig.port)
    const acks = (): number =>
      client.frames.filter(({ type, flags }) => type === Type.settings && flags === Flag.ack).length
    client.write(
      Buffer.concat([frame(Type.settings, 0, 0, setting(4, 100)), frame(Type.settings, 0, 0, setting(4, 1))]),
    )
    client.get(1)
    const data = await client.got("data", ({ type }) => type === Type.data)
    expect([acks(), data.payload.length]).toEqual([3, 1])
  })

  test("6.9.2 a window that a setting makes negative holds data back until it is open", async () => {
    const rig = await Rig.start(hello)
    const client = await RawClient.open(rig.port, setting(4, 3))
    client.get(1)
    await client.got("3 bytes", ({ type, payload }) => type === Type.data && payload.length === 3)
    client.send(Type.settings, 0, 0, setting(4, 2)).send(Type.window, 0, 1, uint32(1))
    await client.echoed()
    expect(client.of(1).filter(({ type }) => type === Type.data)).toHaveLength(1)
    client.send(Type.window, 0, 1, uint32(100))
    const last = await client.got("the rest", ({ type, flags }) => type === Type.data && flags === Flag.end)
    expect(last.payload.length).toBe(3)
  })

  test("5.1.2 more streams than the limit are refused", async () => {
    const rig = await Rig.start(() => undefined, { http2: { enabled: true, cleartext: true, streams: 3 } })
    const client = await RawClient.open(rig.port)
    const limit = await client.got("settings", ({ type }) => type === Type.settings)
    expect(limit.payload.subarray(0, 6)).toEqual(setting(3, 3))
    for (let i = 0; i < 4; i++) client.get(1 + 2 * i)
    await client.got(
      "a refusal",
      ({ type, stream }) => type === Type.goaway || (type === Type.reset && stream === 7),
    )
    expect(rig.calls.length).toBe(3)
  })
})
