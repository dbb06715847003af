import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { type HostConfigInput, loadConfig } from "../../host/config/index.ts"
import { formatRoute } from "../../host/config/routes.ts"
import { load, report, tree } from "./tree.ts"

describe("one app", () => {
  test("a manifest that is a folder, and an empty route, are said once and in words", async () => {
    const folder = await load({ "polyhost.app.json/": "", "index.js": "" })
    expect(report(folder)).toEqual([
      "polyhost.app.json:1:1: this is a folder; expected a file: the manifest of an app",
    ])
    const route = await load({ "polyhost.app.json": { routes: [""] }, "index.js": "" })
    expect(report(route)).toEqual([
      'polyhost.app.json:1:12: "routes[0]" is ""; expected a route, as a string',
    ])
  })

  test("a manifest with nothing but an entry gets every default", async () => {
    const config = await load({
      "polyhost.app.json": { name: "a", runtime: "node@22", entry: "x.js" },
      "x.js": "",
    })
    const { root } = config
    expect(config.problems).toEqual([])
    expect(config.apps).toEqual([
      {
        name: "a",
        dir: root,
        manifest: join(root, "polyhost.app.json"),
        runtime: { name: "node", version: "22", path: null, args: [] },
        entry: join(root, "x.js"),
        interface: "auto",
        args: [],
        command: null,
        routes: [{ host: "*", path: "/", prefix: true }],
        stripPrefix: false,
        instances: { min: 1, max: 1 },
        concurrency: 100,
        env: {},
        limits: {
          memoryBytes: Number.POSITIVE_INFINITY,
          memorySoftBytes: Number.POSITIVE_INFINITY,
          files: Number.POSITIVE_INFINITY,
          requestBodyBytes: Number.POSITIVE_INFINITY,
          cpuMs: 4000,
          cpuSoftMs: Number.POSITIVE_INFINITY,
        },
        timeouts: {
          startMs: 15_000,
          requestMs: 60_000,
          streamMs: 300_000,
          wedgeMs: 5000,
          queueMs: 30_000,
          idleMs: Number.POSITIVE_INFINITY,
          drainMs: 15_000,
          killMs: 5000,
        },
        queue: { max: 100 },
        bindings: {},
        outbound: [],
        cell: null,
        policy: "perApp",
        health: null,
        static: [],
        sendfile: [],
        compression: null,
        webSocket: {
          messageBytes: 16 * 1024 * 1024,
          pingMs: 30_000,
          idleMs: Number.POSITIVE_INFINITY,
          compression: false,
        },
        sticky: "auto",
        errorPages: new Map(),
      },
    ])
    expect(config).toMatchObject({
      listen: ["127.0.0.1:8080"],
      stateDir: join(root, ".polyhost"),
      lockFile: join(root, "polyhost.lock.json"),
      fatal: false,
    })
  })

  test("env is envFile over the host's defaults, under the manifest's own, all strings", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./a"], defaults: { env: { A: 1, B: 1, C: 1, D: true } } },
      "a/polyhost.app.json": { runtime: "node", env: { C: 3.5 } },
      "a/.env": 'B="two words" # note\nC=2\n',
      "a/index.js": "",
    })
    expect(config.apps[0]?.env).toEqual({ A: "1", B: "two words", C: "3.5", D: "true" })
  })

  test("an envFile that is named and absent is an error, and false turns .env off", async () => {
    const app = { "index.js": "", ".env": "A=1" }
    const named = await load({ ...app, "polyhost.app.json": { runtime: "node", envFile: "prod.env" } })
    expect(report(named)).toEqual([
      'polyhost.app.json:1:29: "envFile" is "prod.env", but there is no file ROOT/prod.env',
    ])
    const off = await load({ ...app, "polyhost.app.json": { runtime: "node", envFile: false } })
    expect(off.apps[0]?.env).toEqual({})
  })

  test("a runtime's path is relative to the app's folder, and must exist", async () => {
    const runtime = { name: "node", path: "./bin/node", args: ["--a"] }
    const files = { "app/polyhost.app.json": { runtime }, "app/index.js": "" }
    const config = await load({ ...files, "app/bin/node": "" }, ["app"])
    expect(config.apps[0]?.runtime).toEqual({
      name: "node",
      version: "",
      path: join(config.root, "app/bin/node"),
      args: ["--a"],
    })
    expect(report(await load(files, ["app"]))[0]).toContain(
      'app/polyhost.app.json:1:34: "runtime.path": there is no file',
    )
  })

  test.each([
    ["./nope", "there is no file ROOT/nope"],
    ["./data.txt", "ROOT/data.txt is not executable"],
    ["./folder", "ROOT/folder is not executable"],
    ["no-such-program", 'there is no program "no-such-program" on PATH'],
  ])("a command whose program %s cannot be run is an error", async (program, why) => {
    const manifest = `{ "command": [${JSON.stringify(program)}, "-q"] }`
    const config = await load({ "polyhost.app.json": manifest, "data.txt": "", "folder/": "" })
    expect(report(config)).toEqual([`polyhost.app.json:1:15: "command" runs "${program}", but ${why}`])
    expect(config.apps).toEqual([])
  })

  test("a command's program is looked for on the PATH that the app gets", async () => {
    const manifest = { command: ["sh"], env: { PATH: "./bin" } }
    expect(report(await load({ "polyhost.app.json": manifest }))[0]).toContain("on PATH")
  })

  test("a command needs no runtime and no entry", async () => {
    const config = await load({ "polyhost.app.json": { command: ["sh", "-q"] } })
    expect(config.apps[0]).toMatchObject({
      runtime: { name: "command" },
      entry: null,
      command: ["sh", "-q"],
    })
    const without = await load({ "polyhost.app.json": { runtime: "command" } })
    expect(report(without)[0]).toContain('runtime "command" needs "command"')
  })

  test("a runtime of a later version fails its app, with what is available", async () => {
    const config = await load({ "polyhost.app.json": { runtime: "python@3.8", entry: "app.py" } })
    expect(config).toMatchObject({ apps: [], fatal: false, broken: [{ dir: config.root }] })
    expect(report(config)).toEqual([
      'polyhost.app.json:1:12: runtime "python" is not available in this version of Polyhost (available: node, bun, deno, thread, isolate, command)',
    ])
  })

  test("keys that do nothing yet give a warning each", async () => {
    const config = await load({
      "polyhost.app.json": {
        runtime: "node",
        limits: { memory: "1GB" },
        recycle: { age: "1h" },
        reload: {},
        cell: "x",
      },
      "index.js": "",
    })
    expect(config.apps).toHaveLength(1)
    expect(config.problems.map((one) => one.severity)).toEqual(["warning", "warning", "warning", "warning"])
    expect(report(config)[0]).toContain(
      'warning: "limits.memory" is accepted but not enforced by this version for runtime "node"',
    )
  })

  test("keys that a kind of runtime heeds give no warning", async () => {
    const config = await load({
      "polyhost.app.json": {
        runtime: "isolate",
        limits: { memory: "64MB", cpu: "200ms", cpuSoft: "50ms" },
        cell: "x",
        policy: "perRequest",
        outbound: ["public", "https://*.example.com"],
        bindings: { AUTH: "app:auth", OWN: "kv", SHARED: "kv:all" },
      },
      "index.js": "",
    })
    // But for the app that is not there.
    expect(config.problems).toMatchObject([
      { severity: "warning", path: "bindings.AUTH", message: expect.stringContaining('is to app "auth"') },
    ])
    expect(config.apps[0]).toMatchObject({
      limits: { memoryBytes: 64 * 1024 * 1024, cpuMs: 200, cpuSoftMs: 50 },
      cell: "x",
      policy: "perRequest",
      outbound: ["public", "https://*.example.com"],
      bindings: {
        AUTH: { kind: "app", app: "auth" },
        OWN: { kind: "store", namespace: config.apps[0]?.name },
        SHARED: { kind: "store", namespace: "all" },
      },
    })
  })

  test("isolates in a cell are counted by the host config", async () => {
    const files = { "a/polyhost.app.json": { runtime: "isolate" }, "a/index.js": "" }
    expect(await load({ ...files, "polyhost.json": { apps: ["a"] } })).toMatchObject({ isolatesPerCell: 64 })
    const cells = { isolates: 8 }
    expect(await load({ ...files, "polyhost.json": { apps: ["a"], cells } })).toMatchObject({
      isolatesPerCell: 8,
    })
  })

  test("faults of the document and of the folder are reported together", async () => {
    const config = await load({
      "polyhost.app.json":
        '{\n  "entry": "srver.js",\n  "envFile": "x.env",\n  "intreface": "fetch",\n  "instances": -1\n}',
      "server.js": "",
    })
    expect(report(config).map((line) => line.split(": ").slice(0, 2).join(": "))).toEqual([
      expect.stringContaining('polyhost.app.json:2:12: "entry" is "srver.js"'),
      expect.stringContaining('polyhost.app.json:3:14: "envFile" is "x.env"'),
      expect.stringContaining(
        'polyhost.app.json:4:3: unknown key "intreface". Did you mean "interface"?'
          .split(": ")
          .slice(0, 2)
          .join(": "),
      ),
      expect.stringContaining("polyhost.app.json:5:16"),
    ])
    expect(report(config)[0]).toContain('Did you mean "server.js"?')
  })

  test("a manifest that is not JSON fails its app with the place", async () => {
    const config = await load({ "polyhost.app.json": '{\n "name": "x"\n "entry": 1 }' })
    expect(report(config)).toEqual(["polyhost.app.json:3:2: not valid JSON: a comma is expected"])
    expect(config.broken).toHaveLength(1)
  })
})

