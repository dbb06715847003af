import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { parseListen, parseRoute, uniqueListen } from "../../host/config/index.ts"
import { formatRoute } from "../../host/config/routes.ts"
import { parseRuntimeText } from "../../host/config/runtime-text.ts"
import { suggest } from "../../host/config/suggest.ts"
import { parseDuration, parseSize } from "../../host/config/units.ts"
import { canAgree, parseVersion } from "../../host/config/versions.ts"

test.each([
  ["500ms", 500],
  ["15s", 15_000],
  ["1.5s", 1500],
  ["5m", 300_000],
  ["1h", 3_600_000],
  ["1d", 86_400_000],
  ["off", Number.POSITIVE_INFINITY],
  ["0s", null],
  ["0.1ms", null],
  ["25d", null],
  ["15", null],
  ["15 s", null],
  ["-1s", null],
  ["1e3s", null],
  ["", null],
  ["Off", null],
])("the duration %j is %j", (text, ms) => expect(parseDuration(text)).toBe(ms))

test.each([
  ["1B", 1],
  ["64KB", 65_536],
  ["512MB", 536_870_912],
  ["512MiB", 536_870_912],
  ["1GB", 1_073_741_824],
  ["1.5GiB", 1_610_612_736],
  ["off", Number.POSITIVE_INFINITY],
  ["512", null],
  ["512mb", null],
  ["1TB", null],
  ["999999999999999GB", null],
])("the size %j is %j", (text, bytes) => expect(parseSize(text)).toBe(bytes))

describe("routes", () => {
  test.each([
    ["shop.example.com", "shop.example.com", "/", true],
    ["Shop.Example.COM.", "shop.example.com", "/", true],
    ["*.example.com", "*.example.com", "/", true],
    ["localhost/*", "localhost", "/", true],
    ["example.com/", "example.com", "/", false],
    ["example.com/shop/*", "example.com", "/shop", true],
    ["/shop/*", "*", "/shop", true],
    ["/shop", "*", "/shop", false],
    ["/shop/", "*", "/shop/", false],
    ["/*", "*", "/", true],
    ["/", "*", "/", false],
    ["*", "*", "/", true],
    ["*/x", "*", "/x", false],
    ["[::1]/x", "[::1]", "/x", false],
    ["127.0.0.1", "127.0.0.1", "/", true],
    ["bücher.example", "xn--bcher-kva.example", "/", true],
    ["/bücher", "*", "/b%C3%BCcher", false],
    ["/a%20b", "*", "/a%20b", false],
  ])("%j is host %j, path %j, prefix %j", (text, host, path, prefix) => {
    expect(parseRoute(text)).toEqual({ host, path, prefix })
  })

  test.each([
    "",
    "http://example.com/x",
    "example.com:8080",
    "exa mple.com",
    "a..b",
    "-a.example",
    "a.*.example",
    "*.*.example",
    "*example.com",
    "/shop*",
    "/a/*/b",
    "/a?b",
    "/a#b",
    "/a b",
    "/a\\b",
    "/a\nb",
    "//",
    "/a//b",
    "/a/../b",
    "/a/.",
    "/a%2",
    "/\ud800",
    "[::g]/x",
  ])("%j is refused with a reason", (text) =>
    expect(parseRoute(text)).toEqual({ problem: expect.any(String) }))

  test("any text is a route or has a reason, and a route formats to itself", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), routeLike()), (text) => {
        const route = parseRoute(text)
        if (!("problem" in route)) expect(parseRoute(formatRoute(route))).toEqual(route)
      }),
    )
  })
})

