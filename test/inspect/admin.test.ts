import { request } from "node:http"
import { connect } from "node:net"
import { expect, inject, onTestFinished, test } from "vitest"
import { WebSocket } from "ws"
import { serveAdminTcp } from "../../host/admin/index.ts"
import type { OwnHost } from "../../host/index.ts"
import { eventually, standsStill, within } from "../support/deadline.ts"
import { FIXTURES, startHost } from "../support/harness.ts"
import { type Debugged, Debugger, debuggedHost, inspectUrl, post } from "./rig.ts"

const NODE = inject("runtimes").find(({ name, asked }) => name === "node" && asked === "26")
const APP = { runtime: `node@${NODE?.version}`, entry: "server.mjs" }

test("one session at a time: the second is told 409, the next after the first gets its turn", async () => {
  const debugged = await debuggedHost({ inspected: APP })
  const first = await Debugger.attach(inspectUrl(debugged, "inspected"))
  await expect(Debugger.attach(inspectUrl(debugged, "inspected"))).rejects.toThrow(/409 .*HOST_INSPECTED/)
  expect((await post(debugged, "/v1/apps/inspected/profile?seconds=1")).status).toBe(409)
  first.socket.close()
  await within(5000, "the end of the first", new Promise((resolve) => first.socket.once("close", resolve)))
  const second = await Debugger.attach(inspectUrl(debugged, "inspected"))
  expect((await second.ask("Runtime.evaluate", { expression: "6*7" })).result.result.value).toBe(42)
})

test("one of several instances can be named", async () => {
  const debugged = await debuggedHost({ inspected: { ...APP, instances: 2 } })
  await debugged.host.state("inspected", ({ instances }) => instances.every(({ state }) => state === "ready"))
  for (const { id, pid } of debugged.host.app("inspected").instances) {
    const client = await Debugger.attach(inspectUrl(debugged, "inspected", `?instance=${id}`))
    const { result } = await client.ask("Runtime.evaluate", { expression: "process.pid" })
    expect(result.result.value).toBe(pid)
  }
})

test("what cannot be inspected or captured is answered with a problem that says so", async () => {
  const debugged = await debuggedHost({
    inspected: APP,
    other: { runtime: "command", dir: FIXTURES, command: [process.execPath, "-e", LISTENS] },
  })
  const expected = [
    ["POST", "/v1/apps/none/profile", 404, "HOST_UNKNOWN_APP"],
    ["POST", "/v1/apps/inspected/profile?instance=inspected-77", 404, "HOST_UNKNOWN_INSTANCE"],
    ["POST", "/v1/apps/inspected/profile?seconds=0", 400, "BAD_REQUEST"],
    ["POST", "/v1/apps/inspected/profile?seconds=1e9", 400, "BAD_REQUEST"],
    ["POST", "/v1/apps/inspected/profile?seconds=x", 400, "BAD_REQUEST"],
    ["GET", "/v1/apps/inspected/heap-snapshot", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/v1/apps/inspected/inspect", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/v1/apps/other/heap-snapshot", 501, "RUNTIME_NO_INSPECTOR"],
    ["GET", "/v1/apps/other/inspect", 501, "RUNTIME_NO_INSPECTOR"],
  ] as const
  for (const [method, path, status, code] of expected) {
    expect(await send(debugged, method, path), `${method} ${path}`).toMatchObject({ status, code })
  }
})

test("an app that starts on demand is started to be inspected", async () => {
  const debugged = await debuggedHost({ inspected: { ...APP, instances: { min: 0, max: 1 } } })
  expect(debugged.host.app("inspected").state).toBe("idle")
  const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
  expect((await client.ask("Runtime.evaluate", { expression: "6*7" })).result.result.value).toBe(42)
})

test("an app that was stopped cannot be inspected", async () => {
  const debugged = await debuggedHost({ inspected: APP })
  await debugged.host.host.stop("inspected")
  await expect(Debugger.attach(inspectUrl(debugged, "inspected"))).rejects.toThrow(/503 .*APP_UNAVAILABLE/)
})

test("an instance that ends ends its session, and the host goes on", async () => {
  const debugged = await debuggedHost({ inspected: APP })
  const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
  const closed = new Promise<number>((resolve) => client.socket.once("close", resolve))
  const killed = debugged.host.pidOf("inspected")
  process.kill(killed, "SIGKILL")
  expect(await within(5000, "the end of the session", closed)).toBe(1001)
  // A request that the dead one was given would end with it.
  await debugged.host.state("inspected", ({ instances }) =>
    instances.some(({ pid, state }) => pid !== killed && state === "ready"),
  )
  expect((await debugged.host.ask("/inspected/")).text).toBe("hello 42")
})

