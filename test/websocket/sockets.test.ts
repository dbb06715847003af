/** WebSocket connections and the life of instances: both kinds, hooks of a fetch app and a server's own through the tunnel. */
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { START_MS, startHost, type TestApp, type TestHost } from "../support/harness.ts"
import { closeFrame, frame, OP } from "./frames.ts"
import { RawClient } from "./raw-client.ts"

const hooks = (more: TestApp = {}): TestApp => ({
  dir: join(import.meta.dirname, "apps/hooks"),
  entry: "app.mjs",
  ...more,
})
const server = (more: TestApp = {}): TestApp => ({
  dir: join(import.meta.dirname, "apps/server"),
  entry: "app.mjs",
  ...more,
})
const KINDS = [
  ["hooks", hooks],
  ["server", server],
] as const

describe.each(KINDS)("sockets of an app (%s)", (_kind, app) => {
  it("are no requests: they take no place, keep the instance, and stand in the status", async () => {
    const host = await startHost({
      app: app({ concurrency: 2, instances: { min: 0, max: 1 }, timeouts: { idle: "1s" } }),
    })
    const clients = await open(host, "app", 8)
    await eventually(5000, "the sockets", () => sockets(host, "app") === 8)
    expect(host.app("app").instances[0]?.inFlight).toBe(0)
    expect((await host.ask("/app/")).status).toBe(200)
    const { pid } = host.app("app").instances[0] ?? {}
    // Longer than it may be idle.
    await eventually(10_000, "its idle time", () => uptimeMs(host) > 2000)
    for (const client of clients) expect(await said(client, "still?")).toBe("still?")
    expect(host.app("app").instances[0]?.pid).toBe(pid)
    for (const client of clients) client.destroy()
    await eventually(5000, "the end of the sockets", () => sockets(host, "app") === 0)
    await host.state("app", ({ instances }) => instances.length === 0)
  }, 30_000)

  it("are told 1012 at a reload, as soon as it drains, and 1001 when the app or the host stops", async () => {
    const host = await startHost({ app: app({ timeouts: { drain: "5s" } }) })
    for (const [code, end] of [
      [1012, () => host.host.reload("app")],
      [1001, () => host.host.stop("app")],
    ] as const) {
      const [idle, half] = (await open(host, "app", 2)) as [RawClient, RawClient]
      // A message that is half here keeps nobody.
      half.socket.write(frame({ opcode: OP.text, payload: "half", fin: false }))
      expect(await said(idle, "before")).toBe("before")
      const startedMs = performance.now()
      const ended = end()
      for (const client of [idle, half]) {
        expect(await client.closed()).toBe(code)
        client.close(code)
        client.socket.end()
        await client.end()
      }
      await within(20_000, "the end", Promise.resolve(ended))
      expect(performance.now() - startedMs).toBeLessThan(4500)
    }
    await host.host.start("app")
    const [client] = (await open(host, "app", 1)) as [RawClient]
    const closing = host.close()
    expect(await client.closed()).toBe(1001)
    client.close(1001)
    client.socket.end()
    await client.end()
    await closing
  }, 60_000)

  it("whose clients do not answer are cut within the drain time", async () => {
    const host = await startHost({ app: app({ timeouts: { drain: "500ms" } }) })
    const [client] = (await open(host, "app", 1)) as [RawClient]
    const startedMs = performance.now()
    const reloaded = host.host.reload("app")
    expect(await client.closed()).toBe(1012)
    await client.end(5000)
    await within(20_000, "the reload", reloaded)
    expect(performance.now() - startedMs).toBeLessThan(6000)
    client.destroy()
  }, 30_000)

  it("end with 1011 or a cut when the instance crashes, and the next ones are served", async () => {
    const host = await startHost({ app: app() })
    const [client, other] = (await open(host, "app", 2)) as [RawClient, RawClient]
    expect(await said(other, "before")).toBe("before")
    client.send(":exit")
    for (const it of [client, other]) {
      expect([1011, 1006]).toContain(await it.closed())
      it.socket.end()
      await it.end()
    }
    await eventually(START_MS, "the next instance", async () => (await host.ask("/app/")).status === 200)
    const [next] = (await open(host, "app", 1)) as [RawClient]
    expect(await said(next, "after")).toBe("after")
    expect(sockets(host, "app")).toBe(1)
    next.destroy()
  }, 30_000)

  it("that are silent for longer than timeouts.stream are closed with 1001", async () => {
    const host = await startHost({ app: app({ timeouts: { stream: "1s" }, websocket: { ping: "off" } }) })
    const [silent, busy] = (await open(host, "app", 2)) as [RawClient, RawClient]
    let isOver = false
    const code = silent.closed().finally(() => {
      isOver = true
    })
    while (!isOver) await said(busy, "here")
    expect(await code).toBe(1001)
    silent.close(1001)
    silent.socket.end()
    await silent.end()
    busy.destroy()
  }, 30_000)
})

