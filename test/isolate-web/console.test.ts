import { inspect as nodeInspect } from "node:util"
import { describe, expect, it } from "vitest"
import { inspect } from "../../runtimes/isolate/web/inspect.ts"
import { core } from "./core-fixture.ts"

class Point {
  x = 1
  #y = 2
  get y() {
    return this.#y
  }
}
const circle: Record<string, unknown> = { name: "c" }
circle["self"] = circle

describe("values look as in Node", () => {
  it.each([
    1,
    -0,
    10n,
    true,
    null,
    undefined,
    Symbol("s"),
    "it's",
    'say "it\'s"',
    "line\nbreak",
    { a: 1, b: "x", "c-d": [1, 2, { e: { f: 1 } }] },
    { a: { b: { c: { d: 1 } } } },
    Object.assign(new Array(5), { 0: 1, 2: 3 }),
    new Map<unknown, unknown>([["k", { v: new Set([1]) }]]),
    new Set(),
    new Uint8Array([1, 2]),
    new Date(0),
    /x/g,
    new Point(),
    class A {},
    class B extends Point {},
    function f() {},
    () => 1,
    async () => 1,
    Object.create(null),
    Object.assign(Object.create(null), { a: 1 }),
    {
      get a() {
        return 1
      },
      set b(_: number) {},
    },
    Object(1n),
    Object("s"),
    [[[[1]]]],
    [],
    {},
  ])("%#", (value) => {
    expect(inspect(value)).toBe(nodeInspect(value))
  })

  it("circles, long lists and errors are shown and end", () => {
    expect(inspect(circle)).toContain("self: [Circular *]")
    expect(inspect(Array.from({ length: 105 }, () => 1))).toContain("... 5 more items")
    const error = new Error("outer", { cause: new TypeError("inner") })
    expect(inspect({ error })).toMatch(/Error: outer\n\s+at [\s\S]*\[cause\]: TypeError: inner/)
  })

  it("what throws when it is looked at does not break the app", () => {
    const bad = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no")
        },
      },
    )
    expect(inspect(bad)).toBe("[value that cannot be inspected]")
  })
})

describe("console", () => {
  it.each([
    [["%s is %d and %i and %f", "x", "42", 3.9, "1.5"], "x is 42 and 3 and 1.5"],
    [["%j %o %O", { a: 1 }, [1], { b: 2 }], '{"a":1} [ 1 ] { b: 2 }'],
    [["%c styled %%", "color: red"], " styled %"],
    [["%s", { a: { b: 1 } }, "rest"], "{ a: [Object] } rest"],
    [["no %s"], "no %s"],
    [["a", 1, { b: 2 }], "a 1 { b: 2 }"],
  ])("formats %j", (data, line) => {
    const { web, printed } = core()
    web.console.log(...data)
    expect(printed).toEqual([`stdout: ${line}`])
  })

  it("sends warnings and errors to stderr, counts, times, groups and asserts", () => {
    const { web, printed } = core()
    const { console } = web
    console.warn("w")
    console.count()
    console.count()
    console.countReset()
    console.group("g")
    console.info("a\nb")
    console.groupEnd()
    console.assert(true, "never")
    console.assert(false, "x %s", "y")
    console.time("t")
    console.timeEnd("t")
    console.timeEnd("t")
    console.table([{ a: 1 }, { b: "x" }])
    expect(printed.slice(0, 6)).toEqual([
      "stderr: w",
      "stdout: default: 1",
      "stdout: default: 2",
      "stdout: g",
      "stdout:   a\n  b",
      "stderr: Assertion failed: x y",
    ])
    expect(printed[6]).toMatch(/^stdout: t: \d+ms$/)
    expect(printed[7]).toBe("stderr: Warning: No such label 't' for console.time")
    expect(printed[8]!.split("\n")).toEqual([
      "stdout: ┌─────────┬───┬─────┐",
      "│ (index) │ a │ b   │",
      "├─────────┼───┼─────┤",
      "│ 0       │ 1 │     │",
      "│ 1       │   │ 'x' │",
      "└─────────┴───┴─────┘",
    ])
  })

  it("cuts a line that would fill the log", () => {
    const { web, printed } = core()
    web.console.log("x".repeat(5_000_000))
    expect(printed[0]!.length).toBeLessThan(300_000)
  })
})
