/** How long a connection and a stream may wait for their client, and how a connection ends in order. */
import { describe, expect, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { ask, session } from "./client.ts"
import { Code, Flag, GET, PREFACE, setting, Type } from "./frames.ts"
import { RawClient } from "./raw-client.ts"
import { hello, Rig } from "./rig.ts"

const WINDOW_OF_NOTHING = setting(4, 0)

describe("a connection", () => {
  test("on which nothing is asked is closed", async () => {
    const rig = await Rig.start(hello, { headersMs: 300 })
    const client = await RawClient.open(rig.port)
    expect(await client.ended()).toBe(Code.no)
  })

  test("that says nothing at all is closed", async () => {
    const rig = await Rig.start(hello, { headersMs: 300 })
    const client = await RawClient.open(rig.port, null)
    await client.ended()
  })

  test("in the middle of its first head is closed", async () => {
    const rig = await Rig.start(hello, { headersMs: 300 })
    const client = await RawClient.open(rig.port)
    client.send(Type.headers, 0, 1, Buffer.from([0x82]))
    await client.ended()
    expect(rig.calls).toEqual([])
  })

  test("that does not acknowledge settings is closed", async () => {
    const rig = await Rig.start(() => undefined, { headersMs: 300 })
    const client = await RawClient.open(rig.port, null)
    client.write(PREFACE).send(Type.settings, 0, 0).get(1)
    expect(await client.ended()).toBe(4)
    expect(rig.calls[0]!.left_).toBe("client-left")
  })

  test("that is idle is closed after its time, and not while something is asked", async () => {
    const rig = await Rig.start(() => undefined, { keepAliveMs: 500 })
    const client = await RawClient.open(rig.port)
    client.get(1)
    const call = await rig.call()
    await anotherIsLate()
    expect([client.closed, rig.connection.isIdle]).toEqual([false, false])
    hello(call)
    expect(await client.status(1)).toBe(200)
    await eventually(1000, "an idle connection", () => rig.connection?.isIdle !== false)
    expect(await client.ended()).toBe(Code.no)
  })

  test("that is to close says so, answers what it was asked, and ends", async () => {
    const rig = await Rig.start(() => undefined)
    const client = await RawClient.open(rig.port)
    client.get(1)
    const call = await rig.call()
    rig.connection.closeSoon()
    const goaway = await client.got("GOAWAY", ({ type }) => type === Type.goaway)
    expect([goaway.payload.readUInt32BE(0), goaway.payload.readUInt32BE(4)]).toEqual([1, Code.no])
    client.get(3)
    await client.echoed()
    expect([client.closed, rig.calls.length]).toEqual([false, 1])
    call.answer(200, "", "last")
    expect(await client.status(1)).toBe(200)
    await client.ended()
    await eventually(3000, "its end", () => rig.connections.size === 0)
  })

  test("that is idle and to close ends at once", async () => {
    const rig = await Rig.start(hello)
    const client = await session(rig.url)
    await ask(client, "/")
    const closed = new Promise((resolve) => client.once("close", resolve))
    rig.connection.closeSoon()
    await closed
  })

  test("whose client does not end its side is cut", async () => {
    const rig = await Rig.start(hello)
    const client = await RawClient.open(rig.port)
    client.get(1)
    await client.status(1)
    client.socket.pause()
    rig.connection.closeSoon()
    await eventually(5000, "its end", () => rig.connections.size === 0)
  })
})

describe("a stream", () => {
  test("whose body is awaited and does not come is answered 408", async () => {
    const rig = await Rig.start((call) => call.exchange.pull(1000), { bodyMs: 400 })
    const client = await RawClient.open(rig.port)
    client.post(1).send(Type.data, 0, 1, Buffer.from("half"))
    expect(await client.status(1)).toBe(408)
    expect(rig.calls[0]!.left_).toBe("timeout")
    expect(await client.reset(1)).toBe(Code.no)
    expect(client.closed).toBe(false)
  })

  test("whose body nobody awaits may wait", async () => {
    const rig = await Rig.start(() => undefined, { bodyMs: 300 })
    const client = await RawClient.open(rig.port)
    client.post(1)
    const call = await rig.call()
    await anotherIsLate()
    expect([call.left_, client.of(1)]).toEqual([null, []])
    hello(call)
    expect(await client.status(1)).toBe(200)
  })

  test("whose client gives no window is cut, whether its answer has ended or not", async () => {
    const rig = await Rig.start(
      (call) => {
        if (call.exchange.path === "/waits") return
        call.answer(200, "", Buffer.alloc(100), call.exchange.path === "/whole")
      },
      { sendMs: 500 },
    )
    const client = await RawClient.open(rig.port, WINDOW_OF_NOTHING)
    client.get(1, { ...GET, ":path": "/waits" })
    client.get(3, { ...GET, ":path": "/whole" })
    client.get(5, { ...GET, ":path": "/begun" })
    expect([await client.reset(3), await client.reset(5)]).toEqual([Code.cancel, Code.cancel])
    expect(rig.calls[2]!.left_).toBe("client-left")
    expect([client.closed, client.of(1), rig.calls[0]!.left_]).toEqual([false, [], null])
  })

  test("of a connection that takes nothing at all ends with it", async () => {
    const rig = await Rig.start((call) => call.answer(200, "", Buffer.alloc(1000)), { sendMs: 500 })
    const client = await RawClient.open(rig.port, WINDOW_OF_NOTHING)
    for (let id = 1; id < 20; id += 2) client.get(id)
    await client.ended()
    await eventually(3000, "its end", () => rig.connections.size === 0)
  })

  test("may take its time when its client takes some", async () => {
    const rig = await Rig.start((call) => call.answer(200, "", Buffer.alloc(40)), { sendMs: 500 })
    const client = await RawClient.open(rig.port, WINDOW_OF_NOTHING)
    client.get(1)
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 300))
      client.send(Type.window, 0, 1, Buffer.from([0, 0, 0, 10]))
    }
    const last = await client.got("the end", ({ flags, type }) => type === Type.data && flags === Flag.end)
    expect(last.payload.length).toBe(10)
  })
})

/** Resolves when a connection that asks nothing was closed for it: by then the deadlines of these tests have passed, too. */
async function anotherIsLate(): Promise<void> {
  const rig = await Rig.start(() => undefined, { headersMs: 1000 })
  const client = await RawClient.open(rig.port)
  await client.ended()
}