describe("several apps", () => {
  test("each gets a host name and a stripped path, unless it names routes", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./apps/*"] },
      "apps/My Shop/index.js": "",
      "apps/b/polyhost.app.json": { runtime: "node", routes: ["b.example", "/*"] },
      "apps/b/index.js": "",
    })
    expect(config.apps.map((app) => [app.name, app.routes.map(formatRoute), app.stripPrefix])).toEqual([
      ["my-shop", ["my-shop.localhost", "/my-shop/*"], true],
      ["b", ["b.example", "/*"], false],
    ])
  })

  test("a broken neighbour does not change the routes of the others, nor stop them", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./a", "./b"] },
      "a/index.js": "",
      "b/polyhost.app.json": "{",
    })
    expect(config.fatal).toBe(false)
    expect(config.apps.map((app) => app.routes.map(formatRoute))).toEqual([["a.localhost", "/a/*"]])
    expect(config.broken.map((app) => app.name)).toEqual(["b"])
  })

  test("a pattern takes folders that look like apps and leaves out the rest", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./apps/*"] },
      ".nvmrc": "22",
      "apps/a/package.json": { main: "lib.js" },
      "apps/a/lib.js": "",
      "apps/b/deno.json": {},
      "apps/b/main.ts": "",
      "apps/docs/readme.md": "",
      "apps/types/package.json": { name: "types" },
      "apps/.hidden/index.js": "",
      "apps/node_modules/index.js": "",
      "apps/index.js": "",
    })
    expect(config.apps.map((app) => app.name)).toEqual(["a", "b"])
    expect(config.problems).toEqual([])
  })

  test("a pattern of folders takes no JSON file beside them", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./*"] },
      "polyhost.lock.json": {},
      "package.json": {},
      "tsconfig.json": {},
      "a/index.js": "",
    })
    expect(config.apps.map((app) => app.name)).toEqual(["a"])
    expect(config.problems).toEqual([])
  })

  test("a pattern of JSON files takes them as manifests, the host config and the lock file never", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./*.json"] },
      "polyhost.lock.json": {},
      "b.json": { name: "b", runtime: "node", entry: "a.js" },
      "a.js": "",
    })
    expect(config.apps.map((app) => app.name)).toEqual(["b"])
    expect(config.problems).toEqual([])
  })

  test("a pattern that matches nothing is a warning, a folder that is absent an error with the nearest one", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./x/*", "./shpo", "./shop"] },
      "shop/index.js": "",
    })
    expect(report(config)).toEqual([
      'polyhost.json:1:10: warning: "apps[0]" is "./x/*", which matches no folder with an app below ROOT',
      'polyhost.json:1:18: there is no folder or file ROOT/shpo. Did you mean "./shop"?',
    ])
    expect(config).toMatchObject({ fatal: false, apps: [{ name: "shop" }], broken: [{ name: "shpo" }] })
  })

  test("a folder that is named and matched by a pattern too is one app", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./apps/*", "./apps/a", { dir: "./apps/b", name: "inline" }] },
      "apps/a/index.js": "",
      "apps/b/index.js": "",
    })
    expect(config.apps.map((app) => app.name)).toEqual(["a", "inline"])
  })

  test("patterns know braces, question marks, depth and manifests", async () => {
    const files = {
      "one/index.js": "",
      "two/deep/polyhost.app.json": { runtime: "node", name: "deep" },
      "two/deep/index.js": "",
      "ten/index.js": "",
    }
    const names = async (pattern: string): Promise<readonly string[]> =>
      (await load({ ...files, "polyhost.json": { apps: [pattern] } })).apps.map((app) => app.name)
    expect(await names("./{one,ten}")).toEqual(["one", "ten"])
    expect(await names("t?n")).toEqual(["ten"])
    expect(await names("./**/polyhost.app.json")).toEqual(["deep"])
    expect(await names("./two/**")).toEqual(["deep"])
  })

  test("two apps of one name: the second fails, and both places are named", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./a", { dir: "./b", name: "a" }] },
      "a/index.js": "",
      "b/index.js": "",
    })
    expect(config.apps).toHaveLength(1)
    expect(report(config)).toEqual([
      'polyhost.json:1:36: the name "a" is taken by the app in ROOT/a (ROOT/polyhost.json:1:10); give one of them another "name"',
    ])
  })

  test("two apps on one route: the second fails, and both places are named", async () => {
    const config = await load({
      "polyhost.json": { apps: ["./a", "./b"] },
      "a/polyhost.app.json": { runtime: "node", routes: ["/a/*", "x.example/shop/*"] },
      "a/index.js": "",
      "b/polyhost.app.json": { runtime: "node", routes: ["X.example/shop/*"] },
      "b/index.js": "",
    })
    expect(config.broken.map((app) => app.name)).toEqual(["b"])
    expect(report(config)).toEqual([
      'b/polyhost.app.json:1:29: route "x.example/shop/*" of app "b" is already a route of app "a" (ROOT/a/polyhost.app.json:1:36)',
    ])
  })

  test("defaults of the host config lie under each app's own values", async () => {
    const config = await load({
      "polyhost.json": {
        apps: [{ dir: "a", timeouts: { request: "1s" }, instances: 3 }, { dir: "b" }],
        defaults: {
          timeouts: { request: "30s", idle: "10m" },
          limits: { requestBody: "1MB" },
          instances: { min: 0 },
          queue: { max: 5 },
        },
      },
      "a/index.js": "",
      "b/index.js": "",
    })
    expect(config.apps[0]).toMatchObject({
      timeouts: { requestMs: 1000, idleMs: 600_000 },
      instances: { min: 3, max: 3 },
      limits: { requestBodyBytes: 1_048_576 },
    })
    expect(config.apps[1]).toMatchObject({
      timeouts: { requestMs: 30_000 },
      instances: { min: 0, max: 1 },
      queue: { max: 5 },
    })
  })

  test("what is wrong inside an inline app is that app's trouble, at its place", async () => {
    const config = await load({
      "polyhost.json":
        '{ "apps": [\n  "./a",\n  { "dir": "./a", "name": "two", "runtme": "node" },\n  { "name": "three" }\n] }',
      "a/index.js": "",
    })
    expect(config.fatal).toBe(false)
    expect(config.apps.map((app) => app.name)).toEqual(["a"])
    expect(config.broken.map((app) => app.name)).toEqual(["three", "two"])
    expect(report(config)).toEqual([
      'polyhost.json:3:34: unknown key "runtme" in "apps[1]". Did you mean "runtime"?',
      expect.stringContaining('polyhost.json:4:3: "apps[2].dir" is missing'),
    ])
  })

  test.each([
    [{ lisen: [], apps: ["./a"] }, 'polyhost.json:1:2: unknown key "lisen". Did you mean "listen"?'],
    [
      { listen: [], apps: ["./a"] },
      'polyhost.json:1:11: "listen" is []; expected at least one address, such as "127.0.0.1:8080"; without "listen" that is the default',
    ],
    [
      { listen: ["a:b"], apps: ["./a"] },
      'polyhost.json:1:12: "listen[0]" is "a:b"; expected "127.0.0.1:8080"',
    ],
    [{}, 'polyhost.json:1:1: "apps" is missing; expected a list'],
    [{ apps: [] }, 'polyhost.json:1:9: no app found by "apps"'],
    [{ apps: [1] }, 'polyhost.json:1:10: "apps[0]" is 1; expected a folder'],
    ["{", "polyhost.json:1:2: not valid JSON"],
  ])("the host config %j is fatal: %s", async (content, message) => {
    const config = await load({ "polyhost.json": content, "a/index.js": "" })
    expect(config.fatal).toBe(true)
    expect(report(config).join("\n")).toContain(message)
  })
})

