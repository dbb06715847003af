import { describe, expect, test } from "vitest"
import { isLtsMajor, parseVersionRequest } from "../../runtimes/toolchain/version-request.ts"

const NOW = Date.parse("2026-11-20")
const PUBLISHED = [
  "18.20.8",
  "20.20.2",
  "22.12.0",
  "22.23.3",
  "24.21.0",
  "25.9.0",
  "26.10.0",
  "27.0.0-alpha.1",
]

function pick(text: string, versions = PUBLISHED, nowMs = NOW): string | null {
  return parseVersionRequest("node", text, nowMs)!.pickPublished(versions)
}

describe("a version request", () => {
  test.each([
    ["18", "18.20.8"],
    ["v22", "22.23.3"],
    ["22.x", "22.23.3"],
    ["^22.12", "22.23.3"],
    ["~22.12", "22.12.0"],
    [">=20 <24", "22.23.3"],
    ["22.12.0", "22.12.0"],
    ["v22.12.0", "22.12.0"],
    ["", "26.10.0"],
    ["*", "26.10.0"],
    ["latest", "26.10.0"],
    ["lts", "26.10.0"],
    ["lts/*", "26.10.0"],
    ["lts/jod", "22.23.3"],
    ["^22.30", null],
    ["27", null],
    ["27.0.0-alpha.1", "27.0.0-alpha.1"],
  ])("%j takes %s of what is published", (text, expected) => {
    expect(pick(text)).toBe(expected)
  })

  test("lts follows the release schedule: 26 becomes it in late October 2026", () => {
    expect(pick("lts", PUBLISHED, Date.parse("2026-10-20"))).toBe("24.21.0")
    expect(isLtsMajor(25, NOW)).toBe(false)
    expect(isLtsMajor(27, NOW)).toBe(false)
    expect(isLtsMajor(27, Date.parse("2027-11-01"))).toBe(true)
  })

  test("lts takes only the newest line of what is installed, an older one when there is no registry", () => {
    const lts = parseVersionRequest("node", "lts", NOW)!
    expect(lts.pickInstalled(["24.21.0", "22.23.3"])).toBe(null)
    expect(lts.pickOffline(["24.21.0", "22.23.3", "25.9.0"])).toBe("24.21.0")
    expect(lts.accepts("24.21.0")).toBe(true)
    expect(lts.accepts("25.9.0")).toBe(false)
  })

  test.each(["banana", "22..1", "lts/unknown"])("%j is not one", (text) => {
    expect(parseVersionRequest("node", text, NOW)).toBe(null)
  })

  test.each<[string, string, string | null]>([
    ["node", "12", "node@12 is older than Polyhost runs (node 14.17 and later)"],
    ["node", "lts/erbium", "node@12.x is older than Polyhost runs (node 14.17 and later)"],
    ["node", "<14.17", "node@<14.17 is older than Polyhost runs (node 14.17 and later)"],
    ["bun", "1.1.45", "bun@1.1.45 is older than Polyhost runs (bun 1.2 and later)"],
    ["deno", "1", "deno@1 is older than Polyhost runs (deno 2.3 and later)"],
    ...[
      ["node", "14"],
      ["node", ">=0.10"],
      ["node", "27.0.0-alpha.1"],
      ["node", "lts"],
      ["bun", ""],
    ].map(([name, text]): [string, string, null] => [name!, text!, null]),
  ])("%s@%s is refused with %j", (name, text, refusal) => {
    expect(parseVersionRequest(name, text, NOW)?.refusal).toBe(refusal)
  })

  test("a version that cannot be run is never picked", () => {
    const request = parseVersionRequest("node", "<15", NOW)!
    expect(request.pickInstalled(["12.22.12", "14.16.0"])).toBe(null)
    expect(request.pickPublished(["12.22.12", "14.16.0", "14.21.3"])).toBe("14.21.3")
    expect(request.accepts("12.22.12")).toBe(false)
  })

  test("lts exists for node alone", () => {
    expect(parseVersionRequest("bun", "lts", NOW)).toBe(null)
  })
})
