/** Both ends of WebSocket streams over a channel in memory, each under the lint, with a fake client. */
import { createHash } from "node:crypto"
import * as fc from "fast-check"
import { describe, expect, it, onTestFinished } from "vitest"
import { MESSAGE_COST_BYTES, WINDOW_BYTES } from "../../protocol/frames.ts"
import { GuestConnection } from "../../protocol/guest-connection.ts"
import { lintChannel } from "../../protocol/lint.ts"
import { createChannelPair } from "../../protocol/memory-channel.ts"
import type { GuestSocket, GuestSocketEvents } from "../../protocol/websocket/guest-socket.ts"
import { MemoryExchange } from "../protocol/memory-exchange.ts"
import { HELLO, recordHost, turns, until } from "../protocol/pair.ts"
import { FakeAcceptor } from "./fake-acceptor.ts"

const NONE = new Uint8Array(0)

/** What a guest got, and how it answers. */
class GuestEnd implements GuestSocketEvents {
  readonly received: { isText: boolean; bytes: Uint8Array }[] = []
  readonly closes: [number, string][] = []
  drains = 0
  consumes = true
  readonly socket: GuestSocket

  constructor(socket: GuestSocket, subprotocol = "") {
    this.socket = socket
    socket.accept({ subprotocol, lines: "x-app: yes\r\n" }, this)
  }

  message(isText: boolean, bytes: Uint8Array, cost: number): void {
    this.received.push({ isText, bytes: bytes.slice() })
    if (this.consumes) this.socket.consumed(cost)
  }

  drained(): void {
    this.drains++
  }

  closed(code: number, reason: string): void {
    this.closes.push([code, reason])
  }
}

interface Rig {
  readonly acceptor: FakeAcceptor
  readonly sockets: GuestSocket[]
  readonly broken: string[]
  serve(upgrade?: string): MemoryExchange
  endChannel(): void
  close(reason: string): void
  readonly inFlight: number
}

async function rig(takesSockets = true): Promise<Rig> {
  const broken: string[] = []
  const sockets: GuestSocket[] = []
  const [left, right] = createChannelPair(setImmediate)
  const acceptor = new FakeAcceptor()
  const host = recordHost(
    lintChannel(left, "host", (rule, text) => broken.push(`host end ${rule}: ${text}`)),
    { sockets: acceptor },
  )
  const guest: GuestConnection = new GuestConnection(
    lintChannel(right, "guest", (rule, text) => broken.push(`guest end ${rule}: ${text}`)),
    {
      welcome: () => guest.started({ interface: "fetch", websocket: takesSockets }),
      request: (stream) => stream.respond({ status: 200, reason: "", lines: "" }, NONE, true),
      webSocket: (socket) => sockets.push(socket),
      shutdown: () => guest.shutdownComplete(),
      closed: () => {},
    },
    setImmediate,
  )
  guest.hello(HELLO)
  await until(() => host.starts.length > 0)
  onTestFinished(() => {
    expect(broken).toEqual([])
    for (const end of acceptor.ends) expect(end.misuse).toEqual([])
  })
  return {
    acceptor,
    sockets,
    broken,
    serve(upgrade = "websocket") {
      const exchange = new MemoryExchange({
        head: { upgrade },
        headers: Buffer.from("sec-websocket-key: x\r\nx-client: 1\r\n"),
      })
      host.connection.serve(exchange)
      return exchange
    },
    endChannel: () => left.close("cut"),
    close: (reason) => host.connection.close(reason),
    get inFlight() {
      return host.connection.inFlight
    },
  }
}

async function connected(options: { takes?: number } = {}) {
  const it = await rig()
  if (options.takes !== undefined) it.acceptor.takes = options.takes
  const exchange = it.serve()
  await until(() => it.sockets.length === 1)
  const guest = new GuestEnd(it.sockets[0] as GuestSocket)
  await until(() => it.acceptor.ends.length === 1)
  return { ...it, exchange, guest, client: it.acceptor.last, rig: it }
}

function told({ isText, bytes }: { isText: boolean; bytes: Uint8Array }): string {
  return `${isText} ${bytes.length} ${createHash("sha1").update(bytes).digest("hex")}`
}

function asked(content: string | Uint8Array): string {
  return told({ isText: typeof content === "string", bytes: Buffer.from(content) })
}

const message = fc.oneof(
  fc.constant(""),
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc.uint8Array({ maxLength: 200 }),
  fc.nat(150_000).map((length) => new Uint8Array(length).fill(length)),
)

