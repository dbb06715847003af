/** The host's own end of WebSocket connections: handshake, limits, back-pressure, time. The frames themselves: `autobahn.test.ts`. */
import { describe, expect, it, onTestFinished } from "vitest"
import { WebSocket } from "ws"
import { eventually, standsStill, within } from "../support/deadline.ts"
import { type AcceptorRig, echo, type RigOptions, startAcceptor } from "./acceptor-rig.ts"
import { closeFrame, frame, OP } from "./frames.ts"
import { type OpenOptions, RawClient } from "./raw-client.ts"

const MIB = 1024 * 1024

describe("the opening handshake", () => {
  const wrong: [string, OpenOptions, number][] = [
    ["without a key", { headers: { "Sec-WebSocket-Key": "" } }, 400],
    ["with a short key", { headers: { "Sec-WebSocket-Key": "AAAA" } }, 400],
    ["without a version", { headers: { "Sec-WebSocket-Version": "" } }, 400],
    ["of another method", { method: "POST" }, 400],
    ["with a malformed subprotocol", { headers: { "Sec-WebSocket-Protocol": "a b" } }, 400],
    ["with one subprotocol twice", { headers: { "Sec-WebSocket-Protocol": "a, a" } }, 400],
    ["with a malformed extension", { headers: { "Sec-WebSocket-Extensions": "permessage-deflate; =" } }, 400],
    ["of version 8", { headers: { "Sec-WebSocket-Version": "8" } }, 426],
    ["of version 14", { headers: { "Sec-WebSocket-Version": "14" } }, 426],
  ]
  it("is answered 400 or 426 when it is wrong, and the connection goes on", async () => {
    const rig = await started()
    for (const [what, options, status] of wrong) {
      const client = await RawClient.open(rig.url, options)
      expect([what, client.status]).toEqual([what, status])
      if (status === 426) expect(client.header("sec-websocket-version")).toBe("13")
      client.destroy()
    }
    const client = await RawClient.open(rig.url)
    expect(client.status).toBe(101)
    client.destroy()
  })

  it("takes the app's subprotocol and lines, and none of the host's own from it", async () => {
    const rig = await started({
      subprotocol: "chat",
      lines: "X-App: yes\r\nSec-WebSocket-Accept: nonsense\r\nConnection: close\r\n",
    })
    const client = await RawClient.open(rig.url, { headers: { "Sec-WebSocket-Protocol": "soap, chat" } })
    expect(client.status).toBe(101)
    expect(client.header("sec-websocket-protocol")).toBe("chat")
    expect(client.header("x-app")).toBe("yes")
    expect(client.head.match(/^(sec-websocket-accept|connection|upgrade):/gim)?.length).toBe(3)
    client.destroy()
    const other = await RawClient.open(rig.url, { headers: { "Sec-WebSocket-Protocol": "soap" } })
    expect(other.status).toBe(502)
    expect(String(rig.errors[0])).toContain("does not offer")
    other.destroy()
  })

  it("gives compression to clients that offer it, where it is on", async () => {
    for (const compression of [true, false]) {
      const rig = await started({ limits: { compression } })
      const client = await RawClient.open(rig.url, {
        headers: { "Sec-WebSocket-Extensions": "permessage-deflate" },
      })
      expect(client.header("sec-websocket-extensions")?.startsWith("permessage-deflate") ?? false).toBe(
        compression,
      )
      client.destroy()
    }
  })
})

