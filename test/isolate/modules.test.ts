// biome-ignore-all lint/suspicious/noTemplateCurlyInString: sources of apps
import { mkdirSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestHost } from "../support/harness.ts"
import { type Files, temporaryApps } from "./write-app.ts"

const WASM = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 6, 1, 4, 0, 65,
  42, 11,
])

const answer = (expression: string, imports = ""): string =>
  `${imports}\nexport default { async fetch(request) { return Response.json(${expression}) } }`

interface Good {
  readonly files: Files
  readonly entry?: string
  /** The app's folder, when it is not the top one. */
  readonly at?: string
  /** What links lead to. */
  readonly links?: Readonly<Record<string, string>>
  readonly is: unknown
}

/** Apps that must load, with what they answer. */
const GOOD: Record<string, Good> = {
  "imports-relative": {
    files: {
      "src/index.js": answer("[a, b]", 'import { a } from "./a.js"; import b from "../b.mjs"'),
      "src/a.js": "export const a = 1",
      "b.mjs": "export default 2",
    },
    entry: "src/index.js",
    is: [1, 2],
  },
  typescript: {
    files: {
      "index.ts": answer(
        "f<number>(2) as number",
        'import { f } from "./f.ts"; import type { T } from "./t.ts"',
      ),
      "f.ts":
        "export enum E { A = 40 }\nexport function f<T extends number>(x: T): number { return x + E.A }",
    },
    entry: "index.ts",
    is: 42,
  },
  "json-and-texts": {
    files: {
      "index.js": answer(
        "[data.a, with_.a, page, query, doc]",
        'import data from "./a.json"; import with_ from "./a.json" with { type: "json" }; import page from "./p.html"; import query from "./q.sql"; import doc from "./d.data" with { type: "text" }',
      ),
      "a.json": '{"a":1}',
      "p.html": "<p>",
      "q.sql": "select 1",
      "d.data": "text",
    },
    is: [1, 1, "<p>", "select 1", "text"],
  },
  wasm: {
    files: {
      "index.js": answer("new WebAssembly.Instance(m).exports.f()", 'import m from "./m.wasm"'),
      "m.wasm": WASM,
    },
    is: 42,
  },
  "dynamic-import": {
    files: {
      "index.js": answer(
        '(await import("./late.js")).value + (await import(`./by-${name}.js`)).value',
        'const name = ["name"][0]',
      ),
      "late.js": "export const value = await Promise.resolve(1)",
      "by-name.js": "export const value = 2",
    },
    is: 3,
  },
  "import-meta": {
    files: {
      "src/index.js": answer("[import.meta.url, other]", 'import { other } from "./sub/other.js"'),
      "src/sub/other.js": "export const other = new URL('x.txt', import.meta.url).href",
    },
    entry: "src/index.js",
    is: ["app:///src/index.js", "app:///src/sub/x.txt"],
  },
  "top-level-await": {
    files: {
      "index.js": answer(
        "[a, t]",
        'const a = await Promise.resolve(5); const t = await new Promise((done) => setTimeout(done, 20, "timer"))',
      ),
    },
    is: [5, "timer"],
  },
  "wasm-compiled-later": {
    files: {
      "index.js": answer(
        "(await WebAssembly.instantiate(bytes)).instance.exports.f()",
        `const bytes = new Uint8Array(${JSON.stringify([...WASM])})`,
      ),
    },
    is: 42,
  },
  "wasm-from-a-response": {
    files: {
      "index.js": answer(
        '(await WebAssembly.instantiateStreaming(new Response(bytes, { headers: { "content-type": "application/wasm" } }))).instance.exports.f()',
        `const bytes = new Uint8Array(${JSON.stringify([...WASM])})`,
      ),
    },
    is: 42,
  },
  commonjs: {
    files: {
      "index.js": answer(
        "[lib.name, more.b, lib.data.x]",
        'import lib from "lib"; import * as more from "lib/sub"',
      ),
      "node_modules/lib/package.json": '{"main":"./main.js"}',
      "node_modules/lib/main.js":
        'exports.name = "lib"; exports.data = require("./data.json"); try { require("fs") } catch (e) { exports.fs = e.message }',
      "node_modules/lib/data.json": '{"x":1}',
      "node_modules/lib/sub.js": "module.exports = { b: process.env.NODE_ENV }",
    },
    is: ["lib", "production", 1],
  },
  conditions: {
    files: {
      "index.js": answer("[a, b, c]", 'import a from "lib"; import b from "lib/deep"; import c from "#mine"'),
      "package.json": '{"imports":{"#mine":{"node":"./no.js","worker":"./mine.js"}}}',
      "mine.js": 'export default "mine"',
      "node_modules/lib/package.json":
        '{"exports":{".":{"node":"./node.js","workerd":"./worker.js"},"./deep":{"import":"./deep.mjs","require":"./deep.cjs"}}}',
      "node_modules/lib/worker.js": 'export default "workerd"',
      "node_modules/lib/node.js": 'export default "node"',
      "node_modules/lib/deep.mjs": 'export default "esm"',
    },
    is: ["workerd", "esm", "mine"],
  },
  "what-a-package-has-for-browsers": {
    files: {
      "index.js": answer("[a, b, c, Object.keys(d).length]", 'import { a, b, c, d } from "lib"'),
      "node_modules/lib/package.json":
        '{"browser":{"crypto":false,"node:fs":false,"./off.js":false,"./later.js":false,"./node.js":"./web.js"}}',
      "node_modules/lib/index.js":
        'exports.a = typeof require("crypto").randomBytes; exports.b = typeof require("node:fs").open; exports.c = require("./node.js"); exports.d = { ...require("./off.js"), ...require("./later") }',
      "node_modules/lib/off.js": 'module.exports = { x: require("fs") }',
      "node_modules/lib/later.js": 'module.exports = { x: require("fs") }',
      "node_modules/lib/node.js": 'module.exports = "node"',
      "node_modules/lib/web.js": 'module.exports = "web"',
    },
    is: ["undefined", "undefined", "web", 0],
  },
  "a-builtin-that-a-package-does-not-use": {
    files: {
      "index.js":
        'import { hi, read } from "lib"; const said = (f) => { try { return f() } catch (e) { return e.message } }\n' +
        answer(
          "[hi, ...[0, 1, 2].map((it) => /node:(?:fs|path).*imported by node_modules.lib.index.mjs/.test(said(() => read(it))))]",
        ),
      "node_modules/lib/package.json": '{"exports":"./index.mjs"}',
      "node_modules/lib/index.mjs":
        'import fs, { readFileSync } from "node:fs"; import * as path from "node:path"; export const hi = "hi"; export const read = (n) => [() => readFileSync("x"), () => fs.readFileSync("x"), () => path.join("x")][n]()',
    },
    is: ["hi", true, true, true],
  },
  "packages-of-a-workspace": {
    files: {
      "package.json": '{"workspaces":["packages/*","apps/*"]}',
      "packages/lib/package.json": '{"name":"@mine/lib","type":"module","main":"src/index.ts"}',
      "packages/lib/src/index.ts": 'import dep from "dep"\nexport const lib: string = "lib " + dep',
      "node_modules/dep/index.js": 'module.exports = "dep"',
      "apps/web/index.js": answer("lib", 'import { lib } from "@mine/lib"'),
    },
    at: "apps/web",
    links: { "node_modules/@mine/lib": "../../packages/lib" },
    is: "lib dep",
  },
  "packages-of-a-workspace-of-pnpm": {
    files: {
      "pnpm-workspace.yaml": "packages: [a/*]",
      "a/lib/package.json": '{"name":"lib"}',
      "a/lib/index.js": 'module.exports = "lib"',
      "a/web/package.json": "{}",
      "a/web/index.js": answer("lib", 'import lib from "lib"'),
    },
    at: "a/web",
    links: { "a/web/node_modules/lib": "../../lib" },
    is: "lib",
  },
  "packages-that-a-linked-package-links-to": {
    files: {
      "pnpm-workspace.yaml": "packages: [a/*]",
      "a/deep/package.json": '{"name":"deep"}',
      "a/deep/index.js": 'module.exports = "deep"',
      "a/lib/package.json": '{"name":"lib"}',
      "a/lib/index.js": 'module.exports = "lib " + require("deep")',
      "a/web/index.js": answer("lib", 'import lib from "lib"'),
    },
    at: "a/web",
    links: { "a/web/node_modules/lib": "../../lib", "a/lib/node_modules/deep": "../../deep" },
    is: "lib deep",
  },
  "packages-linked-beside-their-node-modules": {
    files: {
      "package.json": '{"dependencies":{"lib":"file:lib"}}',
      "lib/package.json": '{"name":"lib"}',
      "lib/index.js": 'module.exports = "lib"',
      "web/index.js": answer("lib", 'import lib from "lib"'),
    },
    at: "web",
    links: { "node_modules/lib": "../lib" },
    is: "lib",
  },
  "tsconfig-with-decorators-and-jsx": {
    files: {
      "tsconfig.json":
        '{"compilerOptions":{"experimentalDecorators":true,"jsx":"react","jsxFactory":"h","paths":{"@/*":["./src/*"]}}}',
      "index.tsx": answer(
        "[seen, <p>{it}</p>]",
        'import { it } from "@/it"\nconst seen: unknown[] = [], h = (...all: unknown[]) => all, D = (c: object, key: string) => { seen.push(key) }\nclass A { @D m() {} }',
      ),
      "src/it.ts": "export const it: number = 1",
    },
    is: [["m"], ["p", null, 1]],
  },
  "a-source-map-that-is-missing": {
    files: {
      "index.js": `${answer("a", 'import a from "./a.js"')}\n//# sourceMappingURL=index.js.map`,
      "a.js": "export default 1\n//# sourceMappingURL=/etc/passwd",
    },
    is: 1,
  },
  "alone-with-its-environment": {
    files: { "index.js": answer("process.env.NODE_ENV") },
    is: "production",
  },
  "a-function": { files: { "index.js": "export default () => Response.json(1)" }, is: 1 },
  "commonjs-entry": {
    files: {
      "index.cjs": "module.exports = { fetch: () => Response.json(require('./a.cjs')) }",
      "a.cjs": "module.exports = 7",
    },
    entry: "index.cjs",
    is: 7,
  },
}

