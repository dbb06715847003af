/** Limits that are exceeded in the awkward moments: while an app loads, and by many requests at once. */
import { availableParallelism } from "node:os"
import { expect, test } from "vitest"
import { CpuClock } from "../../runtimes/isolate/cell/limits/cpu-clock.ts"
import { startHost } from "../support/harness.ts"
import { Neighbour } from "./neighbour.ts"
import { writeApp } from "./write-app.ts"

test("an app that runs out of memory while it loads, again and again, costs its neighbours one cell", async () => {
  const good = writeApp({ "index.js": 'export default { fetch: () => new Response("good") }' })
  const bad = writeApp({
    "index.js": "const all = []; for (;;) all.push({ a: all.length }); export default { fetch() {} }",
  })
  const isolate = { entry: "index.js", runtime: "isolate" } as const
  const host = await startHost({
    good: { ...isolate, dir: good },
    bad: { ...isolate, dir: bad, limits: { memory: "32MB" }, instances: { min: 0, max: 1 } },
  })
  const neighbour = new Neighbour(host, "/good/")
  await neighbour.once()
  const refused = JSON.parse((await host.ask("/bad/")).text)
  expect(refused.code).toBe("APP_UNAVAILABLE")
  expect(host.app("bad").lastError).toMatchObject({ code: "APP_OOM", reason: "oom" })
  expect((await neighbour.stop()).failed).toEqual([])
  await host.state("good", (it) => it.instances.length === 1)
  // It was started, replaced once, and never again.
  expect(host.app("good").instances[0]?.id).toBe("good-2")
})

test("a loop ends for its CPU time, also when requests beside it hide whose it is", async () => {
  const dir = writeApp({ "index.js": "export default { fetch() { for (;;); } }" })
  const host = await startHost({
    loops: {
      dir,
      entry: "index.js",
      runtime: "isolate",
      limits: { cpu: "500ms" },
      timeouts: { wedge: "1s", request: "20s" },
    },
  })
  const answers = await Promise.all(Array.from({ length: 40 }, () => host.ask("/loops/", { method: "POST" })))
  const problems = new Set(answers.map(({ text }) => `${JSON.parse(text).code} ${JSON.parse(text).reason}`))
  expect([...problems]).toEqual(["APP_CPU_LIMIT cpu"])
  const { lastError } = await host.state("loops", (it) => it.lastError?.reason === "cpu")
  expect(lastError?.code).toBe("APP_CPU_LIMIT")
})

test("an app that V8 ends the whole process for is known by name, and answered for its memory", async () => {
  const good = writeApp({ "index.js": 'export default { fetch: () => new Response("good") }' })
  // More elements than an array can have (crbug.com/1201626): no limit of an isolate is asked.
  const bad = writeApp({
    "index.js": 'export default { fetch: () => new Response("x".repeat(1.5e8).split("").length) }',
  })
  const isolate = { entry: "index.js", runtime: "isolate" } as const
  const host = await startHost({
    good: { ...isolate, dir: good, queue: { max: 1000 } },
    bad: { ...isolate, dir: bad, limits: { cpu: "10s" }, timeouts: { wedge: "20s" } },
  })
  const neighbours = Array.from({ length: 2 }, () => new Neighbour(host, "/good/"))
  await Promise.all(neighbours.map((it) => it.once()))
  const { status, text } = await host.ask("/bad/", { method: "POST" })
  expect([status, JSON.parse(text)]).toMatchObject([502, { code: "APP_OOM", reason: "oom" }])
  const { lastError } = await host.state("bad", (it) => it.lastError !== null)
  expect(lastError).toMatchObject({ code: "APP_OOM", reason: "oom" })
  expect(lastError?.message).toContain("its cell ended")
  for (const it of neighbours) expect((await it.stop()).failed).toEqual([])
  expect(host.app("good").lastError).toBe(null)
})

test.each([
  ["less than the limit of CPU time", { cpu: "10s" }, { wedge: "1s" }],
  ["what it is unless given", {}, {}],
])("a loop ends for its CPU time where timeouts.wedge is %s", async (_, limits, timeouts) => {
  const dir = writeApp({ "index.js": "export default { fetch() { for (;;); } }" })
  const host = await startHost({ loops: { dir, entry: "index.js", runtime: "isolate", limits, timeouts } })
  const { text } = await host.ask("/loops/", { method: "POST" })
  expect(JSON.parse(text)).toMatchObject({ code: "APP_CPU_LIMIT", reason: "cpu" })
})

test("a flood of timers has an end, and keeps neither the isolate's own requests nor its neighbours waiting", async () => {
  const dir = writeApp({
    "index.js": `export default { async fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname === "/timer") await new Promise((done) => setTimeout(done, 10))
      if (pathname !== "/flood") return new Response("good")
      const all = []
      try { for (;;) all.push(setInterval(() => {}, 0)) } catch (error) {
        for (const id of all.slice(-10)) clearInterval(id)
        return new Response(all.length + " " + error)
      }
    } }`,
  })
  const app = { dir, entry: "index.js", runtime: "isolate" } as const
  const host = await startHost({ floods: app, good: app })
  expect((await host.ask("/floods/flood")).text).toMatch(/^10000 RangeError: 10000 timers wait already/)
  const neighbour = new Neighbour(host, "/good/")
  await neighbour.once()
  const startMs = performance.now()
  for (let i = 0; i < 20; i++) expect((await host.ask("/floods/")).text).toBe("good")
  expect(performance.now() - startMs).toBeLessThan(2000)
  // A timer waits until all that were due before it have run.
  expect((await host.ask("/floods/timer")).text).toBe("good")
  expect(performance.now() - startMs).toBeLessThan(10_000)
  expect((await neighbour.stop()).failed).toEqual([])
  expect([host.app("floods").instances.length, host.app("floods").lastError]).toEqual([1, null])
})

test.runIf(availableParallelism() <= 8)(
  "time that isolates wait for a processor is not counted as theirs",
  async () => {
    const dir = writeApp({
      "index.js": `export default { fetch() {
        const end = Date.now() + 1500
        while (Date.now() < end);
        return new Response("done")
      } }`,
    })
    // Each has a third of a processor at most: half a second.
    const names = Array.from({ length: 3 * availableParallelism() }, (_, i) => `a${i}`)
    const app = { dir, entry: "index.js", runtime: "isolate", limits: { cpu: "1200ms" } } as const
    const host = await startHost(Object.fromEntries(names.map((name) => [name, app])))
    const answers = await Promise.all(names.map((name) => host.ask(`/${name}/`, { method: "POST" })))
    expect(answers.map(({ text }) => text)).toEqual(names.map(() => "done"))
  },
)

test("an isolate's clock counts what was work of the time that it had a thread", () => {
  let held = 0n
  const clock = new CpuClock(() => held)
  held = 5_000_000n
  expect(clock.ms()).toBe(5)
  clock.begins()
  held = 15_000_000n
  expect([clock.ms(), clock.heldMs()]).toEqual([15, 10])
  clock.compared(0.25)
  expect([clock.ms(), clock.heldMs()]).toEqual([7.5, 0])
  held = 17_000_000n
  expect([clock.ms(), clock.heldMs()]).toEqual([9.5, 2])
  clock.compared(1)
  expect(clock.ms()).toBe(9.5)
})