describe("a client", () => {
  it("that does not mask is closed with 1002", async () => {
    const rig = await started()
    const client = await RawClient.open(rig.url)
    client.socket.write(frame({ opcode: OP.text, payload: "plain", masked: false }))
    expect(await client.closed()).toBe(1002)
    client.socket.end()
    await client.end()
  })

  it("whose message is too long is closed with 1009, by the length alone", async () => {
    const rig = await started({ limits: { messageBytes: 1000 } })
    for (const write of [
      (client: RawClient) =>
        client.socket.write(frame({ opcode: OP.text, payload: "x".repeat(1001) }).subarray(0, 8)),
      (client: RawClient) =>
        client.socket.write(
          Buffer.concat([
            frame({ opcode: OP.text, payload: "x".repeat(600), fin: false }),
            frame({ opcode: OP.continuation, payload: "x".repeat(600) }),
          ]),
        ),
    ]) {
      const client = await RawClient.open(rig.url)
      write(client)
      expect(await client.closed()).toBe(1009)
      client.destroy()
    }
    const client = await RawClient.open(rig.url)
    client.send("x".repeat(1000))
    expect((await client.text()).length).toBe(1000)
    client.destroy()
  })

  it("that unpacks to too long a message is closed with 1009", async () => {
    const rig = await started({ limits: { messageBytes: 100_000 } })
    const client = new WebSocket(rig.url, { perMessageDeflate: { threshold: 0 } })
    await within(5000, "the connection", new Promise((resolve) => client.once("open", resolve)))
    const closed = new Promise<number>((resolve) => client.once("close", resolve))
    client.on("error", () => undefined)
    client.send("x".repeat(50 * MIB))
    expect(await within(10_000, "the end", closed)).toBe(1009)
  })

  it("never sees another's messages", async () => {
    const rig = await started()
    const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.open(rig.url)))
    for (let n = 0; n < 20; n++)
      await Promise.all(
        clients.map(async (client, i) => {
          client.send(`${i}.${n}`)
          expect(await client.text()).toBe(`${i}.${n}`)
        }),
      )
    for (const client of clients) client.destroy()
  })

  it("that leaves without a word is closed with 1006, one that says so with its code", async () => {
    const rig = await started()
    const silent = await RawClient.open(rig.url)
    silent.socket.end()
    await silent.end()
    expect(rig.sockets[0]?.closedWith).toEqual({ code: 1006, reason: "" })
    const reset = await RawClient.open(rig.url)
    reset.socket.resetAndDestroy()
    await eventually(5000, "the end", () => rig.sockets[1]?.closedWith !== null)
    expect(rig.sockets[1]?.closedWith?.code).toBe(1006)
    const polite = await RawClient.open(rig.url)
    polite.socket.write(closeFrame(4321, "grüße"))
    expect(await polite.closed()).toBe(4321)
    polite.socket.end()
    await polite.end()
    await eventually(5000, "the end", () => rig.sockets[2]?.closedWith !== null)
    expect(rig.sockets[2]?.closedWith).toEqual({ code: 4321, reason: "grüße" })
    expect(rig.sockets.map(({ closes }) => closes)).toEqual([1, 1, 1])
  })
})

describe("back-pressure", () => {
  it("tells the app when a client takes no more, keeps little of it, and goes on when it does", async () => {
    const rig = await started()
    const client = await RawClient.open(rig.url)
    const [app] = rig.sockets
    if (app === undefined) throw new Error("no connection")
    client.socket.pause()
    const piece = Buffer.alloc(65536, 1)
    let sent = 0
    await fill()
    expect(app.end.bufferedBytes).toBeLessThan(MIB)
    const before = sent
    const drained = new Promise<void>((resolve) => {
      app.onDrained = resolve
    })
    client.socket.resume()
    await within(10_000, "the client to take it", drained)
    app.end.send(piece, false, true)
    sent++
    await eventually(10_000, "every message", () => client.frames.length === sent)
    expect(before).toBeGreaterThan(2)
    client.destroy()

    /** Until it stands still: what the sockets of the system take comes on top. */
    async function fill(): Promise<void> {
      const deadlineMs = performance.now() + 10_000
      while (performance.now() < deadlineMs) {
        while (sent < 4096) {
          sent++
          if (!app?.end.send(piece, false, true)) break
        }
        const drains = app?.drains ?? 0
        await standsStill(5000, "what is buffered", () => app?.end.bufferedBytes ?? 0, 150)
        if (app?.drains === drains) return
      }
    }
  })

  it("leaves a client's messages where they are while the app is paused", async () => {
    const rig = await started({
      onMessage: (socket, isText, bytes) => socket.messages.push({ isText, bytes }),
    })
    const client = await RawClient.open(rig.url)
    const [app] = rig.sockets
    app?.end.pause()
    let written = 0
    let isFull = false
    for (let n = 0; n < 400 && !isFull; n++) {
      const isTaken = client.socket.write(frame({ opcode: OP.binary, payload: Buffer.alloc(65536) }))
      written++
      if (!isTaken)
        isFull = await Promise.race([
          new Promise<boolean>((resolve) => client.socket.once("drain", () => resolve(false))),
          standsStill(5000, "the socket", () => client.socket.writableLength, 300).then(
            () => client.socket.writableNeedDrain,
          ),
        ])
    }
    expect(isFull).toBe(true)
    expect(app?.messages.length).toBeLessThanOrEqual(3)
    app?.end.resume()
    await eventually(10_000, "the messages", () => app?.messages.length === written)
    client.destroy()
  })

  it("bounds the pongs of a client that sends pings and reads nothing", async () => {
    const rig = await started()
    const client = await RawClient.open(rig.url)
    client.socket.pause()
    const pings = Buffer.concat(
      Array.from({ length: 500 }, () => frame({ opcode: OP.ping, payload: Buffer.alloc(125) })),
    )
    const closed = eventually(
      20_000,
      "the end",
      () => rig.sockets[0]?.closedWith !== null || client.socket.destroyed,
    )
    let isOver = false
    void closed.then(() => {
      isOver = true
    })
    while (!isOver) {
      if (!client.socket.write(pings))
        await Promise.race([closed, new Promise((resolve) => client.socket.once("drain", resolve))])
      expect(rig.sockets[0]?.end.bufferedBytes ?? 0).toBeLessThan(MIB)
    }
    await closed
    client.destroy()
  })
})

