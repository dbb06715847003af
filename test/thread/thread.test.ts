/** What is a thread's own: its cell, what it cannot do, where its output goes, how it ends. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, inject, onTestFinished, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { FIXTURES, startHost, type TestApp } from "../support/harness.ts"
import { alive, residentBytes } from "../support/processes.ts"

const FAULTS: TestApp = { dir: join(FIXTURES, "cell-faults"), entry: "app.mjs", runtime: "thread" }
const ONLY: TestApp = { dir: join(FIXTURES, "thread-only"), runtime: "thread" }

describe("threads", () => {
  test("an unmodified Express app is served, and ends alone", async () => {
    const host = await startHost({ shop: { ...ONLY, entry: "express.mjs" } })
    const answer = await host.ask("/shop/")
    expect(JSON.parse(answer.text)).toMatchObject({
      isMainThread: false,
      main: join(FIXTURES, "thread-only/express.mjs"),
    })
    const pid = host.pidOf("shop")
    const ended = await host.ask("/shop/exit")
    expect([ended.status, JSON.parse(ended.text).code]).toEqual([502, "APP_CRASHED"])
    expect((await host.ask("/shop/")).status).toBe(200)
    expect(host.pidOf("shop")).toBe(pid)
    expect(host.app("shop").lastError?.message).toContain("exit code 7")
  })

  test("instances of one app share its cell; another app has another", async () => {
    const host = await startHost({ one: { ...FAULTS, instances: 3 }, two: FAULTS })
    const pids = host.app("one").instances.map(({ pid }) => pid)
    expect(new Set(pids).size).toBe(1)
    expect(pids).toHaveLength(3)
    expect(host.pidOf("two")).not.toBe(pids[0])
  })

  test("the entry is the main program, with its arguments, in its own directory", async () => {
    const host = await startHost({
      main: { ...ONLY, entry: "main.cjs", args: ["one", "two"] } as TestApp,
      argv: { ...FAULTS, env: { MINE: "1" } },
    })
    expect((await host.ask("/main/")).text).toBe("main one two")
    expect(JSON.parse((await host.ask("/argv/argv")).text)).toEqual([
      2,
      join(FIXTURES, "cell-faults/app.mjs"),
    ])
    expect((await host.ask("/argv/cwd")).text).toBe(join(FIXTURES, "cell-faults"))
    const env = JSON.parse((await host.ask("/argv/env")).text)
    expect(env).toMatchObject({ MINE: "1" })
    expect(Object.keys(env).filter((key) => key.startsWith("POLYHOST"))).toEqual([])
  })

  test.runIf(inject("runtimes").some((it) => it.name === "node" && it.asked === "22"))(
    "TypeScript, on a Node that strips types",
    async () => {
      const host = await startHost({ typed: { ...ONLY, entry: "typed.ts", runtime: "thread@22" } })
      expect((await host.ask("/typed/", { method: "PATCH" })).text).toBe("PATCH")
      expect(host.app("typed").runtime.version).toMatch(/^22\./)
    },
  )

  test.each([
    ["chdir", "process.chdir() does not work in a worker thread"],
    ["umask", "process.umask() does not work in a worker thread"],
    ["abort", "process.abort() does not work in a worker thread"],
  ])("process.%s throws Node's error, and the log says what to do", async (deed, line) => {
    const host = await startHost({ app: FAULTS })
    const answer = await host.ask(`/app/${deed}`)
    expect(answer.text).toContain("ERR_WORKER_UNSUPPORTED_OPERATION")
    await host.logged(new RegExp(line.replace(/[().]/g, "\\$&")))
    expect(host.log).toContain('use runtime \\"node\\" for this app')
  })

  test("output is its instance's, what is written past the streams too", async () => {
    const host = await startHost({ app: FAULTS })
    await host.ask("/app/output")
    await host.ask("/app/native")
    for (const line of ["one line of stdout", "one line of stderr", "written natively"])
      await host.logged(new RegExp(`"instance":"app-1","message":"${line}"`))
  })

  test("a flood of output costs no memory of the host's, and the app goes on", async () => {
    const host = await startHost({ app: { ...FAULTS, timeouts: { wedge: "20s" } } })
    const before = residentBytes(process.pid)
    expect((await host.ask("/app/flood")).text).toBe("done")
    expect((await host.ask("/app/hello")).status).toBe(200)
    expect(residentBytes(process.pid) - before).toBeLessThan(150 * 1024 * 1024)
  })

  test("a start that throws says so with its own words, output before it included", async () => {
    const host = await startHost({ broken: { ...ONLY, entry: "broken.mjs" } })
    const { lastError } = await host.state("broken", (it) => it.lastError !== null)
    expect(lastError?.code).toBe("RUNTIME_LOAD_FAILED")
    expect(lastError?.message).toContain("RangeError: broken on purpose")
    expect(host.log).toContain("before it breaks")
  })

  test("an entry that neither exports nor listens is told so at once", async () => {
    const host = await startHost({ nothing: { ...ONLY, entry: "nothing.mjs" } })
    const { lastError } = await host.state("nothing", (it) => it.lastError !== null)
    expect(lastError).toMatchObject({ code: "RUNTIME_INTERFACE_UNKNOWN" })
  })

  test("arguments that only a process can have, and a Node that is too old, are refused with what to do", async () => {
    const host = await startHost({
      args: { ...ONLY, entry: "typed.ts", runtime: { name: "thread", args: ["--max-old-space-size=100"] } },
      old: { ...ONLY, entry: "express.mjs", runtime: "thread@18" },
    })
    const [args, old] = await Promise.all(
      ["args", "old"].map((name) => host.state(name, (it) => it.lastError !== null)),
    )
    expect(args?.lastError?.message).toContain("arguments that only a process can have")
    expect(old).toMatchObject({ state: "failed", lastError: { code: "RUNTIME_UNSUPPORTED" } })
    expect(old?.lastError?.message).toContain("needs node 20.13 or later")
  })

  test("a stop waits for what is in flight, and the cell ends with the host", async () => {
    const neighbour = { ...FAULTS, dir: join(FIXTURES, "cell-neighbour") }
    const host = await startHost({ app: neighbour })
    const pid = host.pidOf("app")
    const slow = host.ask("/app/?ms=700")
    await eventually(2000, "a request in flight", () => host.app("app").instances[0]?.inFlight === 1)
    await host.close()
    expect((await slow).status).toBe(200)
    expect(alive(pid)).toBe(false)
  })

  test("a stop lets the thread run what it wants to run at its exit", async () => {
    const dir = mkdtempSync(join(tmpdir(), "pht-"))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    const farewell = join(dir, "farewell")
    const host = await startHost({
      shop: { ...ONLY, entry: "express.mjs", instances: 2, env: { FAREWELL: farewell } },
    })
    await host.state("shop", ({ instances }) => instances.filter((it) => it.state === "ready").length === 2)
    await host.close()
    expect(readFileSync(farewell, "utf8")).toBe("left\nleft\n")
  })

  test("when its cell is killed, requests that may be sent again are, those of a server app too", async () => {
    const shared = { cell: "shared" }
    const host = await startHost({
      shop: { ...ONLY, ...shared, entry: "express.mjs" },
      app: { ...FAULTS, ...shared, dir: join(FIXTURES, "cell-neighbour") },
    })
    const pid = host.pidOf("app")
    const slow = Promise.all([
      host.ask("/app/?ms=500"),
      host.ask("/app/?ms=500", { method: "POST" }),
      host.ask("/shop/slow"),
    ])
    await eventually(2000, "requests in flight", () =>
      [host.app("app"), host.app("shop")].every((app, i) => app.instances[0]?.inFlight === 2 - i),
    )
    process.kill(pid, "SIGKILL")
    expect((await slow).map((answer) => answer.status)).toEqual([200, 502, 200])
  })
})
