import { existsSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { describe, expect, test } from "vitest"
import { loadConfig, planInit, writeInit } from "../../host/config/index.ts"
import { load, report, tree } from "./tree.ts"

interface Found {
  readonly runtime: string
  readonly entry: string
  readonly report: readonly string[]
}

async function detect(
  files: Readonly<Record<string, unknown>>,
  paths: readonly string[] = [],
): Promise<Found> {
  const config = await load(files, paths)
  const app = config.apps[0]
  const runtime = app === undefined ? "none" : `${app.runtime.name}@${app.runtime.version}`
  const entry = app?.entry == null ? "" : relative(app.dir, app.entry)
  return { runtime, entry, report: report(config) }
}

/** The entry and its arguments. */
async function commandOf(files: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const [app] = (await load(files, [])).apps
  return app?.entry == null ? [] : [relative(app.dir, app.entry), ...app.args]
}

const INDEX = { "index.js": "" }
const devEngines = (runtime: unknown): unknown => ({ devEngines: { runtime } })

describe("a version that cannot be run", () => {
  const older = "node@12 is older than Polyhost runs (node 14.17 and later)"
  test.each<[string, Record<string, unknown>, string]>([
    ["the manifest", { "polyhost.app.json": '{ "runtime": "node@12" }' }, `polyhost.app.json:1:14: ${older}`],
    [
      "the manifest's object",
      { "polyhost.app.json": '{ "runtime": { "name": "node", "version": "12" } }' },
      `polyhost.app.json:1:14: ${older}`,
    ],
    [".nvmrc", { ".nvmrc": "12" }, `.nvmrc:1:1: .nvmrc says "12"; ${older}`],
    [
      ".nvmrc beside a manifest",
      { ".nvmrc": "12", "polyhost.app.json": { runtime: "node" } },
      `.nvmrc:1:1: .nvmrc says "12"; ${older}`,
    ],
    [
      "engines",
      { "package.json": '{ "engines": { "node": "12" } }' },
      `package.json:1:24: package.json "engines.node": ${older}`,
    ],
  ])("is an error where %s asks for it", async (_, files, line) => {
    expect(await detect({ ...INDEX, ...files })).toEqual({ runtime: "none", entry: "", report: [line] })
  })
})

describe("the runtime of a folder without a manifest", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["an entry file alone", {}, "node@"],
    ["package.json", { "package.json": {} }, "node@"],
    ["devEngines", { "package.json": devEngines({ name: "node", version: "^22.12" }) }, "node@^22.12"],
    [
      "devEngines as a list",
      { "package.json": devEngines([{ name: "other" }, { name: "bun", version: "1.3" }]) },
      "bun@1.3",
    ],
    ["devEngines without a version", { "package.json": devEngines({ name: "deno" }) }, "deno@"],
    [".nvmrc", { ".nvmrc": "v20\n" }, "node@20"],
    [".nvmrc with lts/*", { ".nvmrc": "# why\n\nlts/*\n" }, "node@lts"],
    [".nvmrc with a codename", { ".nvmrc": "lts/jod" }, "node@22"],
    [".nvmrc with node", { ".nvmrc": "node" }, "node@latest"],
    [".node-version", { ".node-version": "22.11.0" }, "node@22.11.0"],
    [".bun-version", { ".bun-version": "1.3.1" }, "bun@1.3.1"],
    [".deno-version", { ".deno-version": "2.4.0" }, "deno@2.4.0"],
    [".dvmrc", { ".dvmrc": "2.4.0" }, "deno@2.4.0"],
    [
      ".tool-versions",
      { ".tool-versions": "# tools\npython 3.12\nnodejs 20.1.0 18.0.0 # two\n" },
      "node@20.1.0",
    ],
    ["mise.toml", { "mise.toml": '[env]\nnode = "1"\n[tools]\nnode = "22"\n' }, "node@22"],
    ["mise.toml with a list", { "mise.toml": '[tools]\n"core:bun" = ["1.3", "1.2"]\n' }, "bun@1.3"],
    ["mise.toml with a table", { "mise.toml": "[tools]\ndeno = { version = '2' }\n" }, "deno@2"],
    [".prototools", { ".prototools": 'node = "~22"\n[plugins]\nbun = "x"\n' }, "node@~22"],
    ["volta", { "package.json": { volta: { node: "18.20.8" } } }, "node@18.20.8"],
    ["deno.json", { "deno.json": {}, "package.json": {} }, "deno@"],
    ["deno.jsonc", { "deno.jsonc": "// x\n{}" }, "deno@"],
    ["bun.lock", { "bun.lock": "", "package.json": {} }, "bun@"],
    ["bun.lockb", { "bun.lockb": "" }, "bun@"],
    ["bunfig.toml", { "bunfig.toml": "" }, "bun@"],
    ["the start command", { "package.json": { scripts: { start: "bun run index.js" } } }, "bun@"],
    [
      "engines, when nothing else gives a version",
      { "package.json": { engines: { node: ">=20 <23" } } },
      "node@>=20 <23",
    ],
  ])("is read from %s", async (_, files, runtime) => {
    expect(await detect({ ...INDEX, ...files })).toEqual({ runtime, entry: "index.js", report: [] })
  })

  test("version files count from the app's folder up to the root, the nearest first", async () => {
    const files = { "polyhost.json": { apps: ["./apps/a"] }, ".nvmrc": "20", "apps/a/index.js": "" }
    expect((await detect(files)).runtime).toBe("node@20")
    expect((await detect({ ...files, "apps/.nvmrc": "22" })).runtime).toBe("node@22")
    expect((await detect({ ...files, "apps/a/.nvmrc": "24" })).runtime).toBe("node@24")
    expect((await detect(files, ["apps/a"])).runtime).toBe("node@20")
  })

  test("a version file further up does not make another runtime of a folder that shows its own", async () => {
    const files = { "polyhost.json": { apps: ["./a"] }, ".nvmrc": "20", "a/deno.json": {}, "a/main.ts": "" }
    expect(await detect(files)).toEqual({ runtime: "deno@", entry: "main.ts", report: [] })
  })

  test.each<[string, Record<string, unknown>, string, string]>([
    [
      "two version files",
      { ".nvmrc": "20", ".node-version": "22" },
      "node@20",
      '.nvmrc:1:1: warning: .nvmrc says "20", but .node-version says "22"; node@20 is used',
    ],
    [
      "two runtimes",
      { ".nvmrc": "20", ".bun-version": "1.3" },
      "node@20",
      '.nvmrc:1:1: warning: .nvmrc says "20" (node), but .bun-version says "1.3" (bun); node@20 is used',
    ],
    [
      "devEngines and .nvmrc",
      { "package.json": devEngines({ name: "node", version: "^22" }), ".nvmrc": "18" },
      "node@^22",
      'package.json:1:26: warning: package.json "devEngines.runtime" (node) says "^22", but .nvmrc says "18"; node@^22 is used',
    ],
    [
      "a version file and a lock file",
      { ".nvmrc": "20", "bun.lock": "" },
      "node@20",
      '.nvmrc says "20" (node), but bun.lock, which is present, means bun; node is used',
    ],
    [
      "the files of two runtimes",
      { "deno.json": {}, "bun.lock": "" },
      "deno@",
      "deno.json is present (deno), but bun.lock, which is present, means bun; deno is used",
    ],
    [
      "a lock file and the start command",
      { "bun.lock": "", "package.json": { scripts: { start: "node index.js" } } },
      "bun@",
      'bun.lock is present (bun), but "scripts.start" runs node; bun is used',
    ],
    [
      "engines",
      { ".nvmrc": "18", "package.json": { engines: { node: ">=20" } } },
      "node@18",
      'package.json:1:20: warning: package.json "engines.node" is ">=20", but the runtime is node@18; 18 is used',
    ],
    [
      "a version that is none",
      { ".nvmrc": "iojs" },
      "node@",
      '.nvmrc:1:1: warning: .nvmrc says "iojs", which is no version or range; any version of node is used',
    ],
  ])("that disagree give one warning naming both: %s", async (_, files, runtime, message) => {
    const found = await detect({ ...INDEX, ...files })
    expect(found.runtime).toBe(runtime)
    expect(found.report).toEqual([expect.stringContaining(message)])
  })

  test("a file that lists many tools does not disagree with itself", async () => {
    const tools = { ...INDEX, ".tool-versions": "bun 1.3\nnodejs 22\n" }
    expect(await detect(tools)).toMatchObject({ runtime: "bun@1.3", report: [] })
    expect(await detect({ ...tools, "package.json": { scripts: { start: "node index.js" } } })).toMatchObject(
      {
        runtime: "node@22",
        report: [],
      },
    )
  })
})

