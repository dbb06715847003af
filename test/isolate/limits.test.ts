/** What an operator is told of isolates: errors with places, what nobody caught, limits that are neared. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { expect, onTestFinished, test } from "vitest"
import { startHost } from "../support/harness.ts"
import { writeApp } from "./write-app.ts"

test("stacks in the log point at the app's own files, and what nobody caught is told while the app goes on", async () => {
  const dir = writeApp({
    "index.ts": `import { fails, type Options } from "./src/fails.ts"
      export default { async fetch(request: Request, ctx: { waitUntil(p: Promise<unknown>): void }): Promise<Response> {
        const { pathname } = new URL(request.url)
        if (pathname === "/throws") fails({ why: "thrown" } satisfies Options)
        if (pathname === "/logs") console.error(new Error("logged"))
        if (pathname === "/rejects") Promise.reject(new Error("rejected and left"))
        if (pathname === "/timer") setTimeout(() => { throw new Error("thrown by a timer") }, 1)
        return new Response("ok")
      } }`,
    "src/fails.ts":
      "export interface Options {\n  why: string\n}\n\nexport function fails({ why }: Options): never {\n  throw new TypeError(why)\n}\n",
  })
  const host = await startHost({ a: { dir, entry: "index.ts", runtime: "isolate" } })
  expect((await host.ask("/a/throws")).status).toBe(500)
  await host.logged(/TypeError: thrown/)
  await host.logged(/app:\/\/\/src\/fails\.ts:6:9/)
  for (const path of ["logs", "rejects", "timer"]) expect((await host.ask(`/a/${path}`)).text).toBe("ok")
  await host.logged(/logged/)
  await host.logged(/\(in promise\).*rejected and left/)
  await host.logged(/thrown by a timer/)
  await host.logged(/app:\/\/\/index\.ts:6:\d+/)
  expect((await host.ask("/a/")).text).toBe("ok")
  expect(host.log).not.toContain("isolated-vm boundary")
  expect(host.app("a").instances).toHaveLength(1)
  expect(host.app("a").lastError).toBe(null)
})

test("over the soft CPU limit an instance is replaced, and its request is answered", async () => {
  const dir = writeApp({
    "index.js": `const id = crypto.randomUUID()
      export default { fetch(request) {
        const end = Date.now() + 150
        if (request.method === "POST") while (Date.now() < end);
        return new Response(id)
      } }`,
  })
  const limits = { cpu: "5s", cpuSoft: "50ms" }
  const host = await startHost({ a: { dir, entry: "index.js", runtime: "isolate", limits } })
  const first = host.app("a").instances[0]?.id
  const { status } = await host.ask("/a/", { method: "POST" })
  expect(status).toBe(200)
  await host.state("a", (it) => it.instances.some(({ id, state }) => id !== first && state === "ready"))
  expect((await host.ask("/a/")).status).toBe(200)
})

test("fetch reaches what outbound names, and nothing else", async () => {
  const server = createServer((request, response) => response.end(`you asked ${request.url}`))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dir = writeApp({
    "index.js": `export default { async fetch(request) {
      try { return new Response(await (await fetch(await request.text())).text()) } catch (error) { return new Response(error + " " + (error.cause ?? ""), { status: 403 }) }
    } }`,
  })
  const app = { dir, entry: "index.js", runtime: "isolate" } as const
  const host = await startHost({ open: { ...app, outbound: [origin] }, closed: app })
  expect((await host.ask("/open/", { method: "POST", body: `${origin}/x` })).text).toBe("you asked /x")
  expect((await host.ask("/closed/", { method: "POST", body: `${origin}/x` })).status).toBe(403)
  expect((await host.ask("/open/", { method: "POST", body: "http://localhost:1/" })).status).toBe(403)
})

test("isolates share a cell, beside an app whose runtime asks for what an isolate does not have", async () => {
  const dir = writeApp({ "index.js": 'export default { fetch: () => new Response("good") }' })
  const app = { dir, entry: "index.js", runtime: "isolate" } as const
  const host = await startHost(
    { versioned: { ...app, runtime: "isolate@26" }, good: app, beside: app },
    { eager: true },
  )
  expect((await host.ask("/good/")).text).toBe("good")
  expect((await host.ask("/beside/")).text).toBe("good")
  expect(host.pidOf("good")).toBe(host.pidOf("beside"))
  const { lastError } = await host.state("versioned", (it) => it.lastError !== null)
  expect(lastError?.message).toContain("isolate")
})

test("error.stack inside the app names the app's own files, and nothing of the host's", async () => {
  const dir = writeApp({
    "index.ts": `import { boom } from "./lib.ts"
      interface Thing { readonly n: number }
      export default { fetch(): Response {
        const thing: Thing = { n: 1 }
        try { boom(thing.n) } catch (error) { return new Response((error as Error).stack) }
        return new Response("no")
      } }`,
    "lib.ts": `enum Kind { A = 3 }

export function boom(n: number): never {
  throw new RangeError(String(Kind.A + n))
}`,
  })
  const host = await startHost({ a: { dir, entry: "index.ts", runtime: "isolate" } })
  expect((await host.ask("/a/")).text).toMatch(
    /^RangeError: 4\n {4}at boom \(app:\/\/\/lib\.ts:4:9\)\n {4}at Object\.fetch \(app:\/\/\/index\.ts:5:\d+\)$/,
  )
})
