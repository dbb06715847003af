import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises"
import { request } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import {
  type AdminHost,
  adminSocketPath,
  callAdmin,
  type InspectHost,
  serveAdminSocket,
  serveAdminTcp,
} from "../../host/admin/index.ts"
import type { AppState, AppStatus } from "../../host/index.ts"
import { PolyhostError } from "../../protocol/errors.ts"

let stateDir: string
const closers: (() => Promise<void>)[] = []
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "polyhost-test-"))
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  expect(await readdir(stateDir)).toEqual([])
  await rm(stateDir, { recursive: true })
})

describe("the admin socket", () => {
  test("is the owner's alone, replaces a dead host's, and is removed at the end", async () => {
    await writeFile(adminSocketPath(stateDir), "")
    await serve({ shop: "running" })
    const found = await stat(adminSocketPath(stateDir))
    expect([found.isSocket(), found.mode & 0o777]).toEqual([true, 0o600])
  })

  test("answers status, one app, health", async () => {
    await serve({ shop: "running", auth: "backoff" })
    expect(await get("/v1/status")).toMatchObject({ status: 200, body: { host: { pid: 1 }, apps: [{}, {}] } })
    expect(await get("/v1/apps/shop")).toMatchObject({ status: 200, body: { name: "shop" } })
    expect(await get("/healthz?x=1")).toEqual({ status: 200, body: { status: "ok" } })
  })

  test.each<[Record<string, AppState>, number]>([
    [{ a: "running", b: "idle", c: "stopped", d: "degraded" }, 200],
    [{ a: "running", b: "starting" }, 503],
    [{ a: "running", b: "backoff" }, 503],
    [{ a: "failed" }, 503],
    [{}, 200],
  ])("is ready with %j: %i", async (states, status) => {
    await serve(states)
    expect((await get("/readyz")).status).toBe(status)
  })

  test("names the apps that are not ready", async () => {
    await serve({ a: "running", b: "backoff" })
    expect(await get("/readyz")).toMatchObject({ body: { detail: "not serving: b (backoff)" } })
  })

  test("starts and stops apps", async () => {
    await serve({ shop: "running" })
    expect(await post("/v1/apps/shop/stop")).toMatchObject({ status: 200, body: { state: "stopped" } })
    expect(await post("/v1/apps/shop/start")).toMatchObject({ status: 200, body: { state: "running" } })
  })

  test("reloads an app, and answers 409 with the reason when the new generation does not serve", async () => {
    await serve({ shop: "running", broken: "running" })
    expect(await post("/v1/apps/shop/reload")).toMatchObject({ status: 200, body: { state: "running" } })
    const refused = await send("POST", "/v1/apps/broken/reload")
    expect(JSON.parse(refused.text)).toMatchObject({
      status: 409,
      code: "HOST_RELOAD_FAILED",
      detail: "boom at load",
    })
  })

  test.each([
    ["GET", "/v1/apps/none", 404, "HOST_UNKNOWN_APP"],
    ["POST", "/v1/apps/none/stop", 404, "HOST_UNKNOWN_APP"],
    ["GET", "/v2/status", 404, "NOT_FOUND"],
    ["GET", "/v1/apps/%E0%A4%A", 400, "BAD_REQUEST"],
    ["GET", "/v1/apps/__proto__", 404, "HOST_UNKNOWN_APP"],
    ["POST", "/v1/status", 405, "METHOD_NOT_ALLOWED"],
    ["GET", "/v1/apps/shop/start", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/v1/apps/shop/rollback", 501, "NOT_IMPLEMENTED"],
    ["PATCH", "/v1/apps/shop", 501, "NOT_IMPLEMENTED"],
    ["GET", "/metrics", 501, "NOT_IMPLEMENTED"],
  ])("answers %s %s with a problem %i %s", async (method, path, status, code) => {
    await serve({ shop: "running" })
    const answer = await send(method, path)
    expect(answer.type).toBe("application/problem+json")
    expect(JSON.parse(answer.text)).toMatchObject({ type: "about:blank", status, code })
  })

  test("goes on after garbage", async () => {
    await serve({ shop: "running" })
    for (const garbage of [
      "\0\0\0\x01\xff",
      "GET /\r\n\r\n",
      `GET /${"x".repeat(40_000)} HTTP/1.1\r\n`,
      "",
    ]) {
      await new Promise((resolve) => {
        const socket = connect(adminSocketPath(stateDir), () => socket.end(garbage, "latin1"))
        socket.on("error", resolve).on("close", resolve).resume()
      })
    }
    expect((await get("/healthz")).status).toBe(200)
  })

  test("says that no host runs when nobody answers", async () => {
    const failed = callAdmin(stateDir, { method: "GET", path: "/v1/status" })
    await expect(failed).rejects.toMatchObject({ code: "HOST_NOT_RUNNING" })
  })
})

describe("the admin API on TCP", () => {
  test("answers whoever has the token, and nobody else", async () => {
    const { url, token } = await serveTcp()
    const status = (headers: Record<string, string>) =>
      fetch(`${url}/healthz`, { headers }).then((answer) => answer.status)
    expect(await status({})).toBe(401)
    expect(await status({ Authorization: `Bearer ${token}x` })).toBe(401)
    expect(await status({ Authorization: `Basic ${token}` })).toBe(401)
    expect(await status({ Authorization: `Bearer ${token}` })).toBe(200)
    expect(await status({ Authorization: `Bearer ${token}`, Origin: "http://evil.example" })).toBe(403)
  })

  test("refuses names that somebody's DNS points here", async () => {
    const { url, token } = await serveTcp()
    const { hostname, port } = new URL(url)
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { Host: `evil.example:${port}`, Authorization: `Bearer ${token}` }
      request({ hostname, port, path: "/healthz", headers, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on("error", reject)
        .end()
    })
    expect(answer).toBe(403)
  })
})

async function serve(states: Record<string, AppState>): Promise<void> {
  const server = await serveAdminSocket(fakeHost(states), stateDir)
  closers.push(() => server.close())
}

async function serveTcp(): Promise<{ url: string; token: string }> {
  const server = await serveAdminTcp(fakeHost({ shop: "running" }), { host: "127.0.0.1", port: 0 })
  closers.push(() => server.close())
  return server
}

function fakeHost(states: Record<string, AppState>): AdminHost & InspectHost {
  const current = new Map(Object.entries(states))
  const appOf = (name: string): AppStatus => ({
    name,
    state: current.get(name) ?? "failed",
    runtime: { name: "node", version: "26.0.0" },
    interface: "fetch",
    generation: 1,
    routes: [],
    instances: [],
    queue: { waiting: 0 },
    lastError: null,
  })
  const change = async (name: string, state: AppState): Promise<AppStatus> => {
    if (!current.has(name)) throw new PolyhostError("HOST_UNKNOWN_APP", `no app "${name}"`)
    current.set(name, state)
    return appOf(name)
  }
  return {
    status: () => ({
      host: { version: "0.0.0", pid: 1, uptimeSeconds: 1, listeners: [], certificates: [] },
      apps: [...current.keys()].map(appOf),
    }),
    start: (name) => change(name, "running"),
    stop: (name) => change(name, "stopped"),
    inspectable: unknownApp,
    inspect: async (name) => unknownApp(name),
    reload: async (name) => {
      if (name === "shop") return change(name, "running")
      throw new PolyhostError("RUNTIME_LOAD_FAILED", "boom at load")
    },
  }
}

function unknownApp(name: string): never {
  throw new PolyhostError("HOST_UNKNOWN_APP", `no app "${name}"`)
}

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const { status, text } = await callAdmin(stateDir, { method: "GET", path })
  return { status, body: JSON.parse(text) }
}

async function post(path: string): Promise<{ status: number; body: unknown }> {
  const { status, text } = await callAdmin(stateDir, { method: "POST", path })
  return { status, body: JSON.parse(text) }
}

function send(method: string, path: string): Promise<{ type: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const options = { socketPath: adminSocketPath(stateDir), method, path, agent: false }
    request(options, (response) => {
      let text = ""
      response.on("data", (chunk) => {
        text += chunk
      })
      response.on("end", () => resolve({ type: response.headers["content-type"], text }))
    })
      .on("error", reject)
      .end()
  })
}