test("garbage and floods from a debugger do not disturb the host or the app", async () => {
  const debugged = await debuggedHost({ inspected: APP })
  const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
  for (const text of ["", "{", "[]", '{"id":"x"}', "\0", `{"id":9,"method":"${"x".repeat(1_000_000)}"}`]) {
    client.socket.send(text)
  }
  client.socket.send(Buffer.from([0xff, 0xfe]))
  expect((await client.ask("Runtime.evaluate", { expression: "6*7" })).result.result.value).toBe(42)
  const closed = new Promise<number>((resolve) => client.socket.once("close", resolve))
  client.socket.send(Buffer.alloc(65 * 1024 * 1024, " ").toString())
  expect(await within(10_000, "the end of the session", closed)).toBe(1009)
  expect((await debugged.host.ask("/inspected/")).text).toBe("hello 42")
})

test("a debugger that does not read makes the inspector wait, and not the host's memory grow", async () => {
  const debugged = await debuggedHost({ inspected: APP })
  const client = await Debugger.attach(inspectUrl(debugged, "inspected"))
  const before = heldBytes()
  client.socket.pause()
  const expression = "'x'.repeat(4000000)"
  for (let id = 1000; id < 1030; id++) {
    client.socket.send(JSON.stringify({ id, method: "Runtime.evaluate", params: { expression } }))
  }
  // Of the 120 MB that are to come the first do, and then no more.
  await eventually(5000, "the first answer", () => heldBytes() - before > 1_000_000)
  await standsStill(10_000, "the host's memory", () => Math.round(heldBytes() / 1_000_000), 400)
  expect(heldBytes() - before).toBeLessThan(60_000_000)
  client.socket.resume()
  expect(
    (await client.got((message) => message.id === 1029, "the last answer")).result.result.value,
  ).toHaveLength(4_000_000)
}, 30_000)

test("over TCP the token is needed, and no page of the web gets in", async () => {
  const host = await startHost({ inspected: APP })
  const server = await serveAdminTcp(host.host as OwnHost, { host: "127.0.0.1", port: 0 })
  onTestFinished(() => server.close())
  const url = `${server.url.replace("http", "ws")}/v1/apps/inspected/inspect`
  const bearer = `Bearer ${server.token}`
  const attach = (headers: Record<string, string>) => Debugger.attach(url, { headers })
  await expect(attach({})).rejects.toThrow(/401 .*UNAUTHORIZED/)
  await expect(attach({ Authorization: `${bearer}x` })).rejects.toThrow(/401/)
  await expect(attach({ Authorization: bearer, Origin: "https://evil.example" })).rejects.toThrow(/403/)
  await expect(attach({ Authorization: bearer, Host: "evil.example" })).rejects.toThrow(/403/)
  const client = await attach({ Authorization: bearer })
  expect((await client.ask("Runtime.evaluate", { expression: "6*7" })).result.result.value).toBe(42)
  // The public listener knows nothing of it.
  const answer = await host.ask("/v1/apps/inspected/inspect")
  expect(answer.status).toBe(404)
})

test("an upgrade that is cut off leaves nothing behind", async () => {
  const debugged = await debuggedHost({ inspected: APP })
  await new Promise<void>((resolve) => {
    const socket = connect(debugged.socketPath, () => {
      socket.write(
        "GET /v1/apps/inspected/inspect HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        () => socket.destroy(),
      )
    })
    socket.once("close", () => resolve())
  })
  const client = await Debugger.attach(inspectUrl(debugged, "inspected")).catch(() => null)
  expect(client === null || client.socket.readyState === WebSocket.OPEN).toBe(true)
  client?.socket.terminate()
})

const LISTENS = "require('http').createServer((q,r)=>r.end('x')).listen(process.env.POLYHOST_SERVER_SOCKET)"

function heldBytes(): number {
  const { external, arrayBuffers } = process.memoryUsage()
  return external + arrayBuffers
}

function send(
  { socketPath }: Debugged,
  method: string,
  path: string,
): Promise<{ status: number; code: string }> {
  return new Promise((resolve, reject) => {
    request({ socketPath, method, path, agent: false }, (response) => {
      let text = ""
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("end", () => {
        const { code } = JSON.parse(text) as { code: string }
        resolve({ status: response.statusCode ?? 0, code })
      })
    })
      .on("error", reject)
      .end()
  })
}
