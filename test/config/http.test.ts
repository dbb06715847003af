import { readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { z } from "zod"
import { APP_PAGE_CODES, HOST_PAGE_CODES } from "../../host/config/error-pages.ts"
import { loadConfig } from "../../host/config/index.ts"
import { appManifestSchema, hostConfigSchema } from "../../host/config/schema.ts"
import { DEFAULT_HTTP_SETTINGS } from "../../host/listener/http-settings.ts"
import { load, report, tree } from "./tree.ts"

const OFF = Number.POSITIVE_INFINITY
const app = { "a/index.js": "" }

describe("HTTP settings of the host config", () => {
  test("are the defaults without keys, with a host config and without", async () => {
    const { trustProxy: _, http2, ...numbers } = DEFAULT_HTTP_SETTINGS
    const expected = {
      headerBytes: 65_536,
      headerLines: 1000,
      targetBytes: 16_384,
      headersMs: 15_000,
      bodyMs: 30_000,
      keepAliveMs: 75_000,
      sendMs: 60_000,
      connections: 10_000,
      connectionsPerAddress: OFF,
    }
    expect(numbers).toEqual(expected)
    expect(http2).toEqual({ enabled: true, cleartext: false, streams: 128 })
    for (const files of [{ "polyhost.json": { apps: ["a"] }, ...app }, { "index.js": "" }]) {
      const { http, errorPages, problems } = await load(files)
      expect(problems).toEqual([])
      expect(http).toMatchObject(expected)
      expect(http.trustProxy.any).toBe(false)
      expect(errorPages.size).toBe(0)
    }
  })

  test("are what the keys say", async () => {
    const { http, problems } = await load({
      "polyhost.json": {
        apps: ["a"],
        limits: { headers: "1KB", headerLines: 1, target: "256B", connections: 5, connectionsPerAddress: 2 },
        timeouts: { headers: "1ms", body: "off", keepAlive: "1s", send: "off" },
        trustProxy: ["loopback", "10.0.0.0/8", "unix"],
      },
      ...app,
    })
    expect(problems).toEqual([])
    expect(http).toMatchObject({
      headerBytes: 1024,
      headerLines: 1,
      targetBytes: 256,
      headersMs: 1,
      bodyMs: OFF,
      keepAliveMs: 1000,
      sendMs: OFF,
      connections: 5,
      connectionsPerAddress: 2,
    })
    expect(["::1", "10.1.1.1", "unix", "192.0.2.1"].map((one) => http.trustProxy.trusts(one))).toEqual([
      true,
      true,
      true,
      false,
    ])
  })

  test("take their largest values", async () => {
    const limits = { headers: "64KB", headerLines: 10_000, target: "64000B", connections: 1_000_000 }
    const { http, problems } = await load({
      "polyhost.json": { apps: ["a"], limits: { ...limits, connectionsPerAddress: "off" } },
      ...app,
    })
    expect(problems).toEqual([])
    expect(http).toMatchObject({ headerBytes: 65_536, targetBytes: 64_000, connectionsPerAddress: OFF })
  })

  test.each([
    ["limits", { headers: "65KB" }, '"limits.headers" is "65KB"; expected a size from "1KB" to "64KB"'],
    ["limits", { headers: "1000B" }, 'expected a size from "1KB" to "64KB"'],
    ["limits", { headers: "off" }, 'expected a size from "1KB" to "64KB"'],
    ["limits", { headers: 1024 }, 'expected a size from "1KB" to "64KB"'],
    ["limits", { target: "64KB" }, '"limits.target" is "64KB"; expected a size from "256B" to "64000B"'],
    ["limits", { target: "255B" }, 'expected a size from "256B" to "64000B"'],
    ["limits", { headerLines: 0 }, "expected a whole number from 1 to 10000"],
    ["limits", { headerLines: 10_001 }, "expected a whole number from 1 to 10000"],
    ["limits", { connections: 0 }, "expected a whole number from 1 to 1000000"],
    ["limits", { connections: "off" }, "expected a whole number from 1 to 1000000"],
    ["limits", { connectionsPerAddress: "none" }, 'expected a whole number from 1 to 1000000, or "off"'],
    ["limits", { connectionsPerAddress: 0 }, "expected a whole number from 1 to 1000000"],
    ["limits", { header: "1KB" }, 'unknown key "header" in "limits". Did you mean "headers"?'],
    ["limits", [], 'expected an object such as {"headers"'],
    ["timeouts", { keepAlive: "999ms" }, 'expected a duration from "1s" to 24 days'],
    ["timeouts", { keepAlive: "off" }, 'it cannot be "off"'],
    ["timeouts", { headers: "off" }, 'it cannot be "off"'],
    ["timeouts", { headers: "15" }, "expected a duration"],
    ["timeouts", { body: "0s" }, "a duration must be above zero"],
    [
      "timeouts",
      { request: "1s" },
      'unknown key "request" in "timeouts". Did you mean "defaults.timeouts.request"?',
    ],
    ["trustProxy", "loopback", 'expected a list such as ["loopback"'],
    ["trustProxy", ["localhost"], '"trustProxy[0]" is "localhost"; expected an address or network'],
    ["trustProxy", ["unix", "10.0.0.0/40"], '"trustProxy[1]" is "10.0.0.0/40"; expected a number of bits'],
    ["trustProxy", [""], "expected an address or network, as a string"],
  ])("%s %j is a problem of the host config: %s", async (key, value, message) => {
    const text = `{ "apps": ["a"],\n  "${key}": ${JSON.stringify(value)} }`
    const config = await load({ "polyhost.json": text, ...app })
    expect(config.fatal).toBe(true)
    expect(report(config)).toHaveLength(1)
    expect(report(config)[0]).toMatch(/^polyhost\.json:2:\d+: /)
    expect(report(config)[0]).toContain(message)
  })

  test("of several host configs the first that gives a key decides", async () => {
    const cwd = tree({
      "one/polyhost.json": { apps: ["a"], limits: { headers: "1KB" }, errorPages: { "404": "one.txt" } },
      "one/a/index.js": "",
      "one/one.txt": "one",
      "two/polyhost.json": {
        apps: ["b"],
        limits: { headers: "2KB", headerLines: 7 },
        trustProxy: ["unix"],
        errorPages: { "404": "two.txt", "4xx": "two.txt" },
      },
      "two/b/index.js": "",
      "two/two.txt": "two",
    })
    const { http, errorPages, problems } = await loadConfig({ paths: ["one", "two"], cwd })
    expect(problems).toEqual([])
    expect(http).toMatchObject({ headerBytes: 1024, headerLines: 7 })
    expect(http.trustProxy.trusts("unix")).toBe(true)
    expect([errorPages.get("404")?.body, errorPages.get("4xx")?.body]).toEqual(["one", "two"])
  })

  test("a configuration as an object has the same keys", async () => {
    const cwd = tree(app)
    const config = { apps: ["a"], limits: { headers: "2KB" }, trustProxy: ["private"] }
    const { http, problems } = await loadConfig({ config, cwd })
    expect(problems).toEqual([])
    expect(http.headerBytes).toBe(2048)
    expect(http.trustProxy.trusts("10.0.0.1")).toBe(true)
  })

  test("of the README are the defaults, as written there", async () => {
    const readme = readFileSync(new URL("../../host/config/README.md", import.meta.url), "utf8")
    const example = /```jsonc\n(\{\n {2}"limits"[\s\S]*?)```/.exec(readme)![1]!
    const files = { "polyhost.json": `{ "apps": ["a"],${example.slice(1)}`, "404.html": "" }
    const { http, problems } = await load({ ...files, ...app })
    const { trustProxy: _, ...numbers } = DEFAULT_HTTP_SETTINGS
    expect(problems).toEqual([])
    expect(http).toMatchObject(numbers)
    for (const code of [...APP_PAGE_CODES, ...HOST_PAGE_CODES]) expect(readme).toContain(`\`${code}\``)
  })

  test("stand in the published schema, each with its description", () => {
    const schema = z.toJSONSchema(hostConfigSchema, { io: "input" }) as any
    for (const key of ["limits", "timeouts"]) {
      for (const field of Object.values(schema.properties[key].properties) as any[])
        expect(field.description).toMatch(/Default: /)
    }
    expect(schema.properties.trustProxy.description).toContain("Default: nobody.")
    expect(schema.properties.limits.properties.headers.pattern).not.toContain("off")
    for (const one of [schema, z.toJSONSchema(appManifestSchema, { io: "input" }) as any])
      expect(one.properties.errorPages.propertyNames.pattern).toContain("APP_UNAVAILABLE")
  })
})

describe("errorPages", () => {
  test("are read at load, with a type by the file's extension", async () => {
    const config = await load({
      "index.js": "",
      "polyhost.app.json": {
        runtime: "node",
        errorPages: {
          "404": "404.html",
          "5xx": "./pages/sorry.HTM",
          APP_WEDGED: "wedged.json",
          "503": "busy.txt",
          "413": "large",
        },
      },
      "404.html": "<h1>{{status}} ü</h1>",
      "pages/sorry.HTM": "sorry",
      "wedged.json": "{}",
      "busy.txt": "",
      large: "large",
    })
    expect(config.problems).toEqual([])
    const html = "text/html; charset=utf-8"
    const plain = "text/plain; charset=utf-8"
    expect([...config.apps[0]!.errorPages]).toEqual([
      ["404", { type: html, body: "<h1>{{status}} ü</h1>" }],
      ["413", { type: plain, body: "large" }],
      ["503", { type: plain, body: "" }],
      ["5xx", { type: html, body: "sorry" }],
      ["APP_WEDGED", { type: "application/json", body: "{}" }],
    ])
  })

  test.each([
    ["404", "nope.html", "there is no file ROOT/app/nope.html"],
    ["404", "folder", "ROOT/app/folder is no file"],
    ["404", "index.js/x", "there is no file ROOT/app/index.js/x"],
    ["404", "../secret.txt", "ROOT/secret.txt is outside of the folder ROOT/app"],
    ["404", "link.txt", "ROOT/app/link.txt is outside of the folder ROOT/app"],
    ["404", "big.txt", "ROOT/app/big.txt has 1048577 bytes; expected at most 1MB (1048576 bytes)"],
    ["404", "latin1.txt", "ROOT/app/latin1.txt is not UTF-8 text"],
    ["404", "\0", "there is no file"],
  ])("the page %s: %j fails its app: %s", async (key, path, message) => {
    const cwd = tree({
      "secret.txt": "secret",
      "app/index.js": "",
      "app/folder/": "",
      "app/big.txt": "x".repeat(1024 * 1024 + 1),
      "app/polyhost.app.json": `{ "runtime": "node",\n  "errorPages": {\n    "${key}": ${JSON.stringify(path)} } }`,
    })
    symlinkSync(join(cwd, "secret.txt"), join(cwd, "app/link.txt"))
    writeFileSync(join(cwd, "app/latin1.txt"), Buffer.from([0x66, 0xfc, 0x72]))
    const config = await loadConfig({ paths: ["app"], cwd })
    expect(config.apps).toEqual([])
    expect(report(config)).toHaveLength(1)
    expect(report(config)[0]).toMatch(/^app\/polyhost\.app\.json:3:5: "errorPages\.404" is /)
    expect(report(config)[0]).toContain(message)
  })

  test("a file of just the largest size, and a link that stays inside, are pages", async () => {
    const cwd = tree({
      "index.js": "",
      "max.txt": "x".repeat(1024 * 1024),
      "polyhost.app.json": { runtime: "node", errorPages: { "4xx": "max.txt", "5xx": "link.html" } },
    })
    symlinkSync("max.txt", join(cwd, "link.html"))
    const { apps, problems } = await loadConfig({ paths: [], cwd })
    expect(problems).toEqual([])
    expect(apps[0]?.errorPages.get("5xx")?.type).toBe("text/html; charset=utf-8")
  })

  test.each([
    ["200", "the key is not valid; expected a status"],
    ["3xx", 'expected a status such as "404", a class ("4xx" or "5xx") or a reason code'],
    ["4XX", 'Did you mean "4xx"?'],
    ["4040", "expected a status"],
    ["APP_WEDGE", 'Did you mean "APP_WEDGED"?'],
    ["NO_ROUTE", "expected a status"],
    ["HEADERS_TOO_LARGE", "expected a status"],
  ])("the key %j of a manifest is refused", async (key, message) => {
    const config = await load({
      "index.js": "",
      "x.html": "",
      "polyhost.app.json": `{ "runtime": "node",\n  "errorPages": {\n    "${key}": "x.html" } }`,
    })
    expect(config.apps).toEqual([])
    expect(report(config)).toHaveLength(1)
    expect(report(config)[0]).toMatch(/^polyhost\.app\.json:3:5: /)
    expect(report(config)[0]).toContain(message)
  })

  test("a value that is no path is refused", async () => {
    const config = await load({
      "index.js": "",
      "polyhost.app.json": { runtime: "node", errorPages: { "404": 404 } },
    })
    expect(report(config)[0]).toContain("expected the path of a file in the app's folder")
  })

  test("of the host config are for errors without an app, and relative to its folder", async () => {
    const config = await load({
      "polyhost.json": { apps: ["a"], errorPages: { NO_ROUTE: "404.html", "4xx": "a/4.txt" } },
      "404.html": "none",
      "a/4.txt": "four",
      ...app,
    })
    expect(config.problems).toEqual([])
    expect([...config.errorPages.keys()]).toEqual(["NO_ROUTE", "4xx"])
    expect(config.apps[0]?.errorPages.size).toBe(0)
  })

  test.each([
    ["APP_WEDGED", "x.html", 'the key is not valid; expected a status such as "404"'],
    ["404", "nope.html", '"errorPages.404" is "nope.html", but there is no file ROOT/nope.html'],
  ])("of the host config that are wrong are fatal: %s %s", async (key, path, message) => {
    const config = await load({
      "polyhost.json": { apps: ["a"], errorPages: { [key]: path } },
      "x.html": "",
      ...app,
    })
    expect(config.fatal).toBe(true)
    expect(report(config)[0]).toContain(message)
  })

  test("an inline app has its own, in its folder", async () => {
    const config = await load({
      "polyhost.json": '{ "apps": [{ "dir": "a", "errorPages": { "404": "404.txt", "5xx": "5.txt" } }] }',
      "a/404.txt": "none",
      ...app,
    })
    expect(config.fatal).toBe(false)
    expect(report(config)).toEqual([
      'polyhost.json:1:60: "errorPages.5xx" is "5.txt", but there is no file ROOT/a/5.txt',
    ])
  })
})