describe("the runtime of a manifest", () => {
  test("without a version takes that of the nearest file for it", async () => {
    const files = { ...INDEX, ".nvmrc": "20", ".bun-version": "1.3" }
    expect(await detect({ ...files, "polyhost.app.json": { runtime: "bun" } })).toMatchObject({
      runtime: "bun@1.3",
      report: [],
    })
    expect(await detect({ ...files, "polyhost.app.json": { runtime: "deno" } })).toMatchObject({
      runtime: "deno@",
      report: [],
    })
  })

  test("counts more than a file beside it, with a warning naming both", async () => {
    const found = await detect({ ...INDEX, ".nvmrc": "20", "polyhost.app.json": { runtime: "node@22" } })
    expect(found.runtime).toBe("node@22")
    expect(found.report).toEqual([
      'polyhost.app.json:1:12: warning: "runtime" asks for node@22, but .nvmrc says "20"; the manifest counts',
    ])
  })
})

describe("the entry of an app", () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      "scripts.start",
      { "package.json": { scripts: { start: "node src/run.mjs" } }, "src/run.mjs": "" },
      "src/run.mjs",
    ],
    [
      "scripts.start without an extension",
      { "package.json": { scripts: { start: "node run" } }, "run.js": "" },
      "run.js",
    ],
    [
      "start:prod where start is a tool",
      {
        "package.json": { scripts: { start: "nest start", "start:prod": "node dist/main" } },
        "dist/main.js": "",
      },
      "dist/main.js",
    ],
    ["main", { "package.json": { main: "./lib/x" }, "lib/x.cjs": "" }, "lib/x.cjs"],
    ["main that is a folder", { "package.json": { main: "lib" }, "lib/index.js": "" }, "lib/index.js"],
    ["module", { "package.json": { module: "m.mjs" }, "m.mjs": "" }, "m.mjs"],
    ["exports", { "package.json": { exports: "./e.js" }, "e.js": "" }, "e.js"],
    [
      "exports with conditions",
      { "package.json": { exports: { ".": { types: "./t.d.ts", import: "./e.js" } } }, "e.js": "" },
      "e.js",
    ],
    [
      "deno's start task",
      { "deno.json": { tasks: { start: "deno run -A --allow-net s.ts" } }, "s.ts": "" },
      "s.ts",
    ],
    ["deno's exports", { "deno.json": { exports: "./m.ts" }, "m.ts": "" }, "m.ts"],
    ["the name app.ts", { "app.ts": "" }, "app.ts"],
    ["the name src/server.ts", { "package.json": {}, "src/server.ts": "" }, "src/server.ts"],
    ["index before main", { "main.js": "", "index.mjs": "" }, "index.mjs"],
  ])("is found by %s", async (_, files, entry) => {
    expect(await detect(files)).toMatchObject({ entry, report: [] })
  })

  test("may be named without its extension in a manifest", async () => {
    const found = await detect({ "polyhost.app.json": { runtime: "node", entry: "./src/x" }, "src/x.ts": "" })
    expect(found).toMatchObject({ entry: "src/x.ts", report: [] })
  })

  test("is found by name when package.json names a file that is absent, with a warning", async () => {
    const found = await detect({ "package.json": { main: "index.js" }, "server.js": "" })
    expect(found.entry).toBe("server.js")
    expect(found.report).toEqual([
      'package.json:1:9: warning: package.json "main" ("index.js"): there is no such file; the entry is "server.js"',
    ])
  })

  test("that two places name differently gives a warning naming both", async () => {
    const found = await detect({
      "package.json": { main: "a.js", scripts: { start: "node b.js" } },
      "a.js": "",
      "b.js": "",
    })
    expect(found.entry).toBe("b.js")
    expect(found.report).toEqual([
      expect.stringMatching(/"scripts.start".* and .*"main".* disagree; the entry is "b.js"/),
    ])
  })

  test("words of a start command that are not taken over are named", async () => {
    const found = await detect({
      "package.json": { scripts: { start: "NODE_ENV=production node -r dotenv/config b.js x" } },
      "b.js": "",
    })
    expect(found.entry).toBe("b.js")
    expect(found.report).toEqual([
      expect.stringContaining('"NODE_ENV=production -r dotenv/config" is not taken over'),
    ])
  })

  test("is the program of a package that the start script names, with its arguments", async () => {
    const bin = "node_modules/.bin/next"
    const packageJson = { scripts: { start: "next start -p 3000" }, main: "index.js" }
    const files = { "package.json": packageJson, ...INDEX }
    expect(await commandOf({ ...files, [bin]: "#!/usr/bin/env node\n" })).toEqual([
      bin,
      "start",
      "-p",
      "3000",
    ])
    expect(await commandOf({ ...files, [bin]: "#!/bin/sh\n" })).toEqual(["index.js"])
    const own = { "polyhost.app.json": { runtime: "node@22", entry: bin, args: ["start"] } }
    expect(await commandOf({ ...own, [bin]: "#!/usr/bin/env node\n" })).toEqual([bin, "start"])
  })

  test("that is nowhere is an error that lists where was looked", async () => {
    const found = await detect({ "package.json": { main: "dist/x.js", scripts: { start: "next start" } } })
    expect(found.report).toEqual([
      expect.stringMatching(
        /^package.json:1:9: no entry file in ROOT: package.json "main" \("dist\/x.js"\): no such file; package.json "scripts.start" \("next start"\) is not of the form "node FILE", nor a program in node_modules\/.bin; looked for index, main,/,
      ),
    ])
  })

  test("stands beside a package.json that is not JSON: an error at its place", async () => {
    const found = await detect({ ...INDEX, "package.json": "{\n nope" })
    expect(found.report[0]).toContain("package.json:2:2: not valid JSON")
    expect(found.runtime).toBe("none")
  })
})

