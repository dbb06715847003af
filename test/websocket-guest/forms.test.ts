/** The forms that an app's `websocket` may have, and on Bun whose they are. */
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest"
import { isForBun, isForDeno, readHooks } from "../../runtimes/guest/websocket/hooks.ts"
import { TestHost } from "../support/harness.ts"
import { Client } from "./client.ts"

const BUN = new URL("../fixtures/apps/sockets-bun", import.meta.url).pathname
const FORMS = new URL("../fixtures/apps/sockets-forms", import.meta.url).pathname

describe("websocket of an app on Bun", () => {
  const plain = (): unknown => 0
  const upgrades = (_request: unknown, server: { upgrade(): unknown }): unknown => server.upgrade()
  const named = (_request: unknown, server: unknown): unknown => server
  const mentions = (): unknown => "see server.md"

  test.each([
    ["hooks with upgrade", { upgrade: plain, message: plain }, upgrades],
    ["hooks with error", { message: plain, error: plain }, named],
    ["hooks with resolve", { resolve: plain }, upgrades],
    ["hooks whose fetch knows no server", { open: plain, message: plain, drain: plain, ping: plain }, plain],
    ["no hooks yet", {}, mentions],
    ["nothing", undefined, upgrades],
    ["a word", "ws", upgrades],
  ])("%s are crossws'", (_what, websocket, fetch) => {
    expect(isForBun(websocket, fetch)).toBe(false)
  })

  test.each([
    ["handlers whose fetch calls upgrade", { message: plain }, upgrades],
    ["handlers whose fetch has a parameter server", { message: plain }, named],
    ["options of Bun's server", { upgrade: plain, message: plain, maxPayloadLength: 1 }, plain],
    ["an idle time-out", { message: plain, idleTimeout: 1 }, plain],
    ["a type of data", { message: plain, data: {} }, plain],
  ])("%s are Bun's", (_what, websocket, fetch) => {
    expect(isForBun(websocket, fetch)).toBe(true)
  })
})

describe("fetch of an app on Deno", () => {
  test("is for Deno's server when it calls Deno.upgradeWebSocket and there are no hooks", () => {
    const fetch = Function("request", "return Deno.upgradeWebSocket(request).response") as () => unknown
    expect([isForDeno(undefined, fetch), isForDeno({}, fetch), isForDeno(undefined, () => 0)]).toEqual([
      true,
      false,
      false,
    ])
  })
})

describe("websocket of an app", () => {
  test("is hooks when it is an object: each keeps its `this`, and what is none is left out", () => {
    const app = {
      word: "mine",
      open(): string {
        return this.word
      },
      message: "no function",
    }
    const read = readHooks(app)
    expect(read?.hooks.open?.()).toBe("mine")
    expect([Object.keys(read?.hooks ?? {}), read?.resolve]).toEqual([["open"], undefined])
    expect(readHooks({})?.resolve).toBe("fetch")
    expect([readHooks(undefined), readHooks(null), readHooks(() => 0), readHooks("x")]).toEqual(
      Array.from({ length: 4 }),
    )
  })
})

describe("forms of hooks", () => {
  const bun = inject("runtimes").filter(({ name }) => name === "bun")
  const deno = inject("runtimes").filter(({ name }) => name === "deno")
  let host: TestHost
  beforeAll(async () => {
    const apps = ["resolve", "h3", "none"].map((name) => [name, { dir: FORMS, entry: `${name}.mjs` }])
    const onBun = bun.flatMap(({ asked, version }) => {
      const name = `bun${asked.replaceAll(".", "-")}`
      const app = { dir: BUN, entry: "app.ts", runtime: `bun@${version}` }
      return [
        [name, app],
        [`${name}-fetch`, { ...app, interface: "fetch" }],
      ]
    })
    const onDeno = deno.map(({ asked, version }) => [
      `deno${asked.replaceAll(".", "-")}`,
      { dir: FORMS, entry: "deno.ts", runtime: `deno@${version}` },
    ])
    host = await TestHost.start(Object.fromEntries([...apps, ...onBun, ...onDeno]))
  })
  afterAll(() => host.close())

  test("resolve gives hooks by request, beside those that are always there", async () => {
    const client = await Client.open(`${host.url}/resolve/a`)
    expect(await client.next()).toBe("room /a")
    expect(await client.ask("hello")).toBe("room /a: hello")
    await client.close()
    const none = await Client.open(`${host.url}/resolve/none`)
    expect(await none.next()).toBe("room /none")
    await none.close()
  })

  test("websocket: {} takes the hooks that come with fetch's answer, as h3 gives them; other answers are answers", async () => {
    const client = await Client.open(`${host.url}/h3/ws`)
    expect(await client.ask("hello")).toBe("h3 hello")
    await client.close()
    expect((await host.ask("/h3/")).text).toBe("h3")
    expect(await Client.refused(`${host.url}/h3/denied`)).toMatchObject({ status: 403, body: "denied" })
    expect(await Client.refused(`${host.url}/h3/`)).toMatchObject({ status: 200, body: "h3" })
  })

  test("without hooks the upgrade is ignored and the request is an ordinary one", async () => {
    expect(await Client.refused(`${host.url}/none/`)).toMatchObject({
      status: 200,
      body: "no hooks, upgrade null",
    })
  })

  test.each(bun.map(({ asked }) => [asked]))("Bun %s serves its own handlers itself", async (asked) => {
    const name = `bun${asked.replaceAll(".", "-")}`
    expect(host.app(name).interface).toBe("server")
    const client = await Client.open(`${host.url}/${name}/room`)
    expect(await client.ask("hello")).toBe("bun /room hello")
    await client.close()
    expect((await host.ask(`/${name}/x`)).text).toBe("plain")
  })

  test.each(
    deno.map(({ asked }) => [asked]),
  )("Deno %s upgrades by itself where fetch says so", async (asked) => {
    const name = `deno${asked.replaceAll(".", "-")}`
    expect(host.app(name).interface).toBe("server")
    const client = await Client.open(`${host.url}/${name}/room`)
    expect(await client.ask("hello")).toBe("deno hello")
    await client.close()
    expect((await host.ask(`/${name}/x`)).text).toBe("plain")
  })
})
