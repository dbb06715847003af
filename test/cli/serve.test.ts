import { readdir, readFile, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { commandApp, createRig, isAlive, type Rig, SERVER } from "./rig.ts"

let rig: Rig
beforeEach(() => {
  rig = createRig()
})
afterEach(() => rig.cleanUp())

const twoApps = {
  "polyhost.json": { apps: ["./one", "./two"] },
  "one/polyhost.app.json": commandApp(),
  "one/server.mjs": SERVER,
  "two/polyhost.app.json": commandApp(),
  "two/server.mjs": SERVER,
}

async function pidsOf(cwd: string): Promise<number[]> {
  const { stdout } = await rig.run(["status", "--json"], { cwd })
  const { apps } = JSON.parse(stdout) as { apps: { instances: { pid: number }[] }[] }
  return apps.flatMap(({ instances }) => instances.map(({ pid }) => pid))
}

describe("serve", () => {
  test("prints a line an app, with its URL and state, and serves it", async () => {
    const cwd = await rig.tree({
      ...twoApps,
      "polyhost.json": { apps: ["./one", "./two", "./broken", "./silent"] },
      "broken/polyhost.app.json": { runtime: "nod" },
      // A slow app hides no other.
      "silent/polyhost.app.json": commandApp({ command: ["sleep", "100"], timeouts: { start: "60s" } }),
    })
    const host = await rig.serve([], { cwd })
    await host.output(new RegExp(`^one +command +${host.url}/one/ +running$`, "m"))
    await host.output(new RegExp(`^two +command +${host.url}/two/ +running$`, "m"))
    await host.output(/^broken +- +- +failed\n {4}CONFIG_INVALID/m)
    expect(await (await fetch(`${host.url}/one/`)).text()).toMatch(/^hello from \d+$/)
    host.child.kill("SIGTERM")
    const { code, stderr, stdout } = await host.exited
    expect(code).toBe(0)
    expect(stderr).toContain('broken/polyhost.app.json:1:12: "runtime" is "nod"')
    expect(stdout).not.toContain("silent  ")
  })

  test("tells everything as JSON lines with --log json", async () => {
    const cwd = await rig.tree(twoApps)
    const host = await rig.serve(["--log", "json"], { cwd })
    await host.output(/"message":"2 apps: 2 running/)
    host.child.kill("SIGTERM")
    const { stdout } = await host.exited
    const entries = stdout.trimEnd().split("\n")
    for (const line of entries) expect(() => JSON.parse(line)).not.toThrow()
    expect(stdout).toMatch(new RegExp(`"app":"one".*"message":"running command ${host.url}/one/"`))
  })

  test("lets a request in progress finish at SIGTERM, and leaves nothing behind", async () => {
    const cwd = await rig.tree(twoApps)
    const host = await rig.serve([], { cwd })
    await host.output(/2 apps: 2 running/)
    const pids = await pidsOf(cwd)
    const response = await fetch(`${host.url}/one/hold`)
    host.child.kill("SIGTERM")
    await host.output(/stopping \(SIGTERM\), 1 request to finish/)
    expect(await response.text()).toBe("held")
    expect((await host.exited).code).toBe(0)
    expect(pids.filter(isAlive)).toEqual([])
    expect(await readdir(join(cwd, ".polyhost"))).toEqual([".gitignore"])
  })

  test("hurries at a second signal", async () => {
    const cwd = await rig.tree(twoApps)
    const host = await rig.serve([], { cwd })
    await host.output(/2 apps: 2 running/)
    const response = await fetch(`${host.url}/one/hold`, { headers: { "x-hold-ms": "60000" } })
    const body = response.text().catch(() => "cut")
    const again = setInterval(() => host.child.kill("SIGINT"), 100)
    await host.output(/hurrying/)
    clearInterval(again)
    expect(await body).toBe("cut")
    expect((await host.exited).code).toBe(1)
    expect(await readdir(join(cwd, ".polyhost"))).toEqual([".gitignore"])
  })

  test("goes on when it is hung up on without a terminal", async () => {
    const cwd = await rig.tree(twoApps)
    const host = await rig.serve([], { cwd })
    host.child.kill("SIGHUP")
    expect((await fetch(`${host.url}/one/`)).status).toBe(200)
    host.child.kill("SIGTERM")
    await host.output(/stopping \(SIGTERM\)/)
    expect((await host.exited).code).toBe(0)
  })

  test("ends its apps and says why when an exception is caught nowhere", async () => {
    const cwd = await rig.tree(twoApps)
    const defect = "data:text/javascript,process.on('SIGUSR2',()=>{throw%20new%20Error('a%20defect')})"
    const host = await rig.serve([], { cwd, env: { NODE_OPTIONS: `--import "${defect}"` } })
    await host.output(/2 apps: 2 running/)
    const pids = await pidsOf(cwd)
    host.child.kill("SIGUSR2")
    const { code, stdout } = await host.exited
    expect(code).toBe(1)
    expect(stdout).toMatch(/the host failed.*\n.*Error: a defect\n.* at /)
    expect(pids.filter(isAlive)).toEqual([])
    expect(await readdir(join(cwd, ".polyhost"))).toEqual([".gitignore"])
  })

  test("killed with -9 takes its apps with it, and another starts on the same state", async () => {
    const cwd = await rig.tree(twoApps)
    const host = await rig.serve([], { cwd })
    await host.output(/2 apps: 2 running/)
    const pids = await pidsOf(cwd)
    expect(pids).toHaveLength(2)
    process.kill(host.pid, "SIGKILL")
    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 2000, interval: 20 })
    const next = await rig.serve([], { cwd })
    await next.output(/2 apps: 2 running/)
    expect(await pidsOf(cwd)).toHaveLength(2)
    next.child.kill("SIGTERM")
    expect((await next.exited).code).toBe(0)
  })

  test("refuses the state directory of a live host and names its process", async () => {
    const cwd = await rig.tree(twoApps)
    const host = await rig.serve([], { cwd })
    const second = await rig.run(["serve", "--listen", "127.0.0.1:0"], { cwd })
    expect(second.code).toBe(1)
    expect(second.stderr).toContain(`HOST_BUSY: a host with process id ${host.pid}`)
    expect((await rig.run(["status"], { cwd })).code).toBe(0)
  })

  test("takes over the lock of a process whose number another process has now", async () => {
    const cwd = await rig.tree({ ...twoApps, ".polyhost/host.lock": { pid: process.pid, identity: "older" } })
    const host = await rig.serve([], { cwd })
    expect(JSON.parse(await readFile(join(cwd, ".polyhost", "host.lock"), "utf8"))).toMatchObject({
      pid: host.pid,
    })
    expect((await readdir(join(cwd, ".polyhost"))).sort()).toEqual(["admin.sock", "host.lock"])
  })

  test("finds its admin socket by a state directory whose path is too long for one", async () => {
    const cwd = await rig.tree(twoApps)
    const stateDir = join(cwd, "d".repeat(120))
    const host = await rig.serve(["--state-dir", stateDir], { cwd })
    await host.output(/2 apps: 2 running/)
    const { stdout, code } = await rig.run(["status", "--state-dir", stateDir], { cwd })
    expect([code, stdout]).toEqual([0, expect.stringContaining("one  running")])
    expect((await stat(stateDir)).mode & 0o777).toBe(0o700)
    const { mode } = await stat(join(stateDir, "admin.sock"))
    expect(mode & 0o777).toBe(0o600)
    host.child.kill("SIGTERM")
    await host.exited
    expect(await readdir(stateDir)).toEqual([".gitignore"])
  })

  test("says which address is taken, and gives the state directory free", async () => {
    const cwd = await rig.tree(twoApps)
    const taken = createServer().listen(0, "127.0.0.1")
    await new Promise((resolve) => taken.once("listening", resolve))
    const { port } = taken.address() as { port: number }
    const { code, stderr } = await rig.run(["serve", "--listen", `127.0.0.1:${port}`], { cwd })
    taken.close()
    expect(code).toBe(1)
    expect(stderr).toContain("HOST_LISTEN_FAILED")
    expect(stderr).toContain(String(port))
    expect(await readdir(join(cwd, ".polyhost"))).toEqual([".gitignore"])
  })

  test("passes nothing of its environment to apps beyond the allow-list", async () => {
    const cwd = await rig.tree(twoApps)
    const host = await rig.serve([], { cwd, env: { SECRET_OF_HOST: "1", POLYHOST_LAUNCHER_FD: "3" } })
    await host.output(/2 apps: 2 running/)
    const env = (await (await fetch(`${host.url}/one/env`)).json()) as Record<string, string>
    expect(Object.keys(env)).not.toContain("SECRET_OF_HOST")
    expect(Object.keys(env)).not.toContain("POLYHOST_LAUNCHER_FD")
  })

  test("prints a token for the admin API on TCP, and refuses calls without it", async () => {
    const cwd = await rig.tree(twoApps)
    const host = await rig.serve(["--admin", "127.0.0.1:0"], { cwd })
    const [, url, token] = await host.output(/admin API on (\S+), token (\S+)\n/)
    expect((await fetch(`${url}/v1/status`)).status).toBe(401)
    const answer = await fetch(`${url}/v1/status`, { headers: { Authorization: `Bearer ${token}` } })
    expect(await answer.json()).toMatchObject({ host: { pid: host.pid, listeners: [host.url] } })
  })

  test("ends with 2 and every problem when there is nothing to serve", async () => {
    const cwd = await rig.dir()
    await writeFile(join(cwd, "polyhost.json"), '{ "appz": [] }')
    const { code, stderr } = await rig.run(["serve"], { cwd })
    expect(code).toBe(2)
    expect(stderr).toContain("polyhost.json:1:3")
    expect(await readdir(cwd)).toEqual(["polyhost.json"])
  })
})