describe("time", () => {
  it("ends a client that does not answer pings, with 1001, and keeps one that does", async () => {
    const rig = await started({ limits: { pingMs: 150 } })
    const dead = await RawClient.open(rig.url)
    const alive = new WebSocket(rig.url)
    let pings = 0
    alive.on("ping", () => pings++)
    expect(await dead.closed(5000)).toBe(1001)
    dead.destroy()
    await eventually(5000, "more pings", () => pings > 4)
    expect(alive.readyState).toBe(WebSocket.OPEN)
    alive.terminate()
  })

  it("ends a client that stops in the middle of a frame", async () => {
    const rig = await started({ limits: { pingMs: 150 } })
    const client = await RawClient.open(rig.url)
    client.socket.write(frame({ opcode: OP.text, payload: "half a frame" }).subarray(0, 9))
    expect(await client.closed(5000)).toBe(1001)
    client.socket.end()
    await client.end()
    await eventually(5000, "the end", () => rig.sockets[0]?.closes === 1)
  })

  it("closes a connection without messages with 1001, pongs notwithstanding", async () => {
    const rig = await started({ limits: { idleMs: 400, pingMs: 100 } })
    const quiet = new WebSocket(rig.url)
    const busy = await RawClient.open(rig.url)
    const closed = new Promise<number>((resolve) => quiet.once("close", resolve))
    let isOver = false
    void closed.then(() => {
      isOver = true
    })
    while (!isOver) {
      busy.send("still here")
      await busy.text()
    }
    expect(await within(5000, "the end", closed)).toBe(1001)
    expect(busy.ended).toBe(false)
    busy.destroy()
  })

  it("does not end a client whose messages nobody reads", async () => {
    const rig = await started({ limits: { pingMs: 60 } })
    const client = new WebSocket(rig.url)
    let pings = 0
    client.on("ping", () => pings++)
    await within(5000, "the connection", new Promise((resolve) => client.once("open", resolve)))
    rig.sockets[0]?.end.pause()
    await eventually(5000, "more pings", () => pings > 5)
    expect(client.readyState).toBe(WebSocket.OPEN)
    client.terminate()
  })
})

describe("closing", () => {
  it("by the app has its code and reason, and waits for the client for a while only", async () => {
    const rig = await started()
    const client = await RawClient.open(rig.url)
    rig.sockets[0]?.end.close(4005, `${"ü".repeat(80)}`)
    const close = await client.next()
    expect(close?.payload.readUInt16BE()).toBe(4005)
    expect(close?.payload.toString("utf8", 2)).toBe("ü".repeat(61))
    // It does not answer: the connection is ended.
    await client.end(8000)
    await eventually(2000, "the end", () => rig.sockets[0]?.closedWith !== null)
    expect(rig.sockets[0]?.closedWith?.code).toBe(1006)
  })

  it("with a code that may not be sent says that the app was wrong", async () => {
    const rig = await started()
    for (const [code, seen] of [
      [1006, 1011],
      [999, 1011],
      [5000, 1011],
      [1005, 1005],
      [3000, 3000],
    ] as const) {
      const client = await RawClient.open(rig.url)
      rig.sockets.at(-1)?.end.close(code, "")
      expect([code, await client.closed()]).toEqual([code, seen])
      client.destroy()
    }
  })

  it("by the host has the host's code, and messages after it are nobody's", async () => {
    const rig = await started()
    const client = await RawClient.open(rig.url)
    const [app] = rig.sockets
    app?.exchange.goAway(1012)
    expect(app?.end.send(Buffer.from("too late"), true, true)).toBe(true)
    expect(await client.closed()).toBe(1012)
    client.close(1012)
    client.socket.end()
    await client.end()
    await eventually(2000, "the end", () => app?.closedWith !== null)
    expect(app?.closedWith?.code).toBe(1012)
    expect(client.frames.length).toBe(1)
  })

  it("at once leaves a client without a close frame", async () => {
    const rig = await started()
    const client = await RawClient.open(rig.url)
    rig.sockets[0]?.end.destroy()
    expect(await client.closed()).toBe(1006)
    await eventually(2000, "the end", () => rig.sockets[0]?.closes === 1)
  })
})

async function started(options: RigOptions = {}): Promise<AcceptorRig> {
  const rig = await startAcceptor({ onMessage: echo, ...options })
  onTestFinished(() => rig.close())
  return rig
}