describe("a WebSocket stream", () => {
  it("carries messages of any length and kind both ways, in order, to clients and apps of any speed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 12 }),
        fc.array(message, { maxLength: 12 }),
        fc.integer({ min: 5000, max: 400_000 }),
        async (down, up, speed) => {
          const { guest, client, broken } = await connected({ takes: speed })
          for (const it of down) guest.socket.send(typeof it === "string", Buffer.from(it))
          for (const it of up) client.message(it)
          await until(() => {
            client.read(speed)
            return client.received.length === down.length && guest.received.length === up.length
          })
          expect(client.received.map(told)).toEqual(down.map(asked))
          expect(guest.received.map(told)).toEqual(up.map(asked))
          expect(client.paused).toBe(false)
          expect(client.misuse).toEqual([])
          expect(broken).toEqual([])
        },
      ),
      { numRuns: 20 },
    )
  })

  it("sends no more than the window to a client that does not read, and goes on when it does", async () => {
    const { guest, client } = await connected({ takes: 1 })
    for (let i = 0; i < 100; i++) guest.socket.send(false, new Uint8Array(20_000))
    await turns(50)
    expect(guest.socket.bufferedBytes).toBeGreaterThan(2_000_000 - WINDOW_BYTES)
    expect(guest.drains).toBe(0)
    client.read(Number.POSITIVE_INFINITY)
    await until(() => client.received.length === 100)
    expect(guest.socket.bufferedBytes).toBe(0)
    expect(guest.drains).toBe(1)
  })

  it("holds at most 4096 short messages on the way, empty ones too", async () => {
    const { guest, client } = await connected()
    guest.consumes = false
    for (let i = 0; i < 10_000; i++) client.message("")
    await turns(50)
    expect(guest.received.length).toBe(WINDOW_BYTES / MESSAGE_COST_BYTES)
    expect(client.paused).toBe(true)
    guest.consumes = true
    guest.socket.consumed(WINDOW_BYTES)
    await until(() => guest.received.length === 10_000)
    expect(client.paused).toBe(false)
  })

  it("passes a message longer than the window on in pieces, and never holds it", async () => {
    const { guest, client } = await connected()
    guest.socket.send(true, Buffer.from("é".repeat(2_000_000)))
    await until(() => client.received.length === 1)
    expect(client.received[0]?.bytes.length).toBe(4_000_000)
    expect(client.largestPiece).toBeLessThanOrEqual(64 * 1024)
  })

  it("shows the guest the lines of the hop, and its head in a buffer of its own", async () => {
    const { guest } = await connected()
    const { head } = guest.socket
    const lines = Buffer.from(head.bytes).toString("latin1", head.headersAt, head.headersEnd)
    expect(lines).toBe("sec-websocket-key: x\r\nx-client: 1\r\nconnection: Upgrade\r\nupgrade: websocket\r\n")
    expect(head.bytes.buffer.byteLength).toBeLessThan(1000)
  })

  it("gives the host the subprotocol and the lines of the answer", async () => {
    const it = await rig()
    it.acceptor.offered = ["chat"]
    const exchange = it.serve()
    await until(() => it.sockets.length === 1)
    new GuestEnd(it.sockets[0] as GuestSocket, "chat")
    await until(() => it.acceptor.ends.length === 1)
    expect(it.acceptor.last.subprotocol).toBe("chat")
    expect(exchange.status).toBe(101)
    expect(exchange.lines).toBe("x-app: yes\r\n")
  })

  it("may be refused as a request is answered, with a body of any length", async () => {
    const it = await rig()
    const exchange = it.serve()
    await until(() => it.sockets.length === 1)
    const socket = it.sockets[0] as GuestSocket
    socket.respond({ status: 403, reason: "", lines: "x-why: because\r\n" }, NONE, false)
    socket.write(new Uint8Array(100_000), true)
    expect(await exchange.ended).toEqual({ kind: "end" })
    expect([exchange.status, exchange.lines, exchange.receivedBytes]).toEqual([
      403,
      "x-why: because\r\n",
      100_000,
    ])
    expect(it.inFlight).toBe(0)
  })

  it("may be given up by the guest before it accepts", async () => {
    const it = await rig()
    const exchange = it.serve()
    await until(() => it.sockets.length === 1)
    it.sockets[0]?.abort(4, Buffer.from("the hook threw"))
    expect(await exchange.ended).toEqual({ kind: "fail", code: "APP_ERROR", detail: "the hook threw" })
  })

  it("that cannot be accepted costs the exchange alone", async () => {
    const it = await rig()
    const exchange = it.serve()
    await until(() => it.sockets.length === 1)
    const guest = new GuestEnd(it.sockets[0] as GuestSocket, "not-offered")
    guest.socket.send(true, Buffer.from("too early"))
    expect(await exchange.ended).toMatchObject({ kind: "fail", code: "APP_RESPONSE_INVALID" })
    await until(() => guest.closes.length === 1)
    expect(guest.closes).toEqual([[1006, ""]])
    const next = it.serve("")
    expect(await next.ended).toEqual({ kind: "end" })
  })

  it("is an ordinary request where the app has no hooks, and where it asks for something else", async () => {
    const without = await rig(false)
    expect(await without.serve().ended).toEqual({ kind: "end" })
    const other = await rig()
    expect(await other.serve("h2c").ended).toEqual({ kind: "end" })
    expect(without.acceptor.checks + other.acceptor.checks).toBe(0)
  })

  it("never reaches the guest when the handshake is wrong", async () => {
    const it = await rig()
    it.acceptor.isRight = false
    const exchange = it.serve()
    expect(await exchange.ended).toEqual({ kind: "end" })
    expect(exchange.status).toBe(400)
    await turns(5)
    expect(it.sockets).toEqual([])
    expect(it.inFlight).toBe(0)
  })

  it("tells a guest that has not accepted that the client left", async () => {
    const it = await rig()
    const exchange = it.serve()
    await until(() => it.sockets.length === 1)
    let left = 0
    const socket = it.sockets[0] as GuestSocket
    socket.events = { requestBody: () => {}, writable: () => {}, disconnected: () => left++ }
    exchange.leave()
    await until(() => left === 1)
    expect(socket.accept({ subprotocol: "", lines: "" }, new GuestEnd(socket))).toBe(false)
    await turns(5)
    expect(it.acceptor.ends).toEqual([])
    expect(it.inFlight).toBe(0)
  })

  it("drops an accept and messages that cross the client's leaving", async () => {
    const it = await rig()
    const exchange = it.serve()
    await until(() => it.sockets.length === 1)
    exchange.leave()
    const guest = new GuestEnd(it.sockets[0] as GuestSocket)
    guest.socket.send(true, Buffer.from("hello"))
    guest.socket.close(1000, NONE)
    await until(() => guest.closes.length === 1)
    expect(guest.closes).toEqual([[1006, ""]])
    expect(it.acceptor.ends).toEqual([])
  })
})