describe("listen addresses", () => {
  test("that name the same place are one", () => {
    const texts = ["8438", "127.0.0.1:8438", ":8438", "*:8438", "unix:/a", "/a", "8439"]
    expect(uniqueListen(texts)).toEqual(["8438", ":8438", "unix:/a", "8439"])
  })

  test.each([
    ["127.0.0.1:8080", { host: "127.0.0.1", port: 8080 }],
    ["localhost:0", { host: "localhost", port: 0 }],
    ["[::1]:8080", { host: "::1", port: 8080 }],
    [":8080", { host: "", port: 8080 }],
    ["*:8080", { host: "", port: 8080 }],
    ["8080", { host: "127.0.0.1", port: 8080 }],
    ["unix:/run/x.sock", { path: "/run/x.sock" }],
    ["./x.sock", { path: "./x.sock" }],
    ["/abs.sock", { path: "/abs.sock" }],
    ["http://a:80", { host: "a", port: 80 }],
    ["http://0.0.0.0", { host: "0.0.0.0", port: 80 }],
    ["https://:8443", { host: "", port: 8443, tls: true }],
    ["HTTPS://[::1]/", { host: "::1", port: 443, tls: true }],
    ["https://[::1]:8443", { host: "::1", port: 8443, tls: true }],
  ])("%j is %j", (text, address) => expect(parseListen(text)).toEqual(address))

  test.each([
    "",
    "localhost",
    "::1:80",
    "[::1]",
    "[x]:80",
    "1.2.3.4:65536",
    "ftp://a:80",
    "https://unix:/x",
    "https:///x",
    "https://a:b",
    "a:b",
    "unix:",
    "a b:80",
    ":-1",
  ])("%j is refused with a reason", (text) =>
    expect(parseListen(text)).toEqual({ problem: expect.any(String) }))
})

describe("runtimes and versions", () => {
  test.each([
    ["node", "node", ""],
    ["node@22", "node", "22"],
    ["node@v22.1", "node", "22.1"],
    ["node@^22.12", "node", "^22.12"],
    ["node@>=20 <23", "node", ">=20 <23"],
    ["node@lts", "node", "lts"],
    ["node@lts/*", "node", "lts"],
    ["node@lts/jod", "node", "22"],
    ["node@latest", "node", "latest"],
    ["bun@1.3", "bun", "1.3"],
    ["deno@2", "deno", "2"],
    ["python@3.8", "python", "3.8"],
    ["command", "command", ""],
  ])("%j is %s@%s", (text, name, version) => expect(parseRuntimeText(text)).toEqual({ name, version }))

  test.each([
    ["nodee@22", 'Did you mean "node@22"?'],
    ["Node", 'Did you mean "node"?'],
    ["node@", 'after "@" comes'],
    ["node@twenty", '"twenty" is no version'],
    ["node@lts/nosuch", "no version"],
    ["command@1", "has no versions"],
    ["", "no runtime has this name"],
  ])("%j is refused: %s", (text, reason) => {
    expect(parseRuntimeText(text)).toEqual({ problem: expect.stringContaining(reason) })
  })

  test.each([
    ["node", "latest"],
    ["stable", "latest"],
    ["bun-v1.3.0", "1.3.0"],
    ["system", ""],
    ["iojs", null],
    ["canary", null],
  ])("a version file's %j means %j", (text, version) => expect(parseVersion(text)).toBe(version))

  test("ranges agree when one version satisfies both; aliases agree with everything", () => {
    expect(canAgree("20", ">=18")).toBe(true)
    expect(canAgree("20", "22")).toBe(false)
    expect(canAgree("lts", "18")).toBe(true)
  })
})

test.each([
  ["timeout", "timeouts"],
  ["Entry", "entry"],
  ["route", "routes"],
  ["strip_prefix", "stripPrefix"],
  ["conucrrency", "concurrency"],
  ["zzz", null],
])("the key nearest to %j is %j", (word, nearest) => {
  expect(suggest(word, ["timeouts", "entry", "routes", "stripPrefix", "concurrency"])).toBe(nearest)
})

function routeLike(): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom("/", "*", ".", "a", "b-c", "%20", "é", ":", "..", "[", "]", "?"))
    .map((parts) => parts.join(""))
}
