import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ConnectionCount } from "../../host/listener/connection-count.ts"
import { parseIpEndpoint } from "../../host/listener/ip-address.ts"
import { createTrustedProxies, trustProxyProblem } from "../../host/listener/trust-proxy.ts"

describe("trusted proxies", () => {
  test.each([
    [["loopback"], "127.0.0.1", true],
    [["loopback"], "127.9.9.9", true],
    [["loopback"], "::1", true],
    [["loopback"], "::ffff:127.0.0.1", true],
    [["loopback"], "::ffff:7f00:1", true],
    [["loopback"], "0:0:0:0:0:ffff:127.0.0.1", true],
    [["loopback"], "10.0.0.1", false],
    [["loopback"], "unix", false],
    [["unix"], "unix", true],
    [["unix"], "127.0.0.1", false],
    [["private"], "10.255.0.1", true],
    [["private"], "172.31.0.1", true],
    [["private"], "172.32.0.1", false],
    [["private"], "192.168.1.1", true],
    [["private"], "169.254.1.1", true],
    [["private"], "fd12::1", true],
    [["private"], "fe80::1%eth0", true],
    [["private"], "fec0::1", false],
    [["private"], "127.0.0.1", false],
    [["192.0.2.7"], "192.0.2.7", true],
    [["192.0.2.7"], "192.0.2.8", false],
    [["2001:db8::/32"], "2001:db8:ffff::1", true],
    [["2001:db8::/32"], "2001:db9::1", false],
    [["2001:DB8::5"], "2001:db8:0:0:0:0:0:5", true],
    [["10.1.2.3/8"], "10.200.0.1", true],
    [["0.0.0.0/0"], "203.0.113.9", true],
    [["0.0.0.0/0"], "2001:db8::1", false],
    [["::/0"], "203.0.113.9", false],
    [["::ffff:10.0.0.0/104"], "10.9.9.9", true],
    [["::ffff:10.0.0.1"], "10.0.0.2", false],
    [["loopback"], "", false],
    [["0.0.0.0/0"], "localhost", false],
    [[], "127.0.0.1", false],
    [[], "unix", false],
  ])("of %j: is %s trusted? %s", (list, address, expected) => {
    expect(createTrustedProxies(list).trusts(address)).toBe(expected)
  })

  test("an empty list says so", () => {
    expect(createTrustedProxies([]).any).toBe(false)
    expect(createTrustedProxies(["unix"]).any).toBe(true)
  })

  test.each([
    ["localhost", "expected an address or network"],
    ["", "expected an address or network"],
    ["*", "expected an address or network"],
    ["10.0.0", "expected an address or network"],
    ["010.0.0.1", "expected an address or network"],
    ["fe80::1%eth0", "expected an address or network"],
    ["10.0.0.0/33", "bits from 0 to 32"],
    ["10.0.0.0/", "bits from 0 to 32"],
    ["10.0.0.0/8/8", "bits from 0 to 32"],
    ["10.0.0.0/255.0.0.0", "bits from 0 to 32"],
    ["::1/129", "bits from 0 to 128"],
    ["::ffff:10.0.0.0/8", "bits from 96 to 128"],
    ["Loopback", "expected an address or network"],
  ])("the entry %j is refused", (entry, message) => {
    expect(trustProxyProblem(entry)).toContain(message)
    expect(() => createTrustedProxies(["unix", entry])).toThrow(message)
  })

  test.each([
    [[], "203.0.113.1", "203.0.113.1"],
    [["198.51.100.1"], "203.0.113.1", "203.0.113.1"],
    [["198.51.100.1"], "127.0.0.1", "198.51.100.1"],
    [["198.51.100.1"], "::ffff:127.0.0.1", "198.51.100.1"],
    [["1.1.1.1", "198.51.100.1", "10.0.0.5"], "127.0.0.1", "198.51.100.1"],
    [["10.0.0.9", "10.0.0.5"], "127.0.0.1", "10.0.0.9"],
    [["198.51.100.1:4711"], "127.0.0.1", "198.51.100.1"],
    [["[2001:db8::1]:4711"], "127.0.0.1", "2001:db8::1"],
    [["[2001:db8::1]"], "127.0.0.1", "2001:db8::1"],
    [["2001:db8::1"], "127.0.0.1", "2001:db8::1"],
    [["::ffff:198.51.100.1"], "127.0.0.1", "198.51.100.1"],
    [["198.51.100.1", "unknown"], "127.0.0.1", "127.0.0.1"],
    [["198.51.100.1", "unknown", "10.0.0.5"], "127.0.0.1", "10.0.0.5"],
    [["198.51.100.1", "", "10.0.0.5"], "127.0.0.1", "10.0.0.5"],
    [["unix"], "127.0.0.1", "127.0.0.1"],
    [["198.51.100.1"], "unix", "unix"],
    [[" 198.51.100.1 "], "127.0.0.1", "198.51.100.1"],
  ])("the client of the chain %j behind %s is %s", (chain, peer, client) => {
    expect(createTrustedProxies(["loopback", "10.0.0.0/8"]).clientOf(chain, peer)).toBe(client)
  })

  test("a unix peer that is trusted may name the client", () => {
    const trusted = createTrustedProxies(["unix"])
    expect(trusted.clientOf(["198.51.100.1"], "unix")).toBe("198.51.100.1")
    expect(trusted.clientOf([], "unix")).toBe("unix")
  })

  test("a chain of thousands costs no more than a long one", () => {
    const trusted = createTrustedProxies(["0.0.0.0/0"])
    const chain = ["192.0.2.1", ...new Array<string>(30_000).fill("10.0.0.1")]
    expect(trusted.clientOf(chain, "127.0.0.1")).toBe("10.0.0.1")
  })

  test("every address survives brackets and ports", () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.nat(65_535), (address, port) => {
        const plain = parseIpEndpoint(address)
        expect(plain).not.toBeNull()
        expect(parseIpEndpoint(`[${address}]:${port}`)).toEqual(plain)
      }),
    )
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(65_535), (address, port) => {
        expect(parseIpEndpoint(`${address}:${port}`)).toEqual({ family: "ipv4", text: address })
        expect(parseIpEndpoint(`[${address}]`)).toBeNull()
      }),
    )
  })

  test("text of any kind is an address or not, without a throw", () => {
    const trusted = createTrustedProxies(["loopback", "private", "unix"])
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string(), (chain, peer) => {
        expect(typeof trusted.clientOf(chain, peer)).toBe("string")
      }),
    )
  })
})

