/** A host inside another program: fetch, handler, two at once, and nothing left behind, also by kill -9. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { describe, expect, onTestFinished, test } from "vitest"
import { createHost } from "../../host/index.ts"
import { eventually, within } from "../support/deadline.ts"
import { FIXTURES, startHost, THIS_NODE } from "../support/harness.ts"
import { ask } from "../support/http-client.ts"
import { alive, childrenOf, commandOf } from "../support/processes.ts"

const behaviours = { behaviours: { entry: "app.mjs" } }
const supervised = join(FIXTURES, "supervised")

describe("host.fetch", () => {
  test("answers as the listener does: bodies, streams, headers, errors", async () => {
    const { host } = await startHost(behaviours)
    const at = (path: string, init?: RequestInit) =>
      host.fetch(new Request(`http://x.example/behaviours/${path}`, init))
    expect(await (await at("hello")).text()).toBe("hello")
    expect(await (await at("url?q=1")).text()).toBe("http://x.example/url?q=1")
    expect(await (await at("text", { method: "POST", body: "given" })).text()).toBe("given")
    expect(await (await at("stream")).text()).toBe("one two three")
    expect((await at("cookies")).headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2, still b"])
    expect((await at("no-content")).status).toBe(204)
    const head = await at("hello", { method: "HEAD" })
    expect([head.status, await head.text()]).toEqual([200, ""])
    const failed = await at("throws")
    expect([failed.status, ((await failed.json()) as { code: string }).code]).toEqual([500, "APP_ERROR"])
    const nowhere = await host.fetch(new Request("http://x.example/nowhere"))
    expect(nowhere.status).toBe(404)
    await expect(at("throws-stream").then((it) => it.text())).rejects.toThrow()
  })

  test("8 MiB both ways at once", async () => {
    const { host } = await startHost(behaviours)
    const body = new Uint8Array(8 * 1024 * 1024).fill(7)
    const answer = await host.fetch(new Request("http://x/behaviours/echo", { method: "POST", body }))
    const back = new Uint8Array(await answer.arrayBuffer())
    expect(Buffer.compare(back, body)).toBe(0)
  })

  test("an abort reaches the app, before the answer and in the midst of it", async () => {
    const { host } = await startHost(behaviours)
    const seen = async () =>
      (await (await host.fetch(new Request("http://x/behaviours/seen"))).json()) as Record<string, string[]>
    const abort = new AbortController()
    const hanging = host.fetch(new Request("http://x/behaviours/hang", { signal: abort.signal }))
    await eventually(5000, "the request in flight", () => host.apps[0]?.instances[0]?.inFlight === 1)
    abort.abort(new Error("enough"))
    await expect(hanging).rejects.toThrow("enough")
    await eventually(5000, "the abort", async () => ((await seen())["aborted"]?.length ?? 0) >= 2)
    const endless = await host.fetch(new Request("http://x/behaviours/endless"))
    await endless.body?.cancel()
    await eventually(5000, "the cancel", async () => (await seen())["cancelled"]?.includes("endless"))
  })

  test("nothing happens before the first use, and a closed host says so", async () => {
    const before = childrenOf(process.pid)
    const host = createHost({ apps: [{ dir: supervised, entry: "app.mjs", runtime: THIS_NODE }] })
    expect([host.apps.length, childrenOf(process.pid)]).toEqual([0, before])
    await host.close()
    await expect(host.listen()).rejects.toMatchObject({ code: "HOST_CLOSED" })
    await expect(host.fetch(new Request("http://x/"))).rejects.toMatchObject({ code: "HOST_CLOSED" })
  })

  test("a config that is wrong rejects with every problem", async () => {
    const host = createHost({ listen: ["nowhere:99999"], apps: [] })
    await expect(host.listen()).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    await host.close()
  })
})

describe("host.handler", () => {
  test("serves in somebody's own server, from its first request", async () => {
    const { host } = await startHost(behaviours, { eager: true })
    const server = createServer((request, response) => {
      if (request.url === "/own") response.end("own")
      else host.handler(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect((await ask(url, { path: "/own" })).text).toBe("own")
    expect((await ask(url, { path: "/behaviours/text", method: "POST", body: "through" })).text).toBe(
      "through",
    )
    expect((await ask(url, { path: "/behaviours/stream" })).text).toBe("one two three")
  })
})

describe("hosts side by side", () => {
  test("two in one process share nothing; the end of one is not the other's", async () => {
    const one = await startHost({ behaviours: { entry: "app.mjs", env: { GREETING: "one" } } })
    const two = await startHost({ behaviours: { entry: "app.mjs", env: { GREETING: "two" } } })
    const greeting = async (host: typeof one) => JSON.parse((await host.ask("/behaviours/context")).text).env
    expect([await greeting(one), await greeting(two)]).toEqual(["one", "two"])
    await one.host.close()
    expect(await greeting(two)).toBe("two")
    await expect(one.ask("/behaviours/hello")).rejects.toThrow()
  })

  test("close is the same for all who ask, and may come at any time", async () => {
    const host = await startHost(
      { slow: { dir: supervised, entry: "app.mjs", env: { START: "hang" } } },
      { eager: true },
    )
    await eventually(5000, "the process", () => host.pidOf("slow") > 0)
    await within(3000, "the closes", Promise.all([host.host.close(), host.host.close()]))
  })
})

describe.runIf(process.platform === "linux")("a host that is killed", () => {
  test("leaves no guest, not even one that spins, and no folder", async () => {
    const { child, url, pids, dir } = await hostProcess()
    const spinning = ask(url, { path: "/spins/spin" }).catch(() => undefined)
    const grandchild = Number((await ask(url, { path: "/good/grandchild" })).text)
    expect([...pids, grandchild].every(alive)).toBe(true)
    child.kill("SIGKILL")
    await eventually(2000, "the end of its guests", () => ![...pids, grandchild].some(alive))
    await eventually(2000, "the end of its folder", () => readdirSync(dir).length === 0)
    await spinning
  })

  test("is watched by another watchdog when the first was killed", async () => {
    const { child, pids, dir } = await hostProcess()
    const watchdogs = () =>
      childrenOf(child.pid ?? 0).filter((pid) => commandOf(pid).includes("polyhost-watchdog"))
    const [first] = watchdogs()
    process.kill(first ?? 0, "SIGKILL")
    await eventually(2000, "another watchdog", () => watchdogs().some((pid) => pid !== first))
    expect(pids.every(alive)).toBe(true)
    child.kill("SIGKILL")
    await eventually(2000, "the end of its guests", () => !pids.some(alive))
    await eventually(2000, "the end of its folder", () => readdirSync(dir).length === 0)
  })
})

interface HostProcess {
  readonly child: ChildProcess
  readonly url: string
  readonly pids: number[]
  /** Where its temporary files are. */
  readonly dir: string
}

