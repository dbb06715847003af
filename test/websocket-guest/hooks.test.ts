/** crossws hooks of one app on every runtime, asked by `ws` through a host. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"
import { onRuntime } from "../runtimes/suite-host.ts"
import { eventually } from "../support/deadline.ts"
import { type TestApp, TestHost } from "../support/harness.ts"
import type { TestRuntime } from "../support/table.ts"
import { Client } from "./client.ts"

const fetchRuntimes = inject("runtimes").filter(
  ({ name, version }) => name !== "node" || Number(version.split(".")[0]) >= 18,
)
const own: TestRuntime = {
  name: "isolate",
  asked: "",
  version: process.versions.node,
  path: process.execPath,
}
const RUNTIMES: readonly TestRuntime[] = [...fetchRuntimes, { ...own, name: "thread" }, own]

function nameOf({ name, asked }: TestRuntime): string {
  return `${name}${asked.replaceAll(".", "-")}`
}

let host: TestHost

beforeAll(async () => {
  const apps: Record<string, TestApp> = {}
  for (const runtime of RUNTIMES) {
    const on = runtime === own || runtime.asked === "" ? { runtime: runtime.name } : onRuntime(runtime)
    apps[nameOf(runtime)] = { dir: fixture("sockets"), entry: "app.mjs", ...on }
  }
  host = await TestHost.start(apps)
})
afterAll(() => host.close())

function fixture(name: string): string {
  return new URL(`../fixtures/apps/${name}`, import.meta.url).pathname
}

describe.each(RUNTIMES.map((runtime) => [nameOf(runtime)]))("crossws hooks on %s", (app) => {
  const at = (path: string): string => `${host.url}/${app}${path}`
  const open = (path = "/", protocols: string[] = []): Promise<Client> => Client.open(at(path), protocols)
  const seen = async (): Promise<Record<string, unknown>[]> =>
    JSON.parse((await host.ask(`/${app}/seen`)).text) as Record<string, unknown>[]

  test("text and bytes come back as what they were, empty ones and BOMs too", async () => {
    const client = await open()
    expect(await client.ask("grüße 👋")).toBe("grüße 👋")
    expect(await client.ask("\ufeffbom")).toBe("\ufeffbom")
    expect(await client.ask(Buffer.from([0, 1, 255]))).toEqual(Buffer.from([0, 1, 255]))
    expect(await client.ask("")).toBe("")
    expect(await client.ask("empty:")).toBe("")
    expect(await client.next()).toEqual(Buffer.alloc(0))
    const large = Buffer.alloc(1_500_000, 9)
    expect(Buffer.compare((await client.ask(large)) as Buffer, large)).toBe(0)
    const accents = (await client.ask("big:400000")) as string
    expect([accents.length, accents.replaceAll("é", "")]).toEqual([400_000, ""])
    expect(await client.close(1000, "bye")).toEqual([1000, "bye"])
  })

  test("the peer tells of its request, context and connection", async () => {
    const client = await open("/about?x=1")
    expect(await client.askJson("about:")).toEqual({
      id: true,
      namespace: "/about",
      context: { from: "/about", upgradeHeader: "websocket", client: "127.0.0.1" },
      address: "127.0.0.1",
      url: "/about?x=1",
      readyState: 1,
      protocol: "",
      peers: 1,
      topics: ["all"],
    })
    expect(await client.askJson("kinds:äx")).toEqual({ bytes: 9, text: "kinds:äx", id: 36, array: 9 })
    expect(await client.askJson('json:{"a":[1]}')).toEqual({ got: { a: [1] } })
    await client.close()
  })

  test("the upgrade hook sets headers and the subprotocol, and no other is chosen", async () => {
    const client = await open("/proto", ["chat.v1", "chat.v2"])
    expect(client.socket.protocol).toBe("chat.v2")
    expect(client.headers).toMatchObject({ "x-app": app, "set-cookie": ["a=1"], upgrade: "websocket" })
    expect((await client.askJson("about:"))["protocol"]).toBe("chat.v2")
    await client.close()
    const without = await open("/")
    expect(without.socket.protocol).toBe("")
    await without.close()
  })

  test("a Response that the upgrade hook returns or throws is the answer", async () => {
    expect(await Client.refused(at("/refused"))).toMatchObject({
      status: 403,
      headers: { "x-why": "because" },
      body: "not you",
    })
    expect(await Client.refused(at("/thrown"))).toMatchObject({ status: 401, body: "go away" })
    const big = await Client.refused(at("/big-refusal"))
    expect([big.status, big.body.length]).toEqual([400, 700_000])
  })

  test("an upgrade hook that fails costs its client an error page, and the app hears of it", async () => {
    const broken = await Client.refused(at("/broken"))
    expect([broken.status, JSON.parse(broken.body).code]).toEqual([500, "APP_ERROR"])
    await host.logged(/upgrade broke/)
    expect(JSON.parse((await Client.refused(at("/badtoken"))).body).code).toBe("APP_ERROR")
    const foreign = await Client.refused(at("/foreign"), ["offered"])
    expect([foreign.status, JSON.parse(foreign.body).code]).toEqual([502, "APP_RESPONSE_INVALID"])
  })

  test("without hooks for it a request that asks for an upgrade is answered, and one without is a request", async () => {
    expect((await host.ask(`/${app}/plain`)).text).toBe(`fetch null ${app}`)
  })

  test("what is published reaches those that subscribed in the same namespace, and not the sender", async () => {
    const [a, b, c, other] = await Promise.all([
      open("/room"),
      open("/room"),
      open("/elsewhere?ns=/room"),
      open("/another"),
    ])
    await b.askJson("about:")
    a.send("publish:hello")
    expect([await b.next(), await c.next()]).toEqual(["hello", "hello"])
    // Nothing came before the answer to what was asked afterwards.
    expect([await a.ask("mine"), await other.ask("mine")]).toEqual(["mine", "mine"])
    c.send("unsubscribe:")
    expect(await c.ask("done")).toBe("done")
    a.send("publish:again")
    expect([await b.next(), await c.ask("mine")]).toEqual(["again", "mine"])
    expect((await a.askJson("about:"))["peers"]).toBe(3)
    await Promise.all([a, b, c, other].map((it) => it.close()))
    const later = await open("/room")
    expect((await later.askJson("about:"))["peers"]).toBe(1)
    await later.close()
  })

  test("a hook that throws or rejects is told to the error hook and to stderr, and the connection goes on", async () => {
    const client = await open("/errors")
    expect(await client.ask("throw:")).toBe("error hook: Error: message broke")
    expect(await client.ask("reject:")).toBe("error hook: Error: message rejected")
    expect(await client.ask("close:99,bad")).toMatch(/^error hook: RangeError: the close code/)
    await host.logged(/websocket hook \\*"message\\*" failed: Error: message rejected/)
    await client.close()
    const opening = await open("/throws-in-open")
    expect(await opening.next()).toBe("error hook: Error: open broke")
    await opening.close()
  })

  test("either side closes, with code and reason; the close hook is told once", async () => {
    const path = "/ends"
    const [byApp, plain, terminated, byClient, cut] = await Promise.all(
      Array.from({ length: 5 }, (_, index) => open(`${path}${index}`)),
    )
    byApp?.send("close:4002,done here")
    plain?.send("close-plain:")
    terminated?.send("terminate:")
    expect([await byApp?.end(), await plain?.end()]).toEqual([
      [4002, "done here"],
      [1000, ""],
    ])
    expect((await terminated?.end())?.[0]).toBe(1006)
    await byClient?.close(3456, "grüße")
    cut?.socket.terminate()
    expect(await (await open("/closes")).end()).toEqual([4001, "by open"])
    let closes: Record<string, unknown>[] = []
    await eventually(10_000, "the close hooks", async () => {
      closes = (await seen()).filter(({ hook, from }) => hook === "close" && String(from).startsWith(path))
      return closes.length >= 5
    })
    const byPath = Object.fromEntries(closes.map(({ from, code, reason }) => [from, [code, reason]]))
    expect(closes.length).toBe(5)
    expect(byPath).toEqual({
      "/ends0": [4002, "done here"],
      "/ends1": [1000, ""],
      "/ends2": [1006, ""],
      "/ends3": [3456, "grüße"],
      "/ends4": [1006, ""],
    })
  })

  test("ten thousand messages in a row come in order, and a client that reads slowly makes the app wait", async () => {
    const client = await open("/many")
    client.send("many:10000")
    for (let i = 0; i < 10_000; i++) if ((await client.next()) !== String(i)) throw new Error(`not ${i}`)
    client.socket.pause()
    client.send("bytes:9000000")
    client.send("buffered:")
    // Its answer tells what waited in the app at that moment, for the host and the sockets' buffers take little.
    client.socket.resume()
    expect(((await client.next()) as Buffer).length).toBe(9_000_000)
    const { buffered } = JSON.parse(String(await client.next())) as { buffered: number }
    expect(buffered).toBeGreaterThan(2_000_000)
    expect((await client.askJson("buffered:"))["buffered"]).toBe(0)
    const drains = (await seen()).filter(({ hook, from }) => hook === "drain" && from === "/many")
    expect(drains.length).toBeGreaterThan(0)
    expect(drains.every((it) => it["buffered"] === 0)).toBe(true)
    await client.close()
  })

  test("a message hook that is not done with what it has takes no more than a window", async () => {
    const client = await open("/held")
    for (let i = 0; i < 6000; i++) client.send("hold:")
    // 4096 of them wait in the app; that one does not come through until some are done.
    client.send("after")
    let answered = false
    const answer = client.next().then((text) => {
      answered = true
      return text
    })
    const other = await open("/other")
    for (let i = 0; i < 20; i++) await other.ask("still served")
    expect(answered).toBe(false)
    await eventually(10_000, "the answer", async () => {
      await host.ask(`/${app}/release`)
      return answered
    })
    expect(await answer).toBe("after")
    await Promise.all([client.close(), other.close()])
  })
})
