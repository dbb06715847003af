import { describe, expect, test } from "vitest"
import { createOutboundPolicy } from "../../runtimes/isolate/egress/policy.ts"
import { parseOutbound } from "../../runtimes/outbound.ts"

/** `yes`, or why not. */
function ask(outbound: readonly string[], url: string, address: string): string {
  const rules = outbound.map((text) => {
    const rule = parseOutbound(text)
    if ("problem" in rule) throw new Error(rule.problem)
    return rule
  })
  const grant = createOutboundPolicy(rules, "shop").grant(new URL(url))
  if ("refused" in grant) return grant.refused
  return grant.permits(address) ? "yes" : grant.refusal(address)
}

const PUBLIC = "93.184.215.14"

describe("without rules", () => {
  test("nothing is allowed, and the reason says which words would allow it", () => {
    expect(ask([], "https://api.example.com/x?secret", PUBLIC)).toBe(
      'https://api.example.com is refused: the app may reach nothing outside. To allow it, add "https://api.example.com" or "public" to "outbound" in the manifest of app "shop"',
    )
    expect(ask([], "http://127.0.0.1:81/", "127.0.0.1")).toContain(
      'add "http://127.0.0.1:81" or "loopback" to',
    )
    expect(ask([], "http://10.0.0.1/", "10.0.0.1")).toContain('add "http://10.0.0.1" or "private" to')
    expect(ask([], "http://localhost:3000/", "127.0.0.1")).toContain(
      'add "http://localhost:3000" or "loopback" to',
    )
    expect(ask([], "http://169.254.169.254/", "169.254.169.254")).toContain('add "http://169.254.169.254" to')
  })
})

describe("networks", () => {
  const CASES = [
    ["public", PUBLIC, true],
    ["public", "10.0.0.1", false],
    ["public", "127.0.0.1", false],
    ["public", "169.254.169.254", false],
    ["private", "10.0.0.1", true],
    ["private", "fd12::1", true],
    ["private", PUBLIC, false],
    ["private", "127.0.0.1", false],
    ["private", "169.254.169.254", false],
    ["private", "fd00:ec2::254", false],
    ["private", "100.64.0.1", false],
    ["loopback", "127.0.0.1", true],
    ["loopback", "::1", true],
    ["loopback", PUBLIC, false],
    ["loopback", "0.0.0.0", false],
  ] as const
  test.each(CASES)("%s: a name that stands for %s: %s", (rule, address, allowed) => {
    expect(ask([rule], "https://some.example.com/", address) === "yes").toBe(allowed)
  })

  test("an address is judged as a name is", () => {
    expect(ask(["public"], `http://${PUBLIC}/`, PUBLIC)).toBe("yes")
    expect(ask(["public"], "http://10.0.0.1/", "10.0.0.1")).toBe(
      'http://10.0.0.1 is refused: it is a private address. To allow it, add "http://10.0.0.1" or "private" to "outbound" in the manifest of app "shop"',
    )
  })

  test("the reason does not tell the address that a name stands for", () => {
    const reason = ask(["public"], "https://intranet.example.com/", "10.1.2.3")
    expect(reason).toBe(
      'https://intranet.example.com is refused: its name stands for a private address. To allow it, add "private" to "outbound" in the manifest of app "shop"',
    )
  })

  test("ports of other protocols are refused, unless the origin is listed", () => {
    expect(ask(["public"], "http://mail.example.com:25/", PUBLIC)).toContain(
      "port 25 belongs to another protocol",
    )
    expect(ask(["http://mail.example.com:25"], "http://mail.example.com:25/", PUBLIC)).toBe("yes")
  })
})

describe("origins", () => {
  test.each([
    ["https://api.example.com", "https://api.example.com/x", true],
    ["https://api.example.com", "https://API.example.com:443/", true],
    ["https://api.example.com", "http://api.example.com/", false],
    ["https://api.example.com", "https://api.example.com:8443/", false],
    ["https://api.example.com", "https://api.example.com.evil.test/", false],
    ["https://api.example.com", "https://evil-api.example.com/", false],
    ["https://api.example.com", "https://example.com/", false],
    ["https://*.example.com", "https://a.b.example.com/", true],
    ["https://*.example.com", "https://example.com/", false],
    ["https://*.example.com", "https://evilexample.com/", false],
    ["https://bücher.example", "https://xn--bcher-kva.example/", true],
    ["http://[::1]:80", "http://[0:0:0:0:0:0:0:1]/", true],
    ["http://127.0.0.1", "http://2130706433/", true],
    ["http://127.0.0.1", "http://0x7f.1/", true],
    ["http://127.0.0.1", "http://127.0.0.2/", false],
    ["http://localhost:3000", "http://localhost:3000/", true],
    ["http://localhost:3000", "http://127.0.0.1:3000/", false],
  ])("%s, asked for %s: %s", (rule, url, allowed) => {
    const { hostname } = new URL(url)
    const address = /[\d\]]$/.test(hostname) ? hostname.replace(/^\[|\]$/g, "") : PUBLIC
    const at = hostname === "localhost" ? "127.0.0.1" : address
    expect(ask([rule], url, at) === "yes").toBe(allowed)
  })

  test("a listed name opens public addresses only, unless the network is listed too", () => {
    const [rule, url] = ["https://api.example.com", "https://api.example.com/"] as const
    for (const address of ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fe80::1"])
      expect(ask([rule], url, address)).toContain("its name stands for")
    expect(ask([rule, "private"], url, "10.0.0.1")).toBe("yes")
    expect(ask([rule, "private"], url, "127.0.0.1")).toContain('add "loopback" to')
  })

  test("a listed address opens itself, whatever it is", () => {
    expect(ask(["http://169.254.169.254"], "http://169.254.169.254/", "169.254.169.254")).toBe("yes")
    expect(ask(["http://10.0.0.1"], "http://10.0.0.2/", "10.0.0.2")).toContain("may not reach this origin")
  })

  test("localhost opens loopback only", () => {
    expect(ask(["http://localhost"], "http://localhost/", "::1")).toBe("yes")
    expect(ask(["http://localhost"], "http://localhost/", "10.0.0.1")).toContain("a private address")
    expect(ask(["http://localhost"], "http://localhost/", PUBLIC)).toContain("a public address")
  })
})

test.each([
  "http://*.127.0.0.1",
  "https://example.com/path",
  "https://user@example.com",
  "ftp://x",
  "*",
  "http://",
  "",
])("%j is no rule", (text) => {
  expect(parseOutbound(text)).toHaveProperty("problem")
})