describe("the end of a WebSocket stream", () => {
  it("comes from the client with its code and reason", async () => {
    const { guest, client, rig } = await connected()
    client.message("last words")
    client.closed(4321, "bye ".repeat(30))
    await until(() => guest.closes.length === 1)
    expect(guest.received.length).toBe(1)
    expect(guest.closes).toEqual([[4321, "bye ".repeat(30)]])
    expect(guest.socket.done).toBe(true)
    expect(rig.inFlight).toBe(0)
  })

  it("is asked for by the app after all that it has sent", async () => {
    const { guest, client, rig } = await connected({ takes: 1 })
    for (let i = 0; i < 60; i++) guest.socket.send(false, new Uint8Array(10_000))
    guest.socket.close(4000, Buffer.from("done"))
    guest.socket.send(true, Buffer.from("dropped"))
    await turns(20)
    expect(client.closes).toEqual([])
    client.read(Number.POSITIVE_INFINITY)
    await until(() => client.closes.length === 1)
    expect(client.received.length).toBe(60)
    expect(client.closes).toEqual([[4000, "done"]])
    expect(rig.inFlight).toBe(1)
    client.closed(4000, "done")
    await until(() => guest.closes.length === 1)
    expect(rig.inFlight).toBe(0)
  })

  it("goes to a client that takes nothing with what the host holds for it, which is at most a window", async () => {
    const { guest, client } = await connected({ takes: 1 })
    for (let i = 0; i < 5; i++) guest.socket.send(false, new Uint8Array(10_000))
    guest.socket.close(4000, NONE)
    await until(() => client.closes.length === 1)
    expect(client.received.length).toBe(5)
  })

  it("comes at once when the app terminates it", async () => {
    const { guest, client, rig } = await connected()
    guest.socket.terminate()
    expect(guest.closes).toEqual([[1006, ""]])
    await until(() => client.destroyed)
    expect(rig.inFlight).toBe(0)
  })

  it("comes with the channel's: 1011 for the client, 1006 for the app", async () => {
    const { guest, client, endChannel } = await connected()
    endChannel()
    await until(() => client.closes.length === 1)
    expect(client.closes).toEqual([[1011, ""]])
    expect(guest.closes).toEqual([[1006, ""]])
    client.closed(1011)
    client.message("late")
    await turns(5)
  })

  it("costs the client that has not been accepted an error answer when the channel ends", async () => {
    const it = await rig()
    const exchange = it.serve()
    await until(() => it.sockets.length === 1)
    it.endChannel()
    expect(await exchange.ended).toMatchObject({ kind: "fail", code: "APP_CRASHED" })
  })

  it("lets what crosses it be late", async () => {
    const { guest, client, rig } = await connected()
    client.closed(1001)
    for (let i = 0; i < 20; i++) guest.socket.send(false, new Uint8Array(10_000))
    guest.socket.close(1000, NONE)
    await until(() => guest.closes.length === 1)
    const next = rig.serve("")
    expect(await next.ended).toEqual({ kind: "end" })
  })
})
