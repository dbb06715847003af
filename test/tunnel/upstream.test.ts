/** Tunnels between an exchange in memory, whose client is the test, and a server that says what the test says. */
import { randomBytes } from "node:crypto"
import type { Socket } from "node:net"
import { describe, expect, test } from "vitest"
import { closeFrame } from "../../runtimes/process/upstream/frame-borders.ts"
import { eventually, standsStill, within } from "../support/deadline.ts"
import { Client, type ClientOptions, rawRig } from "../upstream/rig.ts"
import { MS } from "./rig.ts"

const HEAD = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
const HELLO = "\x81\x05hello"

function client(upgrade: string, options: ClientOptions = {}): Client {
  return new Client({ ...options, head: { upgrade } })
}

/** A tunnel to a server that answered with `first` behind its head. */
async function tunnel(upgrade: string, first = "", options: ClientOptions = {}) {
  let app: Socket | undefined
  let received = Buffer.alloc(0)
  const rig = await rawRig((socket) => {
    app = socket
    socket.removeAllListeners("data")
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes])
    })
    socket.allowHalfOpen = true
    socket.write(`${HEAD}Upgrade: ${upgrade}\r\n\r\n${first}`, "latin1")
  })
  const it = client(upgrade, options)
  rig.upstream.serve(it)
  await eventually(MS, "101", () => it.upgraded)
  return {
    client: it,
    app: app as unknown as Socket,
    upstream: rig.upstream,
    received: () => received.toString("latin1"),
  }
}

function text(it: Client): string {
  return Buffer.from(it.answer).toString("latin1")
}

async function ended(it: Client) {
  return within(MS, "the end of the exchange", it.ended)
}

describe("a 101 that nobody asked for", () => {
  test.each([
    ["to a request without Upgrade", "", "Upgrade: websocket\r\n"],
    ["with another protocol", "websocket", "Upgrade: echo\r\n"],
    ["with a longer name", "echo", "Upgrade: echo/2\r\n"],
    ["without a protocol", "websocket", ""],
  ])("%s is no answer", async (_what, upgrade, line) => {
    const rig = await rawRig((socket) => socket.write(`${HEAD}${line}\r\n`))
    const it = client(upgrade)
    rig.upstream.serve(it)
    expect(await ended(it)).toMatchObject({ kind: "fail", code: "APP_RESPONSE_INVALID" })
    expect(it.upgraded).toBe(false)
  })
})

