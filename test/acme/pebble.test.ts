/** Certificates from pebble, the test server of Let's Encrypt. The other tests have an authority of their own, so that nothing depends on this one. */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { systemClock } from "../../host/acme/clock.ts"
import { PEBBLE, type Pebble, startPebble } from "./pebble.ts"
import { type Site, startSite } from "./site.ts"
import { TestClock } from "./test-clock.ts"

if (PEBBLE === undefined)
  console.warn(
    "pebble is not on this machine (apt-get install pebble): its tests are skipped, the others have an authority of their own",
  )

describe.skipIf(PEBBLE === undefined)("with pebble", () => {
  let pebble: Pebble
  beforeAll(async () => {
    pebble = await startPebble()
  })
  afterAll(() => pebble?.close())

  const start = (settings: Parameters<typeof startSite>[0]["settings"], stateDir?: string): Promise<Site> =>
    startSite({
      settings,
      authority: pebble,
      clock: new TestClock(),
      ports: pebble.ports,
      ...(stateDir === undefined ? {} : { stateDir }),
    })

  test.each(["tls-alpn-01", "http-01"] as const)("certificates are got by %s, and kept", async (type) => {
    const hosts = [`a.${type}.example.com`, `b.${type}.example.com`]
    const site = await start({ hosts, challenges: [type], email: "me@example.com" })
    await site.acme.start()
    for (const host of hosts) {
      await site.has(host)
      expect((await site.handshake(host, pebble.root)).subjectAltName).toBe(`DNS:${host}`)
    }
    await site.close()
    const next = await start({ hosts, directory: "https://localhost:1/dir" }, site.stateDir)
    await next.acme.start()
    // That is another authority, so nothing is kept of it.
    expect(next.tls.certificates.list()).toEqual([])
    await next.close()
    const same = await start({ hosts, challenges: [type] }, site.stateDir)
    await same.acme.start()
    expect(same.tls.certificates.list()).toHaveLength(2)
    await same.close()
  })

  test("what was proven once need not be proven again, by an account that is found again", async () => {
    const host = "again.example.com"
    const first = await start({ hosts: [host] })
    await first.acme.start()
    await first.has(host)
    await first.close()
    for (let i = 0; i < 4; i++) {
      const site = await start({ hosts: [host, `${i}.again.example.com`] }, first.stateDir)
      await site.acme.start()
      await site.has(`${i}.again.example.com`)
      await site.close()
    }
  })

  test("a proof that is not found falls back to the next type, and is told when all fail", async () => {
    const site = await startSite({
      settings: { hosts: ["lost.example.com"] },
      authority: pebble,
      clock: new TestClock(),
    })
    await site.acme.start()
    const line = await site.logged("no certificate for lost.example.com")
    expect(line).toMatch(/tls-alpn-01: .*\(unauthorized\); http-01: .*\(connection\)/)
    expect(line).toContain("check the DNS record")
  })

  test("a certificate is got with the clock of the system", async () => {
    const host = "clock.example.com"
    const site = await startSite({
      settings: { hosts: [host] },
      authority: pebble,
      clock: systemClock,
      ports: pebble.ports,
    })
    await site.acme.start()
    await site.has(host)
  })
})

describe.skipIf(PEBBLE === undefined)("with a pebble that wants external accounts", () => {
  const key = Buffer.from("a secret of some thirty-two bytes").toString("base64url")
  let pebble: Pebble
  beforeAll(async () => {
    pebble = await startPebble({ "kid-1": key })
  })
  afterAll(() => pebble?.close())

  test.each([
    ["a bound account gets certificates", { id: "kid-1", key }, "has a certificate"],
    ["a wrong key is told", { id: "kid-1", key: key.replace("Y", "Z") }, "cannot be used: localhost"],
    ["an account without binding is told", null, "externalAccountRequired"],
  ] as const)("%s", async (_what, externalAccount, said) => {
    const site = await startSite({
      settings: { hosts: ["bound.example.com"], externalAccount },
      authority: pebble,
      clock: new TestClock(),
      ports: pebble.ports,
    })
    await site.acme.start()
    await site.logged(said)
  })
})
