/** Starts, crashes, hangs, limits and stops of real instances: what their clients see, and what their neighbours do not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, onTestFinished, test } from "vitest"
import { eventually, within } from "../support/deadline.ts"
import { startHost, type TestApp, type TestHost } from "../support/harness.ts"
import { type Answer, RawConnection } from "../support/http-client.ts"
import { alive } from "../support/processes.ts"

const app = (more: TestApp = {}): TestApp => ({ dir: FIXTURE, entry: "app.mjs", ...more })
const FIXTURE = `${import.meta.dirname}/../fixtures/apps/supervised`
const codeOf = (answer: Answer): string => JSON.parse(answer.text).code
const inFlight = (host: TestHost, name: string) =>
  host.app(name).instances.reduce((sum, instance) => sum + instance.inFlight, 0)

describe("starts", () => {
  test("an app that crashes at its start backs off, says why, and refuses with Retry-After", async () => {
    const host = await startHost({ crashes: app({ env: { START: "crash" } }), good: app() })
    const status = await host.state("crashes", (it) => it.state === "backoff")
    expect(status.lastError).toMatchObject({ code: "RUNTIME_LOAD_FAILED" })
    expect(status.lastError?.message).toMatch(/crash at start on purpose/)
    await eventually(
      10_000,
      "three failures",
      () => (host.log.match(/RUNTIME_LOAD_FAILED/g) ?? []).length >= 3,
    )
    const refused = await host.ask("/crashes/")
    expect([refused.status, codeOf(refused)]).toEqual([503, "APP_UNAVAILABLE"])
    expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(1)
    expect((await host.ask("/good/pid")).status).toBe(200)
  })

  test.each([
    "hang",
    "spin",
  ])("an app that does not come up (%s) ends at its start deadline, and delays nobody", async (start) => {
    const stuck = () => app({ env: { START: start }, timeouts: { start: "1500ms" } })
    const startedMs = performance.now()
    const host = await startHost({ a: stuck(), b: stuck(), c: stuck(), good: app() }, { eager: true })
    expect((await host.ask("/good/pid")).status).toBe(200)
    // Two at a time would be three seconds and more.
    if (start === "hang") expect(performance.now() - startedMs).toBeLessThan(5000)
    const status = await host.state("a", (it) => it.lastError !== null, 15_000)
    expect(status.lastError).toMatchObject({ code: "RUNTIME_START_TIMEOUT" })
    expect(status.lastError?.message).toMatch(/timeouts\.start/)
  })

  test("a program that is gone fails for good, without a loop", async () => {
    const dir = mkdtempSync(join(tmpdir(), "polyhost-gone-"))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    writeFileSync(join(dir, "once"), '#!/bin/sh\nrm "$0"\nexit 1\n', { mode: 0o755 })
    const host = await startHost({ gone: { dir, runtime: "command", command: ["./once"] } })
    const { lastError } = await host.state("gone", (it) => it.state === "failed")
    expect(lastError).toMatchObject({
      code: "RUNTIME_PROGRAM_NOT_FOUND",
      message: expect.stringContaining(
        'App "gone" (command): "./once" is not a program that can be run (ENOENT)',
      ),
    })
  })

  test("a program that does not listen is told so, not about fetch", async () => {
    const host = await startHost({
      sleeps: { dir: FIXTURE, runtime: "command", command: ["sleep", "100"], timeouts: { start: "300ms" } },
    })
    const { lastError } = await host.state("sleeps", (it) => it.lastError !== null)
    expect(lastError?.message).toBe(
      'App "sleeps": not ready within 300 ms ("timeouts.start"): the program runs, but does not listen',
    )
  })

  test("requests wait for a start, as many as the queue takes", async () => {
    const host = await startHost(
      { slow: app({ env: { START: "slow 700" }, queue: { max: 3 } }) },
      { eager: true },
    )
    const answers = await Promise.all(Array.from({ length: 5 }, () => host.ask("/slow/pid")))
    expect(answers.map((it) => it.status).sort()).toEqual([200, 200, 200, 503, 503])
    expect(answers.filter((it) => it.status === 503).map(codeOf)).toEqual(["QUEUE_FULL", "QUEUE_FULL"])
  })

  test("a wait that is too long is 504 QUEUE_TIMEOUT", async () => {
    const host = await startHost(
      { slow: app({ env: { START: "slow 3000" }, timeouts: { queue: "300ms" } }) },
      { eager: true },
    )
    const answer = await host.ask("/slow/pid")
    expect([answer.status, codeOf(answer)]).toEqual([504, "QUEUE_TIMEOUT"])
  })

  test("a client that leaves while it waits gives its place in the queue up", async () => {
    const host = await startHost({ one: app({ concurrency: 1, queue: { max: 1 } }) })
    const held = host.ask("/one/hold")
    await eventually(5000, "the request in flight", () => inFlight(host, "one") === 1)
    for (let round = 0; round < 3; round++) {
      const leaving = new RawConnection(host.url).write("GET /one/pid HTTP/1.1\r\nHost: a\r\n\r\n")
      await eventually(5000, "the queue", () => host.app("one").queue.waiting === 1)
      leaving.destroy()
      await eventually(5000, "the empty queue", () => host.app("one").queue.waiting === 0)
    }
    const waits = host.ask("/one/pid")
    await eventually(5000, "the queue", () => host.app("one").queue.waiting === 1)
    process.kill(host.pidOf("one"), "SIGKILL")
    expect((await held).status).toBe(502)
    expect((await waits).status).toBe(200)
  })

  test("with min 0 nothing runs until a request comes, and nothing after the idle time", async () => {
    const host = await startHost({
      lazy: app({ instances: { min: 0, max: 1 }, timeouts: { idle: "600ms" } }),
    })
    expect([host.app("lazy").state, host.pids.size]).toEqual(["idle", 0])
    const first = await host.ask("/lazy/pid")
    expect((await host.ask("/lazy/pid")).text).toBe(first.text)
    await host.state("lazy", (it) => it.state === "idle" && it.instances.length === 0)
    await eventually(2000, "the end of its process", () => !alive(Number(first.text)))
    const again = await host.ask("/lazy/pid")
    expect(again.status).toBe(200)
    expect(again.text).not.toBe(first.text)
  })
})

describe("failures of a running app", () => {
  test("a wedged instance is found, its requests answered 504, and it is replaced; neighbours do not notice", async () => {
    const host = await startHost({ stuck: app({ timeouts: { wedge: "1s" } }), good: app() })
    const pid = host.pidOf("stuck")
    const spinning = host.ask("/stuck/spin")
    const late: number[] = []
    let done = false
    const neighbours = (async () => {
      while (!done) {
        const startMs = performance.now()
        expect((await host.ask("/good/pid")).status).toBe(200)
        late.push(performance.now() - startMs)
      }
    })()
    const answer = await spinning
    done = true
    await neighbours
    expect([answer.status, codeOf(answer)]).toEqual([504, "APP_WEDGED"])
    expect(Math.max(...late)).toBeLessThan(1000)
    expect((await host.ask("/stuck/pid")).status).toBe(200)
    expect(host.pidOf("stuck")).not.toBe(pid)
    expect(alive(pid)).toBe(false)
  })

  test("a killed instance is replaced, what it was answering is 502, what waited is answered", async () => {
    const host = await startHost({ one: app({ concurrency: 1 }) })
    const pid = host.pidOf("one")
    const taken = host.ask("/one/never")
    await eventually(5000, "the request in flight", () => inFlight(host, "one") === 1)
    const waiting = [host.ask("/one/pid"), host.ask("/one/pid")]
    await eventually(5000, "the queue", () => host.app("one").queue.waiting === 2)
    process.kill(pid, "SIGKILL")
    expect(codeOf(await taken)).toBe("APP_CRASHED")
    const answers = await Promise.all(waiting)
    expect(answers.map((it) => it.status)).toEqual([200, 200])
    expect(answers[0]?.text).not.toBe(String(pid))
    expect(host.app("one").lastError).toMatchObject({ code: "APP_CRASHED" })
    expect(host.app("one").lastError?.message).toMatch(/SIGKILL/)
  })

  test("an app that is too slow is 504 REQUEST_TIMEOUT, its late answer goes nowhere", async () => {
    const host = await startHost({ slow: app({ timeouts: { request: "300ms" }, concurrency: 1 }) })
    const answer = await host.ask("/slow/late", { headers: { "x-ms": "500" } })
    expect([answer.status, codeOf(answer)]).toEqual([504, "REQUEST_TIMEOUT"])
    expect(host.app("slow").lastError).toMatchObject({ code: "REQUEST_TIMEOUT", reason: "wall" })
    const next = await Promise.all(Array.from({ length: 20 }, () => host.ask("/slow/instance")))
    expect(next.map((it) => it.text)).toEqual(Array.from({ length: 20 }, () => "slow-1"))
  })

  test("an answer that falls silent is cut", async () => {
    const host = await startHost({ silent: app({ timeouts: { stream: "500ms" } }) })
    const answer = await host.ask("/silent/silent")
    expect([answer.text, answer.cut]).toEqual(["then nothing", true])
  })

  test("a body over the limit is 413, with and without a length, and harms nobody", async () => {
    const host = await startHost({ small: app({ limits: { requestBody: "10KB" } }) })
    expect((await host.ask("/small/echo", { method: "POST", body: "x".repeat(9000) })).text.length).toBe(9000)
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      const answer = await host.ask("/small/echo", { method: "POST", body: Buffer.alloc(2_000_000), headers })
      expect([answer.status, codeOf(answer)]).toEqual([413, "BODY_TOO_LARGE"])
    }
    expect((await host.ask("/small/pid")).status).toBe(200)
  })

  test("output without end neither blocks the host nor its neighbours", async () => {
    const host = await startHost({ loud: app(), good: app() })
    await host.ask("/loud/flood")
    const lateMs: number[] = []
    for (let i = 0; i < 30; i++) {
      const startMs = performance.now()
      expect((await host.ask("/good/pid")).status).toBe(200)
      lateMs.push(performance.now() - startMs)
    }
    lateMs.sort((a, b) => a - b)
    expect(lateMs[15]).toBeLessThan(100)
    expect(lateMs.at(-1)).toBeLessThan(1000)
  })
})

describe("several instances", () => {
  test("the one with the least in flight is chosen, and each takes only so many at once", async () => {
    const host = await startHost({ three: app({ instances: 3, concurrency: 2, queue: { max: 2 } }) })
    await host.state("three", (it) => it.instances.filter(({ state }) => state === "ready").length === 3)
    const held = Array.from({ length: 6 }, () => host.ask("/three/hold"))
    await eventually(5000, "six in flight", () => inFlight(host, "three") === 6)
    expect(host.app("three").instances.map((it) => it.inFlight)).toEqual([2, 2, 2])
    const waiting = [host.ask("/three/pid"), host.ask("/three/pid")]
    await eventually(5000, "two waiting", () => host.app("three").queue.waiting === 2)
    expect(codeOf(await host.ask("/three/pid"))).toBe("QUEUE_FULL")
    for (const { pid } of host.app("three").instances) process.kill(pid ?? 0, "SIGKILL")
    expect((await Promise.all(held)).map((it) => it.status)).toEqual([502, 502, 502, 502, 502, 502])
    expect((await Promise.all(waiting)).map((it) => it.status)).toEqual([200, 200])
  })

  test("more start while requests wait, up to max", async () => {
    const host = await startHost({ grows: app({ instances: { min: 1, max: 2 }, concurrency: 1 }) })
    const held = host.ask("/grows/never")
    held.catch(() => undefined)
    await eventually(5000, "the request in flight", () => inFlight(host, "grows") === 1)
    expect((await host.ask("/grows/instance")).text).toBe("grows-2")
    expect(host.app("grows").instances.length).toBe(2)
    await within(
      5000,
      "the stop of one that hangs",
      Promise.resolve(process.kill(host.pidOf("grows"), "SIGKILL")),
    )
    expect(codeOf(await held)).toBe("APP_CRASHED")
  })
})

describe("stops", () => {
  test("what is in flight is finished, what comes after is refused", async () => {
    const host = await startHost({ busy: app() })
    const late = host.ask("/busy/late", { headers: { "x-ms": "400" } })
    await eventually(5000, "the request in flight", () => inFlight(host, "busy") === 1)
    const stopped = host.host.stop("busy")
    const refused = await host.ask("/busy/pid")
    expect([refused.status, codeOf(refused)]).toEqual([503, "APP_UNAVAILABLE"])
    expect((await late).text).toBe("late")
    expect((await stopped).state).toBe("stopped")
    expect((await host.host.start("busy")).state).toBe("running")
    expect((await host.ask("/busy/pid")).status).toBe(200)
  })

  test("an app that ignores SIGTERM is killed after timeouts.kill", async () => {
    const host = await startHost({ deaf: app({ env: { IGNORE_TERM: "1" }, timeouts: { kill: "300ms" } }) })
    const pid = host.pidOf("deaf")
    const startMs = performance.now()
    await within(5000, "the stop", host.host.stop("deaf"))
    expect(performance.now() - startMs).toBeGreaterThan(250)
    expect(alive(pid)).toBe(false)
    expect(host.log).toMatch(/SIGTERM ignored/)
  })

  test("a request that never ends holds a stop no longer than timeouts.drain", async () => {
    const host = await startHost({ never: app({ timeouts: { drain: "400ms", kill: "300ms" } }) })
    const cut = host.ask("/never/never")
    await eventually(5000, "the request in flight", () => inFlight(host, "never") === 1)
    await within(4000, "the stop", host.host.stop("never"))
    expect((await cut).status).toBeGreaterThanOrEqual(502)
  })

  test("an app that spins does not hold a close for longer than drain and kill", async () => {
    const host = await startHost({
      spins: app({ timeouts: { drain: "300ms", kill: "300ms", wedge: "60s" } }),
    })
    const cut = host.ask("/spins/spin").catch(() => undefined)
    await eventually(5000, "the request in flight", () => inFlight(host, "spins") === 1)
    await within(5000, "the close", host.host.close())
    await cut
  })

  test("children of an app end with it, however it ends", async () => {
    const host = await startHost({ parent: app() })
    const children: number[] = []
    for (const end of ["SIGKILL", "stop"] as const) {
      const child = Number((await host.ask("/parent/grandchild")).text)
      children.push(child)
      expect(alive(child)).toBe(true)
      if (end === "stop") await host.host.stop("parent")
      else {
        process.kill(host.pidOf("parent"), end)
        await host.state("parent", (it) => it.state === "backoff")
      }
      await eventually(2000, `the end of the child after ${end}`, () => !alive(child))
    }
    expect(new Set(children).size).toBe(2)
  })
})

describe("isolation of apps", () => {
  test("nothing of the host's environment reaches an app but the allow-list", async () => {
    process.env["POLYHOST_TEST_SECRET"] = "secret of the host"
    process.env["LC_TEST"] = "passes"
    const host = await startHost({ env: app({ env: { MINE: "1" } }) })
    const seen = JSON.parse((await host.ask("/env/env")).text) as Record<string, string>
    delete process.env["POLYHOST_TEST_SECRET"]
    delete process.env["LC_TEST"]
    const others = Object.keys(seen).filter((name) => !/^(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR)$/.test(name))
    // Told to every app on Node, for its cluster workers.
    expect(others.filter((name) => name !== "POLYHOST_CAPTURE").sort()).toEqual(["MINE"])
    expect(seen["LC_TEST"]).toBe("passes")
    if (process.platform === "linux") {
      const whole = readFileSync(`/proc/${host.pidOf("env")}/environ`, "utf8")
      expect(whole).not.toMatch(/secret of the host/)
    }
  })

  test("apps whose configuration is wrong fail alone", async () => {
    const host = await startHost({
      good: app(),
      "no-entry": app({ entry: "missing.mjs" }),
      "no-version": app({ runtime: "node@999" }),
      "no-folder": app({ dir: "/nowhere/at/all" }),
      broken: app({ timeouts: { start: "soon" } }),
    })
    expect((await host.ask("/good/pid")).status).toBe(200)
    for (const name of ["no-entry", "no-version", "no-folder", "broken"]) {
      const status = await host.state(name, (it) => it.lastError !== null, 20_000)
      expect([name, status.state]).toEqual([name, "failed"])
      expect((await host.ask(`/${name}/`)).status).toBe(503)
    }
  })
})

describe("programs without a guest", () => {
  test.each([
    {},
    { ON_SOCKET: "1" },
  ])("are served on their port or socket, and replaced when they end %o", async (env) => {
    const program: TestApp = {
      dir: `${import.meta.dirname}/../fixtures/apps/program`,
      runtime: "command",
      command: [process.execPath, "program.cjs"],
      env,
    }
    const host = await startHost({ program })
    const pid = host.pidOf("program")
    expect((await host.ask("/program/x?y")).text).toBe(`program ${pid} /x?y`)
    expect((await host.ask("/program/exit")).status).toBe(502)
    // Its listening socket closes a moment after the connection: what comes in between dies with it.
    await eventually(5000, "the replacement", () => host.pidOf("program") !== pid)
    const next = await host.ask("/program/x")
    expect([next.status, next.text]).toEqual([200, `program ${host.pidOf("program")} /x`])
    // The request that ended the first instance was not given to the second.
    expect(host.host.apps[0]?.instances[0]?.id).toBe("program-2")
    expect(host.pidOf("program")).not.toBe(pid)
  })
})