describe("init", () => {
  test("writes a manifest with reasons that loads to what was detected", async () => {
    const dir = tree({
      "package.json": { scripts: { start: "node src/run.js" } },
      "src/run.js": "",
      ".nvmrc": "22",
    })
    const plan = await planInit(dir)
    expect(existsSync(plan.path)).toBe(false)
    await writeInit(plan)
    expect(readFileSync(join(dir, "polyhost.app.json"), "utf8").replace(/"name": ".*"/, '"name": "x"')).toBe(
      [
        "{",
        '  "$schema": "./node_modules/polyhost/dist/schema/app.json",',
        "  // the folder's name",
        '  "name": "x",',
        '  // .nvmrc says "22"',
        '  "runtime": "node@22",',
        '  // package.json "scripts.start" ("node src/run.js")',
        '  "entry": "src/run.js"',
        "}",
        "",
      ].join("\n"),
    )
    expect(plan.reasons[1]).toBe('runtime: "node@22" (.nvmrc says "22")')
    const config = await loadConfig({ paths: [dir], cwd: dir })
    expect(config.problems).toEqual([])
    expect(config.apps[0]).toMatchObject({
      runtime: { name: "node", version: "22" },
      entry: join(dir, "src/run.js"),
    })
  })

  test("refuses to overwrite, before and at the time of writing", async () => {
    const dir = tree(INDEX)
    const plan = await planInit(dir)
    await writeInit(plan)
    await expect(writeInit(plan)).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    await expect(planInit(dir)).rejects.toMatchObject({ code: "CONFIG_INVALID" })
    await expect(planInit(join(dir, "nope"))).rejects.toMatchObject({ code: "CONFIG_NOT_FOUND" })
  })

  test("in an empty folder says that the entry has to be named", async () => {
    const plan = await planInit(tree({}))
    expect(plan.reasons[2]).toBe('entry: "index.js" (no entry file was found: name yours)')
  })
})
