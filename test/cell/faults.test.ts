/** What an app in a thread can do to its cell: each costs its own app a restart, and its neighbours in the cell nothing. */
import { join } from "node:path"
import { describe, expect, inject, onTestFinished, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { FIXTURES, startHost, type TestHost } from "../support/harness.ts"

const LIMITS = { memory: "64MB" }

/** The newest Node; all that can hold threads in the full table. */
const NODES = inject("runtimes")
  .filter(({ name, version }) => name === "node" && Number(version.split(".")[0]) >= 20)
  .map(({ asked }) => asked)
const VERSIONS = process.env["POLYHOST_TEST_TABLE"] === "full" ? NODES : NODES.slice(-1)

function pair(version: string, wedge = "10s"): Promise<TestHost> {
  const timeouts = { wedge, request: "20s" }
  const shared = {
    entry: "app.mjs",
    runtime: `thread@${version}`,
    cell: "shared",
    limits: LIMITS,
    timeouts,
  } as const
  return startHost({
    bad: { ...shared, dir: join(FIXTURES, "cell-faults") },
    good: { ...shared, dir: join(FIXTURES, "cell-neighbour") },
  })
}

/** Asks the neighbour again and again until told to stop. @returns the answers that were no 200. */
function neighbourUnderLoad(host: TestHost): { stop(): Promise<{ asked: number; failed: string[] }> } {
  let asked = 0
  let going = true
  const failed: string[] = []
  const worker = async (): Promise<void> => {
    while (going) {
      asked++
      const answer = await host
        .ask("/good/?ms=2")
        .catch((error: Error) => ({ status: 0, text: error.message }))
      if (answer.status !== 200) failed.push(`${answer.status} ${answer.text}`)
    }
  }
  const workers = [worker(), worker(), worker()]
  return {
    async stop() {
      going = false
      await Promise.all(workers)
      return { asked, failed }
    },
  }
}

describe.each(VERSIONS)("an app that does its worst in a cell that it shares, on node %s", (version) => {
  test.each([
    ["exit", 502, "APP_CRASHED", "crash"],
    ["throws", 502, "APP_CRASHED", "crash"],
    ["spin", 504, "APP_WEDGED", "wall"],
    ["fifo", 504, "APP_WEDGED", "wall"],
    ["objects", 502, "APP_OOM", "oom"],
    ["map", 502, "APP_OOM", "oom"],
    ["array", 502, "APP_OOM", "oom"],
    ["buffers", 502, "APP_OOM", "oom"],
  ])("%s: answered %i %s, its neighbour goes on, and so does it after a restart", async (deed, status, code, reason) => {
    const host = await pair(version, reason === "wall" ? "1s" : "10s")
    expect(host.pidOf("bad")).toBe(host.pidOf("good"))
    const load = neighbourUnderLoad(host)
    onTestFinished(async () => void (await load.stop()))
    await host.ask("/good/")
    const answer = await host.ask(`/bad/${deed}`, { method: "POST" })
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([status, { code, reason }])
    await eventually(
      10_000,
      "the app's next answer",
      async () => (await host.ask("/bad/hello")).status === 200,
    )
    const { asked, failed } = await load.stop()
    expect(asked).toBeGreaterThan(10)
    expect(failed).toEqual([])
    expect(host.app("bad").lastError).toMatchObject({ code, reason })
    expect(host.app("good").state).toBe("running")
  })

  test("buffers beyond its own limit end it alone, however much room the others leave in the cell", async () => {
    const shared = { entry: "app.mjs", runtime: `thread@${version}`, cell: "roomy", limits: LIMITS } as const
    const host = await startHost({
      bad: { ...shared, dir: join(FIXTURES, "cell-faults"), timeouts: { request: "20s", wedge: "20s" } },
      good: { ...shared, dir: join(FIXTURES, "cell-neighbour"), instances: 8 },
    })
    const pidsOfGood = (): number[] => host.app("good").instances.map((it) => it.pid ?? 0)
    await eventually(10_000, "all of the neighbours", () => pidsOfGood().filter(Boolean).length === 8)
    const pids = pidsOfGood()
    const load = neighbourUnderLoad(host)
    onTestFinished(async () => void (await load.stop()))
    const answer = await host.ask("/bad/buffers", { method: "POST" })
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([502, { code: "APP_OOM", reason: "oom" }])
    expect(host.log).toMatch(/it uses \d+ MB of memory/)
    expect((await load.stop()).failed).toEqual([])
    expect(pidsOfGood()).toEqual(pids)
    expect(host.log).not.toMatch(/good-\d .*is replaced/)
  })

  test("memory that is nobody's for all that the cell can tell: its apps are moved apart, and none fails", async () => {
    const host = await pair(version)
    const pid = host.pidOf("good")
    const load = neighbourUnderLoad(host)
    onTestFinished(async () => void (await load.stop()))
    expect((await host.ask("/bad/nested", { method: "POST" })).text).toBe("begun")
    await host.logged(/is replaced: its cell is replaced: its cell uses/)
    const next = (name: string): number | null | undefined =>
      host
        .app(name)
        .instances.map((it) => it.pid)
        .find((it) => it !== pid && it !== null && it > 0)
    await eventually(10_000, "their next instances", () => (next("good") && next("bad")) !== undefined)
    expect(next("bad")).not.toBe(next("good"))
    expect((await load.stop()).failed).toEqual([])
  })

  test("kill -9 of the cell: both are back, and idle neighbours lose nothing", async () => {
    const host = await pair(version)
    const pid = host.pidOf("good")
    process.kill(pid, "SIGKILL")
    const answers = await Promise.all(["/good/", "/bad/hello", "/good/"].map((path) => host.ask(path)))
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200])
    expect(host.pidOf("good")).not.toBe(pid)
  })
})