describe("PATH arguments", () => {
  const files = {
    "host/polyhost.json": { listen: [":1", "./h.sock"], apps: ["./a"] },
    "host/a/index.js": "",
    "b/polyhost.app.json": { runtime: "node", name: "bee" },
    "b/index.js": "",
    "c/index.js": "",
  }

  test("a host config, an app's folder and a manifest may be mixed", async () => {
    const cwd = tree(files)
    const config = await loadConfig({ paths: ["c", "host", "b/polyhost.app.json", "b"], cwd })
    expect(config.apps.map((app) => app.name)).toEqual(["a", "c", "bee"])
    expect(config.root).toBe(join(cwd, "host"))
    expect(config.listen).toEqual([":1", `unix:${join(cwd, "host/h.sock")}`])
    expect(config.stateDir).toBe(join(cwd, "host/.polyhost"))
  })

  test("the lock file of a single app is beside it, its state in the current directory", async () => {
    const cwd = tree(files)
    const config = await loadConfig({ paths: ["b"], cwd })
    expect(config).toMatchObject({
      root: cwd,
      stateDir: join(cwd, ".polyhost"),
      lockFile: join(cwd, "b/polyhost.lock.json"),
    })
  })

  test("a source file is no manifest, and the message says what to name instead", async () => {
    const message =
      'c/index.js:1:1: this is no manifest (a .json file); name the folder of the app, and the file with "entry"'
    expect(report(await load(files, ["c/index.js"]))).toEqual([message])
  })

  test("a path that does not exist is fatal, and so is a folder without an app", async () => {
    expect(report(await load(files, ["nope"]))).toEqual(['nope: there is no folder or file "nope"'])
    const empty = await load({ "x/readme.md": "" }, ["x"])
    expect(empty).toMatchObject({ apps: [], broken: [{ name: "x" }] })
    expect(report(empty)[0]).toContain("does not look like an app")
  })
})

