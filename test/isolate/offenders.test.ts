/** Limits that are exceeded in the awkward moments: while an app loads, and by many requests at once. */
import { expect, test } from "vitest"
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