async function hostProcess(): Promise<HostProcess> {
  const dir = mkdtempSync(join(tmpdir(), "pht-"))
  const script = join(import.meta.dirname, "../fixtures/host-process.ts")
  const child = spawn(process.execPath, [script, supervised], {
    cwd: dir,
    env: { ...process.env, TMPDIR: dir },
    stdio: ["ignore", "pipe", "ignore"],
  })
  onTestFinished(() => {
    child.kill("SIGKILL")
    if (existsSync(dir)) rmSync(dir, { recursive: true, force: true })
  })
  const lines = createInterface({ input: child.stdout })
  const line = await within(
    20_000,
    "the host's first line",
    new Promise<string>((resolve, reject) => {
      lines.once("line", resolve)
      child.once("exit", () => reject(new Error("the host process ended")))
    }),
  )
  const { url, pids } = JSON.parse(line) as { url: string; pids: number[] }
  return { child, url, pids, dir }
}

describe("host.reload", () => {
  const write = (dir: string, text: string) => writeFileSync(join(dir, "app.mjs"), text)
  const says = (word: string) => `export default { fetch: () => new Response("${word}") }`

  test("replaces an app under load without a failed request, and its generation counts up", async () => {
    const dir = mkdtempSync(join(tmpdir(), "ph-reload-"))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    write(dir, says("old"))
    const { host } = await startHost({ shop: { dir, entry: "app.mjs" } })
    const ask = async () => (await host.fetch(new Request("http://x/shop/"))).text()
    expect(await ask()).toBe("old")
    write(dir, says("new"))
    let reloaded = false
    const reload = host.reload("shop").then((status) => {
      reloaded = true
      return status
    })
    const seen = new Set<string>()
    while (!reloaded) seen.add(await ask())
    expect((await reload).generation).toBe(2)
    expect([...seen].every((word) => word === "old" || word === "new")).toBe(true)
    expect(await ask()).toBe("new")
    expect((await reload).instances).toHaveLength(1)
  })

  test("waits for every instance that the app must have", async () => {
    const dir = mkdtempSync(join(tmpdir(), "ph-reload-"))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    write(dir, says("old"))
    const { host } = await startHost({ shop: { dir, entry: "app.mjs", instances: 3 } })
    write(dir, says("new"))
    expect(await host.reload("shop")).toMatchObject({ state: "running", generation: 2, lastError: null })
    expect(host.apps[0]?.instances.map(({ state }) => state)).toEqual(["ready", "ready", "ready"])
  })

  test("that fails leaves the old generation serving and says why", async () => {
    const dir = mkdtempSync(join(tmpdir(), "ph-reload-"))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    write(dir, says("old"))
    const { host } = await startHost({ shop: { dir, entry: "app.mjs" } })
    write(dir, 'throw new Error("new code is broken")')
    await expect(host.reload("shop")).rejects.toThrow("new code is broken")
    expect(await (await host.fetch(new Request("http://x/shop/"))).text()).toBe("old")
    expect(host.apps[0]).toMatchObject({ state: "running", generation: 1 })
    await expect(host.reload("nobody")).rejects.toMatchObject({ code: "HOST_UNKNOWN_APP" })
  })
})