describe("a tunnel", () => {
  test("the request names the protocol, once, and the answer's own lines pass", async () => {
    let request = ""
    const rig = await rawRig((socket, text) => {
      request = text
      socket.write(`${HEAD}UPGRADE:  first , ECHO \r\nX-Own: 1\r\n\r\n`)
    })
    const it = client("echo")
    rig.upstream.serve(it)
    await eventually(MS, "101", () => it.upgraded)
    expect(request).toBe("GET / HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
    expect(it.lines).toContain("X-Own: 1\r\n")
    it.leave()
  })

  test("bytes that came with the answer are the first, byte by byte or at once", async () => {
    const { client: it } = await tunnel("own", "hello")
    await eventually(MS, "the first bytes", () => text(it) === "hello")
    const rig = await rawRig(async (socket) => {
      for (const byte of `${HEAD}Upgrade: own\r\n\r\nhello`) {
        socket.write(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const other = client("own")
    rig.upstream.serve(other)
    await eventually(MS, "the first bytes", () => text(other) === "hello")
    it.leave()
    other.leave()
  })

  test("each half ends by itself: the client's first", async () => {
    const { client: it, app, received, upstream } = await tunnel("own")
    it.send(Buffer.from("a question"))
    it.sendEnd()
    await within(MS, "the client's end", new Promise((resolve) => app.once("end", resolve)))
    expect(received()).toBe("a question")
    app.end("an answer")
    expect(await ended(it)).toEqual({ kind: "end" })
    expect([text(it), upstream.inFlight]).toEqual(["an answer", 0])
  })

  test("each half ends by itself: the app's first", async () => {
    const { client: it, app, received, upstream } = await tunnel("own")
    app.end("all I have")
    await eventually(MS, "the app's end", () => it.appEnded)
    expect(text(it)).toBe("all I have")
    it.send(Buffer.from("and still some"))
    it.sendEnd()
    expect(await ended(it)).toEqual({ kind: "end" })
    await eventually(MS, "the last bytes", () => received() === "and still some")
    expect(upstream.inFlight).toBe(0)
  })

  test("a client that takes nothing holds the app back", async () => {
    const { client: it, app } = await tunnel("own", "", { takes: 10_000 })
    const block = Buffer.alloc(64 * 1024)
    let written = 0
    const pour = () => {
      while (written < 500 * block.length) {
        written += block.length
        if (!app.write(block)) return app.once("drain", pour)
      }
      app.end()
      return app
    }
    pour()
    await standsStill(MS, "what the app writes", () => written)
    expect(it.receivedBytes).toBeLessThan(300_000)
    expect(written).toBeLessThan(4_000_000)
    it.read(Number.POSITIVE_INFINITY)
    await eventually(MS, "all of it", () => it.receivedBytes === 500 * block.length)
    expect(it.misuse).toEqual([])
    it.leave()
  })

  test("an app that takes nothing holds the client back", async () => {
    const { client: it, app, received } = await tunnel("own")
    app.pause()
    const bytes = randomBytes(8 * 1024 * 1024)
    it.send(bytes)
    await standsStill(MS, "what the client could send", () => it.unsentBytes)
    expect(it.unsentBytes).toBeGreaterThan(7_000_000)
    app.resume()
    await eventually(MS, "all of it", () => received().length === bytes.length)
    expect(received()).toBe(bytes.toString("latin1"))
    it.leave()
  })

  test("a client that leaves is an end for the app at once", async () => {
    const { client: it, app, upstream } = await tunnel("own")
    const closed = new Promise((resolve) => app.once("end", resolve))
    it.leave()
    await within(MS, "the app's connection", closed)
    expect(upstream.inFlight).toBe(0)
  })

  test("its connection serves nobody else, and neither does one whose upgrade was refused", async () => {
    let connections = 0
    const rig = await rawRig((socket, request, count) => {
      connections = count
      socket.write(
        request.includes("Upgrade")
          ? "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
          : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      )
    })
    for (const upgrade of ["", "", "own", ""]) {
      const it = client(upgrade)
      rig.upstream.serve(it)
      expect(await ended(it)).toEqual({ kind: "end" })
    }
    expect([connections, rig.sockets.length]).toEqual([4, 2])
  })
})

describe("an instance that ends", () => {
  test("closes a WebSocket with 1011 at a border", async () => {
    const { client: it, upstream } = await tunnel("websocket", HELLO)
    await eventually(MS, "hello", () => text(it) === HELLO)
    upstream.close("killed", "APP_CRASHED")
    expect(text(it)).toBe(HELLO + latin1(closeFrame(1011)))
    it.sendEnd()
    expect(await ended(it)).toEqual({ kind: "end" })
    expect(upstream.inFlight).toBe(0)
  })

  test("also when its end shows on the socket first", async () => {
    const { client: it, app, upstream } = await tunnel("websocket", HELLO)
    await eventually(MS, "hello", () => text(it) === HELLO)
    app.destroy()
    await within(MS, "the end on the socket", new Promise((resolve) => app.once("close", resolve)))
    await new Promise((resolve) => setImmediate(resolve))
    upstream.close("killed", "APP_CRASHED")
    await eventually(MS, "an end", () => it.appEnded)
    expect(text(it)).toBe(HELLO + latin1(closeFrame(1011)))
    it.leave()
  })

  test.each([
    ["in a frame", "websocket", HELLO.slice(0, 4)],
    ["in the header of one", "websocket", HELLO.slice(0, 1)],
    ["in a protocol that nobody knows", "own", HELLO],
  ])("cuts the connection %s", async (_where, upgrade, first) => {
    const { client: it, upstream } = await tunnel(upgrade, first)
    await eventually(MS, "the first bytes", () => text(it) === first)
    upstream.close("killed", "APP_CRASHED")
    expect(await ended(it)).toMatchObject({ kind: "fail", code: "APP_CRASHED" })
    expect(text(it)).toBe(first)
  })

  test("an app that lives on and closes without a word does what it does without a host", async () => {
    const { client: it, app } = await tunnel("websocket", HELLO)
    await eventually(MS, "hello", () => text(it) === HELLO)
    app.destroy()
    await eventually(MS, "an end", () => it.appEnded)
    expect(text(it)).toBe(HELLO)
    it.sendEnd()
    expect(await ended(it)).toEqual({ kind: "end" })
  })
})

describe("a WebSocket that is to go", () => {
  test("is told at once at a border, and what the client says to it reaches the app, whose word is dropped", async () => {
    const { client: it, app, received } = await tunnel("websocket", HELLO)
    await eventually(MS, "hello", () => text(it) === HELLO)
    it.goAway(1012)
    expect(text(it)).toBe(HELLO + latin1(closeFrame(1012)))
    it.send(Buffer.from("the client's close"))
    await eventually(MS, "the client's answer", () => received() === "the client's close")
    app.end(closeFrame(1000))
    await eventually(MS, "the app's end", () => it.appEnded)
    it.sendEnd()
    expect(await ended(it)).toEqual({ kind: "end" })
    expect(text(it)).toBe(HELLO + latin1(closeFrame(1012)))
  })

  test("waits for the border of a frame that is on its way", async () => {
    const { client: it, app } = await tunnel("websocket", HELLO.slice(0, 3))
    await eventually(MS, "some of it", () => text(it).length === 3)
    it.goAway(1001)
    expect(text(it)).toBe(HELLO.slice(0, 3))
    app.write(HELLO.slice(3) + HELLO, "latin1")
    await eventually(MS, "the frame", () => text(it).length > 3)
    expect(text(it)).toBe(HELLO + latin1(closeFrame(1001)))
    it.leave()
  })

  test("ends after a while though nobody answers, and one that the app closes itself is left to it", async () => {
    const [silent, closing] = [await tunnel("websocket", HELLO), await tunnel("websocket", HELLO)]
    await eventually(MS, "hello", () => text(silent.client) === HELLO)
    closing.app.write(closeFrame(4000))
    await eventually(MS, "the app's close", () => text(closing.client).length === HELLO.length + 4)
    closing.client.goAway(1012)
    silent.client.goAway(1012)
    closing.app.end()
    await eventually(MS, "the app's end", () => closing.client.appEnded)
    expect(text(closing.client)).toBe(HELLO + latin1(closeFrame(4000)))
    await eventually(MS, "an end", () => silent.client.appEnded)
    silent.client.sendEnd()
    expect(await ended(silent.client)).toEqual({ kind: "end" })
    expect(await ended(closing.client)).toMatchObject({ kind: "fail" })
  })
})

test("a tunnel of another protocol that is to go ends on both sides", async () => {
  const { client: it, app } = await tunnel("own")
  const closed = new Promise((resolve) => app.once("end", resolve))
  it.goAway(1012)
  expect([it.appEnded, text(it)]).toEqual([true, ""])
  await within(MS, "the app's connection", closed)
  it.sendEnd()
  expect(await ended(it)).toEqual({ kind: "end" })
})

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1")
}