/** Apps that must not load, with what is said of them. */
const BAD: Record<string, Omit<Good, "is"> & { says: RegExp }> = {
  "has-a-syntax-error": {
    files: { "index.js": 'import "./src/bad.js"', "src/bad.js": "export const a = 1\nlet b = ;\n" },
    says: /src\/bad\.js:2:9: Unexpected ";"/,
  },
  "has-a-syntax-error-alone": {
    files: { "index.js": "export default {}\nlet b = ;\n" },
    says: /index\.js:2:9/,
  },
  "throws-while-it-loads": {
    files: {
      "index.ts": 'import "./src/throws.ts"\nexport default { fetch() {} }',
      "src/throws.ts":
        "interface A {\n  a: 1\n}\nconst f = (): never => {\n  throw new TypeError('not today')\n}\nf()\n",
    },
    says: /src\/throws\.ts:5:9.*TypeError: not today/,
  },
  "throws-while-it-loads-alone": {
    files: { "index.js": "export default {}\nthrow new Error('alone')\n" },
    says: /index\.js:2:7.*Error: alone/,
  },
  "imports-a-builtin": {
    files: { "index.js": 'import "./src/a.js"', "src/a.js": 'import fs from "node:fs"; export default fs' },
    says: /"node:fs" \(imported by src\/a\.js\) is not there in an isolate.*runtime "thread" or "node"/,
  },
  "imports-a-bare-builtin": {
    files: { "index.js": 'import path from "path"; export default path' },
    says: /"path" \(imported by index\.js\) is not there in an isolate/,
  },
  "touches-a-builtin-by-a-package": {
    files: {
      "index.js": 'import "lib"\nexport default { fetch() {} }',
      "node_modules/lib/package.json": '{"exports":"./index.mjs"}',
      "node_modules/lib/index.mjs": 'import { inherits } from "node:util"; inherits(Object, Map)',
    },
    says: /"node:util" \(imported by node_modules\/lib\/index\.mjs\) is not there in an isolate.*"thread"/,
  },
  "reads-outside-as-bytes": {
    files: { "index.js": 'import bytes from "bytes:/etc/hostname"; export default { fetch: () => bytes }' },
    says: /index\.js:1:\d+: Could not resolve "bytes:\/etc\/hostname"/,
  },
  "reads-a-package-that-it-links-to-itself": {
    files: {
      "lib/package.json": '{"name":"lib"}',
      "lib/index.js": "module.exports = 1",
      "web/index.js": 'import lib from "lib"; export default { fetch: () => lib }',
    },
    at: "web",
    links: { "web/node_modules/lib": "../../lib" },
    says: /lies outside of the app's folder/,
  },
  "reads-beside-a-linked-package": {
    files: {
      "package.json": '{"workspaces":["*"]}',
      "lib/package.json": '{"name":"lib"}',
      "lib/index.js": "module.exports = 1",
      "secret.txt": "secret",
      "web/index.js":
        'import text from "lib/../../secret.txt" with { type: "text" }; import other from "../secret.txt" with { type: "text" }; export default { fetch: () => text + other }',
    },
    at: "web",
    links: { "node_modules/lib": "../lib" },
    says: /secret\.txt lies outside of the app's folder/,
  },
  "reads-a-folder-that-is-no-package-of-the-workspace": {
    files: {
      "package.json": '{"workspaces":["apps/*"]}',
      "secret/package.json": '{"name":"another"}',
      "secret/index.js": "module.exports = 1",
      "apps/web/index.js": 'import lib from "lib"; export default { fetch: () => lib }',
    },
    at: "apps/web",
    links: { "apps/web/node_modules/lib": "../../../secret" },
    says: /lies outside of the app's folder/,
  },
  "imports-what-is-missing": {
    files: { "index.js": 'import "nothing-of-that-name"' },
    says: /index\.js:1:8: Could not resolve "nothing-of-that-name"/,
  },
  "reads-outside": {
    files: {
      "index.js":
        'import text from "../../../../../../../../etc/passwd" with { type: "text" }; export default text',
    },
    says: /lies outside of the app's folder/,
  },
  "reads-outside-by-a-link": {
    files: { "index.js": 'import text from "./link.txt"; export default text' },
    says: /lies outside of the app's folder/,
  },
  "imports-too-much": {
    files: {
      "index.js": 'import text from "./big.txt"; export default text',
      "big.txt": "x".repeat(17 * 1024 * 1024),
    },
    says: /big\.txt has \d+ bytes; a module has at most/,
  },
  "exports-nothing": { files: { "index.js": "export const a = 1" }, says: /exports no fetch handler/ },
  "exports-a-node-handler": {
    files: { "index.js": "export default (request, response) => {}" },
    says: /exports a Node handler/,
  },
  "loops-while-it-loads": {
    files: { "index.js": "for (;;) {}\nexport default {}" },
    // Whichever comes first: on a busy machine it gets less of a processor than its deadline would let it use.
    says: /CPU time to load|not ready within/,
  },
  "never-loads": {
    files: { "index.js": "await new Promise(() => {})\nexport default { fetch() {} }" },
    says: /RUNTIME_START_TIMEOUT|not ready/,
  },
}

