import fc from "fast-check"
import { expect, test } from "vitest"
import { networkOf } from "../../runtimes/isolate/egress/address.ts"

const TABLE = {
  public: [
    ["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"],
    ["128.0.0.1", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255"],
    ["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15"],
    ["2606:4700:4700::1111", "2a00:1450:4001:81b::200e", "2001:4860:4860::8888", "2001:200::1"],
    ["::ffff:1.1.1.1", "::ffff:808:808", "64:ff9b::1.1.1.1", "2002:808:808::1", "2003::1"],
    ["2001:0:808:808:0:ffff:f7f7:f7f7"],
  ],
  private: [
    ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"],
    ["fc00::1", "fdff:ffff::1", "::ffff:10.0.0.1", "::ffff:c0a8:101", "64:ff9b::a00:1", "2002:a00:1::"],
    ["2002:c0a8:101::1", "2001:0:808:808:0:ffff:f5ff:fffe", "2001:0:a00:1:0:ffff:f7f7:f7f7"],
  ],
  loopback: [
    ["127.0.0.1", "127.0.0.0", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"],
    ["::ffff:7f00:1", "64:ff9b::127.0.0.1", "2002:7f00:1::", "2001:0:808:808:0:ffff:80ff:fffe"],
  ],
  special: [
    ["0.0.0.0", "0.1.2.3", "100.64.0.0", "100.100.100.200", "100.127.255.255", "168.63.129.16"],
    ["169.254.0.0", "169.254.169.254", "169.254.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1"],
    ["192.88.99.1", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1"],
    ["239.255.255.255", "240.0.0.1", "255.255.255.255"],
    ["::", "::7f00:1", "::a9fe:a9fe", "fe80::1", "febf::1", "fec0::1", "ff02::1", "100::1", "2001:db8::1"],
    ["2001:2::1", "2001:10::1", "2001:20::1", "3fff::1", "5f00::1", "4000::1", "fd00:ec2::254"],
    ["fd20:ce::254", "64:ff9b:1::1.1.1.1", "64:ff9b::a9fe:a9fe", "::ffff:169.254.169.254", "::ffff:0:7f00:0"],
    ["2002:a9fe:a9fe::", "fe80::1%eth0", "1.1.1.1.1", "", "localhost", "[::1]", "2606:4700::1%1"],
  ],
} as const

for (const [network, addresses] of Object.entries(TABLE))
  test(`${network}: what IANA's registries say and what cloud hosts have there`, () => {
    const found = addresses.flat().map((address) => `${address} ${networkOf(address)}`)
    // `::ffff:0:a.b.c.d` translates a.b.c.d, which of 127.0.0.0/8 is loopback.
    const wanted = addresses.flat().map((it) => `${it} ${it === "::ffff:0:7f00:0" ? "loopback" : network}`)
    expect(found).toEqual(wanted)
  })

test("an IPv4 address is of one network, however IPv6 writes or carries it", () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number)
      const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
      const forms = [
        `::ffff:${address}`,
        `::ffff:${hex}`,
        `0:0:0:0:0:FFFF:${hex}`,
        `64:ff9b::${hex}`,
        `2002:${hex}::5`,
      ]
      expect(forms.map(networkOf)).toEqual(forms.map(() => networkOf(address)))
    }),
  )
})