describe("connection count", () => {
  const off = Number.POSITIVE_INFINITY

  test("the total is a limit, and refused connections are not counted", () => {
    const count = new ConnectionCount({ connections: 2, connectionsPerAddress: off })
    expect([count.add("1.1.1.1"), count.add("unix"), count.add("1.1.1.2")]).toEqual(["ok", "ok", "total"])
    expect([count.total, count.addresses]).toEqual([2, 0])
    count.remove("unix")
    expect(count.add("1.1.1.2")).toBe("ok")
  })

  test("an address is a limit of its own, in every spelling", () => {
    const count = new ConnectionCount({ connections: 100, connectionsPerAddress: 2 })
    expect([count.add("10.0.0.1"), count.add("::ffff:10.0.0.1"), count.add("10.0.0.1")]).toEqual([
      "ok",
      "ok",
      "address",
    ])
    expect(count.add("10.0.0.2")).toBe("ok")
    expect(count.total).toBe(3)
  })

  test("IPv6 clients count by their /64", () => {
    const count = new ConnectionCount({ connections: 100, connectionsPerAddress: 1 })
    expect(count.add("2001:db8:0:1::1")).toBe("ok")
    expect(count.add("2001:db8:0:1:ffff::9")).toBe("address")
    expect(count.add("2001:db8:0:2::1")).toBe("ok")
    expect([count.add("fe80::1%eth0"), count.add("fe80::2%eth0")]).toEqual(["ok", "address"])
  })

  test("clients of a unix socket are not one address", () => {
    const count = new ConnectionCount({ connections: 100, connectionsPerAddress: 1 })
    expect([count.add("unix"), count.add("unix")]).toEqual(["ok", "ok"])
  })

  test("nothing is kept of addresses that left", () => {
    const count = new ConnectionCount({ connections: 1000, connectionsPerAddress: 3 })
    const addresses = Array.from({ length: 500 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
    for (const address of addresses) count.add(address)
    expect(count.addresses).toBe(500)
    for (const address of addresses) count.remove(address)
    expect([count.total, count.addresses]).toEqual([0, 0])
  })
})