describe("modules of isolates", () => {
  let host: TestHost
  const apps = temporaryApps()

  beforeAll(async () => {
    const entries = [...Object.entries(GOOD), ...Object.entries(BAD)].map(
      ([name, { files, at = "", links = {}, ...rest }]) => {
        const top = apps.write(files)
        for (const [link, target] of Object.entries(links)) {
          mkdirSync(dirname(join(top, link)), { recursive: true })
          symlinkSync(target, join(top, link))
        }
        const dir = join(top, at)
        if (name === "reads-outside-by-a-link") symlinkSync("/etc/hostname", join(dir, "link.txt"))
        const own = Object.keys(files).filter((it) => it.startsWith(at === "" ? "index." : `${at}/index.`))
        const entry = rest.entry ?? own[0]?.slice(at === "" ? 0 : at.length + 1)
        return [name, { dir, entry, runtime: "isolate", timeouts: { start: "14s" } }]
      },
    )
    host = await TestHost.start(Object.fromEntries(entries), { eager: true })
  })
  afterAll(async () => {
    await host?.close()
    apps.remove()
  })

  test.each(Object.entries(GOOD))("load: %s", async (name, { is }) => {
    const { status, text } = await host.ask(`/${name}/`)
    if (status === 503) expect(host.app(name).lastError).toBe(null)
    expect({ status, text }).toEqual({ status: 200, text: JSON.stringify(is) })
  })

  test.each(Object.entries(BAD))(
    "do not load, and say why: %s",
    async (name, { says }) => {
      const { lastError } = await host.state(name, (it) => it.lastError !== null, 18_000)
      expect(`${lastError?.code} ${lastError?.message}`).toMatch(says)
      expect(lastError?.message).not.toContain("isolated-vm boundary")
    },
    20_000,
  )
})
