import { expect, test } from "vitest"
import { startHost } from "../support/harness.ts"
import { writeApp } from "./write-app.ts"

const PER_REQUEST = { runtime: "isolate", policy: "perRequest" } as const

test("with policy perRequest nothing of a request is left for the next", async () => {
  const dir = writeApp({
    "index.js": `import { state } from "./state.js"
      let count = 0
      Array.prototype.mine ??= 0
      export default { async fetch(request) {
        count++; state.seen++; globalThis.secret = (globalThis.secret ?? "") + "x"; Array.prototype.mine++
        if (new URL(request.url).searchParams.has("slow")) await new Promise((done) => setTimeout(done, 50))
        return Response.json([count, state.seen, globalThis.secret, Array.prototype.mine, await request.text()])
      } }`,
    "state.js": "export const state = { seen: 0 }",
  })
  const host = await startHost({ a: { dir, entry: "index.js", ...PER_REQUEST } })
  const fresh = (body: string): string => JSON.stringify([1, 1, "x", 1, body])
  for (const body of ["a", "b", "c"]) {
    expect((await host.ask("/a/", { method: "POST", body })).text).toBe(fresh(body))
  }
  // They overlap, each in a context of its own.
  const bodies = Array.from({ length: 20 }, (_, index) => `n${index}`)
  const answers = await Promise.all(bodies.map((body) => host.ask("/a/?slow", { method: "POST", body })))
  expect(answers.map(({ text }) => text)).toEqual(bodies.map(fresh))
  expect(host.app("a").instances).toHaveLength(1)
})

test("with policy perRequest the work given to waitUntil goes on, streams flow, and the memory of requests is given back", async () => {
  const dir = writeApp({
    "index.js": `const ballast = new Uint8Array(2e6).fill(1)
      export default { fetch(request, ctx) {
        ctx.waitUntil(new Promise((done) => setTimeout(() => { console.log("afterwards " + new URL(request.url).pathname); done() }, 20)))
        let n = 0
        return new Response(new ReadableStream({ async pull(c) { await null; if (n++ < 50) c.enqueue(new TextEncoder().encode("x".repeat(1000) + ballast[0])); else c.close() } }))
      } }`,
  })
  const host = await startHost({ a: { dir, entry: "index.js", ...PER_REQUEST, limits: { memory: "64MB" } } })
  for (let n = 0; n < 60; n++) {
    const { status, text } = await host.ask(`/a/${n}`)
    expect({ status, length: text.length }).toEqual({ status: 200, length: 50 * 1001 })
  }
  await host.logged(/afterwards \/59/)
  expect(host.app("a").instances).toHaveLength(1)
  expect(host.app("a").lastError).toBe(null)
})

test("with policy perRequest a request that goes too far ends the instance, and an app that cannot load says so", async () => {
  const loops = writeApp({ "index.js": "export default { fetch() { for (;;) {} } }" })
  const broken = writeApp({ "index.js": "throw new Error('not today')" })
  const host = await startHost(
    {
      loops: { dir: loops, entry: "index.js", ...PER_REQUEST, limits: { cpu: "100ms" } },
      broken: { dir: broken, entry: "index.js", ...PER_REQUEST },
    },
    { eager: true },
  )
  expect(JSON.parse((await host.ask("/loops/")).text)).toMatchObject({ code: "APP_CPU_LIMIT", reason: "cpu" })
  const { lastError } = await host.state("broken", (it) => it.lastError !== null)
  expect(lastError?.message).toMatch(/index\.js:1:7: Error: not today/)
})

test("with policy perRequest more requests than the memory has room for wait their turn", async () => {
  const dir = writeApp({
    "index.js": `export default { async fetch(request) {
      await new Promise((done) => setTimeout(done, 20))
      return new Response(await request.text())
    } }`,
  })
  const host = await startHost({ a: { dir, entry: "index.js", ...PER_REQUEST, limits: { memory: "32MB" } } })
  const bodies = Array.from({ length: 120 }, (_, index) => `body ${index}`)
  const answers = await Promise.all(bodies.map((body) => host.ask("/a/", { method: "POST", body })))
  expect(answers.map(({ text }) => text)).toEqual(bodies)
  expect(host.app("a").lastError).toBe(null)
})
