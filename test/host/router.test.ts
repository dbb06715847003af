import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { createRouter, type RouteEntry } from "../../host/router.ts"
import type { Route } from "../../runtimes/app-spec.ts"

const route = (host: string, path: string, prefix = true): Route => ({ host, path, prefix })

describe("router", () => {
  const router = createRouter<string>([
    { route: route("*", "/"), target: "any" },
    { route: route("*", "/shop"), target: "shop" },
    { route: route("*", "/shop/admin"), target: "admin" },
    { route: route("*", "/exact", false), target: "exact" },
    { route: route("a.example", "/"), target: "a" },
    { route: route("*.example", "/"), target: "wild" },
    { route: route("*.b.example", "/"), target: "wild-b" },
    { route: route("only.example", "/api"), target: "api" },
  ])

  test.each([
    ["x", "/", "any"],
    ["x", "/shop", "shop"],
    ["x", "/shop/", "shop"],
    ["x", "/shop/1/2/3", "shop"],
    ["x", "/shopping", "any"],
    ["x", "/shop/admin/x", "admin"],
    ["x", "/shop/administrator", "shop"],
    ["x", "/exact", "exact"],
    ["x", "/exact/more", "any"],
    ["a.example", "/shop", "a"],
    ["c.example", "/shop", "wild"],
    ["x.y.example", "/", "wild"],
    ["x.b.example", "/", "wild-b"],
    ["b.example", "/", "wild"],
    ["example", "/", "any"],
    [".example", "/", "any"],
    ["only.example", "/api/x", "api"],
    ["only.example", "/other", "wild"],
    ["", "/", "any"],
    ["x", "*", "any"],
  ])("%s %s goes to %s", (host, path, target) => {
    expect(router.find(host, path)?.target).toBe(target)
  })

  test("finds nothing when nothing matches", () => {
    expect(createRouter([{ route: route("a", "/"), target: 1 }]).find("b", "/")).toBeUndefined()
    expect(createRouter([{ route: route("*", "/x"), target: 1 }]).find("b", "/")).toBeUndefined()
  })

  test("names the prefix that is stripped", () => {
    expect(router.find("x", "/shop/1")?.prefix).toBe("/shop")
    expect(router.find("x", "/")?.prefix).toBe("")
    expect(router.find("x", "/exact")?.prefix).toBe("")
  })

  test("agrees with the plain definition of precedence", () => {
    const segment = fc.constantFrom("a", "b", "ab", "")
    const path = fc.array(segment, { maxLength: 4 }).map((all) => `/${all.join("/")}`)
    const host = fc.constantFrom("*", "a.x", "b.x", "*.x", "*.a.x", "x")
    const routes = fc.uniqueArray(fc.record({ host, path: path.map(withoutEnd), prefix: fc.boolean() }), {
      selector: (it) => `${it.host} ${it.path} ${it.prefix}`,
      maxLength: 12,
    })
    fc.assert(
      fc.property(routes, fc.constantFrom("a.x", "b.x", "c.a.x", "x", "q"), path, (all, name, asked) => {
        const entries = all.map((it) => ({ route: it, target: it }))
        expect(createRouter(entries).find(name, asked)?.target).toEqual(slowFind(entries, name, asked))
      }),
      { numRuns: 500 },
    )
  })
})

function withoutEnd(path: string): string {
  return path.replace(/\/+$/, "") || "/"
}

function slowFind(entries: readonly RouteEntry<Route>[], host: string, path: string): Route | undefined {
  const hostRank = (it: string): number =>
    it === host
      ? 1000
      : it === "*"
        ? 1
        : it.startsWith("*.") && host.endsWith(it.slice(1)) && host !== it.slice(1)
          ? it.length + 1
          : 0
  const prefixes = (it: Route): boolean =>
    it.path === "/" || path === it.path || path.startsWith(`${it.path}/`)
  const found = entries
    .map(({ route: it }) => it)
    .filter((it) => hostRank(it.host) > 0 && (it.prefix ? prefixes(it) : it.path === path))
  return found.sort(
    (a, b) =>
      hostRank(b.host) - hostRank(a.host) ||
      b.path.length - a.path.length ||
      Number(a.prefix) - Number(b.prefix),
  )[0]
}