describe("configuration as an object", () => {
  test("is checked like a file, without positions", async () => {
    const cwd = tree({ "a/index.js": "" })
    const config = await loadConfig({
      config: { apps: [{ dir: "a", nam: "x" }] } as unknown as HostConfigInput,
      cwd,
    })
    expect(report(config)).toEqual(['config: unknown key "nam" in "apps[0]". Did you mean "name"?'])
  })

  test("never rejects, whatever the object", async () => {
    const cwd = tree({ "a/index.js": "" })
    const entry = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("a", "*", "{", "**", "./a/*", "\0", "a/index.js"),
      fc.record({
        dir: fc.constantFrom<unknown>("a", "\0", "", 1, "a/index.js"),
        entry: fc.anything(),
        env: fc.anything(),
        runtime: fc.anything(),
      }),
      fc.anything(),
    )
    const config = fc.oneof(
      fc.anything(),
      fc.record({ apps: fc.array(entry), defaults: fc.anything(), listen: fc.anything() }),
    )
    await fc.assert(
      fc.asyncProperty(config, async (value) => {
        const loaded = await loadConfig({ config: value as HostConfigInput, cwd })
        expect(loaded.apps.length > 0 || loaded.problems.length > 0).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test("of 999 apps loads in well under a second", async () => {
    const cwd = tree(
      Object.fromEntries(Array.from({ length: 999 }, (_, index) => [`a${index}/index.js`, ""])),
    )
    const apps = Array.from({ length: 999 }, (_, index) => ({
      dir: `a${index}`,
      timeouts: { request: "1s" },
    }))
    const started = performance.now()
    const config = await loadConfig({ config: { apps }, cwd })
    expect(performance.now() - started).toBeLessThan(1000)
    expect(config.apps).toHaveLength(999)
    expect(config.problems).toEqual([])
  })
})
