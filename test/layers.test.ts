import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { findBreaches, readSources } from "./layers.ts"

const sources = readSources(fileURLToPath(new URL("..", import.meta.url)))

describe("the layers of DESIGN section 3", () => {
  it("hold in every source file", () => {
    expect(sources.size).toBeGreaterThan(20)
    expect(findBreaches(sources)).toEqual([])
  })

  it.each([
    ["protocol/x.ts", 'import { a } from "../runtimes/runtime.ts"', "imports nothing of ours"],
    ["protocol/x.ts", 'import { a } from "node:fs"', "knows no platform"],
    ["runtimes/node/x.ts", 'import { a } from "../../host/router.ts"', "protocol/ only"],
    ["runtimes/node/x.ts", 'import type { a } from "../guest/app.ts"', "never import each other"],
    ["runtimes/guest/x.ts", 'import {\n  a,\n} from "../process/child.ts"', "never import each other"],
    ["host/x.ts", 'import { a } from "../runtimes/node/runtime.ts"', "by its index and types"],
    ["host/x.ts", 'export * from "../runtimes/guest/app.ts"', "by its index and types"],
    ["host/x.ts", 'const a = await import("../test/layers.ts")', "nothing imports tests"],
    ["host/x.ts", 'import { a } from "./router"', "without a file's ending"],
    ["host/x.ts", 'if (name === "deno") stop()', "never names a runtime kind"],
    ["host/admin/x.ts", "process.exit(1)", "only in host/cli/"],
    ["runtimes/node/x.ts", "const a = process.env.HOME", "environment only"],
    ["runtimes/node/x.ts", 'console.log("x")', "console nowhere"],
    ["host/x.ts", "export class AppManager {}", "no Manager"],
    ["host/x.ts", "export default 1", "no default exports"],
    ["host/x.ts", "export function f(a: any): void {}", "no any"],
    ["host/x.ts", "let count = 0", "mutable state"],
    ["host/x.ts", "const a = 1\n".repeat(301), "301 lines"],
  ])("are seen broken by %s with %j", (file, text, rule) => {
    const found = findBreaches(new Map([...sources, [file, text]]))
    expect(found.filter((breach) => breach.startsWith(file)).join("\n")).toContain(rule)
  })

  it("are seen broken by a circle, across folders too", () => {
    const planted = new Map([
      ["host/a.ts", 'import type { B } from "./b/b.ts"'],
      ["host/b/b.ts", 'export { C } from "../c.ts"'],
      ["host/c.ts", 'import "./a.ts"'],
    ])
    expect(findBreaches(planted)).toEqual(["circle: host/a.ts → host/b/b.ts → host/c.ts → host/a.ts"])
  })

  it("let comments and the allowed places be", () => {
    const planted = new Map([
      ["host/cli/x.ts", 'process.exit(process.env["A"] === "" ? 1 : 2)'],
      ["host/config/x.ts", 'const a = ["node", "bun"]'],
      ["host/x.ts", '// "node" and process.env stand in a comment\nimport { a } from "../runtimes/index.ts"'],
      ["host/y.ts", '/** console.log("any") */\nexport const url = "http://a"'],
    ])
    expect(findBreaches(planted)).toEqual([])
  })
})
