/** WebSocket connections of isolates: their limits, their contexts, and their end. */
import { expect, test } from "vitest"
import { writeApp } from "../isolate/write-app.ts"
import { startHost } from "../support/harness.ts"
import { Client } from "./client.ts"

const APP = `
  let count = 0
  export default {
    async fetch(request) {
      if (new URL(request.url).pathname === "/wait") await new Promise((done) => setTimeout(done, 1000))
      return new Response("count " + count)
    },
    websocket: {
      message(peer, message) {
        count++
        const [word, ms] = message.text().split(":")
        if (word === "spin") { const end = Date.now() + Number(ms); while (Date.now() < end); }
        if (word === "eat") { const all = []; for (;;) all.push(new Array(1e5).fill(count)) }
        peer.send(message.text() + " " + count)
      },
      async close(peer, { code }) { await null; console.log("closed with " + code + " after " + count) },
    },
    close() { console.log("the app closes") },
  }`

test("a connection may use more CPU time than a request, a message no more than that", async () => {
  const dir = writeApp({ "index.js": APP })
  const host = await startHost({
    a: { dir, entry: "index.js", runtime: "isolate", limits: { cpu: "300ms" } },
    beside: { dir, entry: "index.js", runtime: "isolate", limits: { cpu: "300ms" } },
  })
  const [client, other] = await Promise.all([
    Client.open(`${host.url}/a/`),
    Client.open(`${host.url}/beside/`),
  ])
  for (let i = 1; i <= 12; i++) expect(await client.ask("spin:60")).toBe(`spin:60 ${i}`)
  // What it had used before is nothing to a request that comes now, which shares what goes on beside it.
  const waits = host.ask("/a/wait")
  for (let i = 13; i <= 15; i++) expect(await client.ask("spin:60")).toBe(`spin:60 ${i}`)
  expect((await waits).text).toBe("count 15")
  client.send("spin:60000")
  expect(await client.end()).toEqual([1011, ""])
  expect((await host.state("a", (it) => it.lastError !== null)).lastError).toMatchObject({
    code: "APP_CPU_LIMIT",
  })
  expect(await other.ask("there")).toBe("there 1")
  await other.close()
})

test("one that eats its memory is ended with its connections; an upgrade that was not answered is told why", async () => {
  const dir = writeApp({
    "index.js": `export default { fetch: () => new Response("x"), websocket: {
      async upgrade(request) { if (request.url.endsWith("/slow")) await new Promise((done) => setTimeout(done, 20000)) },
      message() { const all = []; for (;;) all.push(new Array(1e5).fill(1)) } } }`,
  })
  const host = await startHost({
    a: { dir, entry: "index.js", runtime: "isolate", limits: { memory: "32MB" } },
  })
  const [client, idle] = await Promise.all([Client.open(`${host.url}/a/`), Client.open(`${host.url}/a/`)])
  const refused = Client.refused(`${host.url}/a/slow`)
  client.send("eat")
  expect(await client.end()).toEqual([1011, ""])
  expect(await idle.end()).toEqual([1011, ""])
  expect(JSON.parse((await refused).body)).toMatchObject({ code: "APP_OOM", reason: "oom" })
})

test("with policy perRequest each connection has a context of its own, for as long as it lives", async () => {
  const dir = writeApp({ "index.js": APP })
  const host = await startHost({ a: { dir, entry: "index.js", runtime: "isolate", policy: "perRequest" } })
  const [a, b] = await Promise.all([Client.open(`${host.url}/a/`), Client.open(`${host.url}/a/`)])
  expect([await a.ask("x"), await a.ask("y"), await b.ask("z")]).toEqual(["x 1", "y 2", "z 1"])
  expect((await host.ask("/a/")).text).toBe("count 0")
  await a.close(3001)
  await host.logged(/closed with 3001 after 2/)
  await host.logged(/the app closes/)
  expect(await b.ask("z")).toBe("z 2")
  await b.close()
})

test("with policy perRequest connections take half of the contexts at most, and requests go on", async () => {
  const dir = writeApp({ "index.js": APP })
  const host = await startHost({
    a: {
      dir,
      entry: "index.js",
      runtime: "isolate",
      policy: "perRequest",
      limits: { memory: "16MB" },
      timeouts: { request: "1s" },
    },
  })
  // 16 MB have room for 8 contexts.
  const clients = await Promise.all(Array.from({ length: 4 }, () => Client.open(`${host.url}/a/`)))
  const tooMany = await Client.refused(`${host.url}/a/`)
  expect([tooMany.status, JSON.parse(tooMany.body).code]).toEqual([504, "REQUEST_TIMEOUT"])
  expect((await host.ask("/a/")).text).toBe("count 0")
  await clients[0]?.close()
  const next = await Client.open(`${host.url}/a/`)
  expect(await next.ask("x")).toBe("x 1")
  await Promise.all([...clients.slice(1), next].map((client) => client.close()))
})
