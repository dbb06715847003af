import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import manifest from "../../package.json" with { type: "json" }
import { commandApp, createRig, type Rig, SERVER } from "./rig.ts"

let rig: Rig
beforeEach(() => {
  rig = createRig()
})
afterEach(() => rig.cleanUp())

describe("the command line", () => {
  test("prints its version, and help of at most 80 columns", async () => {
    expect((await rig.run(["--version"])).stdout).toBe(`${manifest.version}\n`)
    for (const args of [["--help"], ["serve", "--help"], ["help", "runtimes"], ["status", "-h"]]) {
      const { code, stdout } = await rig.run(args)
      expect(code).toBe(0)
      for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80)
    }
  })

  test.each([
    [["srve"], 'unknown command "srve". Did you mean "serve"?'],
    [["status", "--jsn"], 'unknown option "--jsn" of "status". Did you mean "--json"?'],
    [["serve", "--listen"], "--listen needs a value"],
    [["serve", "--listen", "--log", "json"], "--listen needs a value"],
    [["serve", "--log", "xml"], "--log is pretty or json"],
    [["serve", "--listen", "nowhere:port"], "--listen nowhere:port"],
    [["status", "--json=1"], "--json takes no value"],
    [["stop"], '"stop" needs APP'],
    [["stop", "a", "b"], '"stop" does not take "b"'],
    [["runtimes", "instal"], 'Did you mean "install"?'],
    [["runtimes", "install", "nod@22"], 'Did you mean "node@22"?'],
    [["rollback", "a"], '"rollback" is not in this version'],
    [[], "a command is expected"],
  ])("answers a mistake in %j with exit code 2", async (args, message) => {
    const { code, stderr, stdout } = await rig.run(args)
    expect(stderr).toContain(message)
    expect([code, stdout]).toEqual([2, ""])
  })
})

describe("check", () => {
  test("lists every problem by place, and ends with 2", async () => {
    const cwd = await rig.tree({
      "polyhost.json": '{ "apps": ["./a", "./b"] }',
      "a/polyhost.app.json": '{ "runtime": "nod",\n  "concurency": 3 }',
      "b/polyhost.app.json": commandApp(),
    })
    const { code, stdout } = await rig.run(["check"], { cwd })
    expect(code).toBe(2)
    const lines = stdout.trimEnd().split("\n")
    expect(lines[0]).toMatch(/^a\/polyhost\.app\.json:1:14: /)
    expect(lines[1]).toMatch(/^a\/polyhost\.app\.json:2:3: .*"concurrency"/)
    expect(lines.at(-1)).toMatch(/^2 apps, 2 errors, \d+ warnings?$/)
  })

  test("ends with 0 when nothing is wrong", async () => {
    const cwd = await rig.tree({ "polyhost.app.json": commandApp() })
    expect(await rig.run(["check"], { cwd })).toMatchObject({
      code: 0,
      stdout: "1 app, 0 errors, 0 warnings\n",
    })
  })
})

describe("init", () => {
  test("writes a manifest that check accepts, says why, and overwrites nothing", async () => {
    const cwd = await rig.tree({ "server.js": "", "package.json": { main: "server.js" } })
    const { code, stdout } = await rig.run(["init"], { cwd })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^wrote polyhost\.app\.json\n {2}name: /)
    expect(stdout).toContain('entry: "server.js"')
    expect(await readFile(join(cwd, "polyhost.app.json"), "utf8")).toContain('"entry": "server.js"')
    expect((await rig.run(["check"], { cwd })).code).toBe(0)
    const again = await rig.run(["init"], { cwd })
    expect(again.code).toBe(2)
    expect(again.stderr).toContain("exists already")
  })
})

describe("status, start and stop", () => {
  test("say which socket was tried when no host runs", async () => {
    const cwd = await rig.dir()
    for (const args of [["status"], ["start", "a"], ["stop", "a"]]) {
      const { code, stderr } = await rig.run(args, { cwd })
      expect(code).toBe(1)
      expect(stderr).toContain(`HOST_NOT_RUNNING: no host answers at ${join(cwd, ".polyhost", "admin.sock")}`)
    }
  })

  test("show and change the state of an app", async () => {
    const cwd = await rig.tree({
      "polyhost.json": { apps: ["./one", "./two"] },
      "one/polyhost.app.json": commandApp(),
      "one/server.mjs": SERVER,
      "two/polyhost.app.json": { runtime: "nod" },
    })
    const host = await rig.serve([], { cwd })
    await host.output(/2 apps: /)
    const seen = await rig.run(["status"], { cwd })
    expect(seen.code).toBe(0)
    expect(seen.stdout).toMatch(/^one +running +command +\d+ +[\d.]+ [KM]B +0 +0$/m)
    expect(seen.stdout).toMatch(/^two +failed +- +- +- +0 +0$/m)
    expect(seen.stdout).toContain("CONFIG_INVALID")
    for (const line of seen.stdout.split("\n")) {
      if (!line.includes(cwd)) expect(line.length).toBeLessThanOrEqual(80)
    }

    const stopped = await rig.run(["stop", "one"], { cwd })
    expect([stopped.code, stopped.stdout]).toEqual([0, expect.stringMatching(/^one +stopped/m)])
    expect((await fetch(`${host.url}/one/`)).status).toBe(503)
    // From a folder inside the app as well.
    const started = await rig.run(["start", "one", "--json"], { cwd: join(cwd, "one") })
    expect(JSON.parse(started.stdout)).toMatchObject({ name: "one", state: "running" })
    expect((await fetch(`${host.url}/one/`)).status).toBe(200)

    expect((await rig.run(["start", "two"], { cwd })).code).toBe(1)
    const unknown = await rig.run(["stop", "three"], { cwd })
    expect(unknown.code).toBe(1)
    expect(unknown.stderr).toContain('no app "three" (apps: one, two)')
    const one = await rig.run(["status", "one"], { cwd })
    expect(one.stdout).toMatch(/INSTANCE +PID/)
  })
})

describe("runtimes", () => {
  test("lists versions with source and path", async () => {
    const { code, stdout } = await rig.run(["runtimes"])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^NAME +VERSION +SOURCE +SIZE +PATH$/m)
    expect(stdout).toMatch(/^node +\d+\.\d+\.\d+ +path +- +\/.*node$/m)
    const json = await rig.run(["runtimes", "ls", "--json"])
    expect(JSON.parse(json.stdout)).toContainEqual(expect.objectContaining({ name: "node", source: "path" }))
  })

  test("prune keeps what was used lately and says so, and with --all removes it", async () => {
    const cache = await rig.dir()
    const folder = join(cache, "polyhost/runtimes/deno/2.9.6")
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, "deno"), "", { mode: 0o755 })
    const env = { XDG_CACHE_HOME: cache }
    const first = await rig.run(["runtimes", "prune"], { env })
    expect(first.stdout).toMatch(
      /^kept deno 2\.9\.6 \(used in the last 30 days; --all removes it too\)\n0 versions/,
    )
    const second = await rig.run(["runtimes", "prune", "--all"], { env })
    expect(second.stdout).toMatch(/^removed deno 2\.9\.6 .*\n1 version removed/)
  })

  test("prune says that there was nothing to remove", async () => {
    const { stdout } = await rig.run(["runtimes", "prune"])
    expect(stdout).toBe("0 versions removed, 0 B freed\n")
  })
})