describe("a thousand sockets", () => {
  it.each(KINDS)(
    "of an app (%s) are held through ten reloads of another",
    async (_kind, app) => {
      const host = await startHost({ held: app(), other: hooks({ timeouts: { drain: "1s" } }) })
      const clients = await open(host, "held", 1000)
      await Promise.all(
        clients.map(async (client, i) => expect(await said(client, `before ${i}`)).toBe(`before ${i}`)),
      )
      const pid = host.pidOf("held")
      for (let n = 0; n < 10; n++) {
        await within(20_000, "a reload", host.host.reload("other"))
        const client = clients[n * 97] as RawClient
        expect(await said(client, `during ${n}`)).toBe(`during ${n}`)
      }
      expect(host.app("other").generation).toBe(11)
      await Promise.all(
        clients.map(async (client, i) => expect(await said(client, `after ${i}`)).toBe(`after ${i}`)),
      )
      expect(sockets(host, "held")).toBe(1000)
      expect(host.pidOf("held")).toBe(pid)
      for (const client of clients) {
        expect(client.ended).toBe(false)
        client.destroy()
      }
      await eventually(10_000, "the end of the sockets", () => sockets(host, "held") === 0)
    },
    60_000,
  )
})

describe("a client that reads nothing", () => {
  it("costs the host little, and others nothing", async () => {
    const host = await startHost({ app: hooks() })
    const slow = await Promise.all(Array.from({ length: 5 }, () => RawClient.open(`${host.url}/app/`)))
    const [other] = (await open(host, "app", 1)) as [RawClient]
    const before = process.memoryUsage()
    for (const client of slow) {
      client.socket.pause()
      // 25 MiB for each.
      client.send(":flood")
    }
    for (let n = 0; n < 50; n++) expect(await said(other, String(n))).toBe(String(n))
    const { rss, external } = process.memoryUsage()
    expect(external - before.external).toBeLessThan(40 * 1024 * 1024)
    expect(rss - before.rss).toBeLessThan(100 * 1024 * 1024)
    for (const client of slow) client.socket.resume()
    for (const client of slow) {
      await eventually(
        20_000,
        "all messages",
        () => client.frames.filter(({ fin, opcode }) => fin && opcode < 8).length === 400,
      )
      client.socket.write(closeFrame(1000))
      client.destroy()
    }
    other.destroy()
  }, 60_000)
})

async function open(host: TestHost, app: string, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = []
  while (clients.length < count) {
    const some = Array.from({ length: Math.min(50, count - clients.length) }, () =>
      RawClient.open(`${host.url}/${app}/`),
    )
    for (const client of await Promise.all(some)) {
      expect(client.status).toBe(101)
      clients.push(client)
    }
  }
  return clients
}

function said(client: RawClient, text: string): Promise<string> {
  client.send(text)
  return client.text()
}

function sockets(host: TestHost, app: string): number {
  return host.app(app).instances.reduce((sum, it) => sum + it.sockets, 0)
}

function uptimeMs(host: TestHost): number {
  const [instance] = host.app("app").instances
  return instance === undefined ? 0 : Date.now() - Date.parse(instance.startedAt)
}
