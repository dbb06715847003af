/** The store of certificates by itself: who is shown what, what it refuses; challenges of ACME on a real listener; hostile hellos. */
import { readFileSync } from "node:fs"
import { connect } from "node:tls"
import { afterAll, describe, expect, onTestFinished, test } from "vitest"
import { Certificates } from "../../host/listener/tls/certificates.ts"
import { isRecordWhole, readClientHello } from "../../host/listener/tls/client-hello.ts"
import { Random } from "../http1/random.ts"
import { within } from "../support/deadline.ts"
import { Authority, type Issued, type Wanted } from "./certificates.ts"
import { get, handshake, shown } from "./clients.ts"
import { listenWith } from "./listening.ts"

const authority = new Authority()
afterAll(() => authority.remove())

function pem({ cert, key }: Issued): { cert: string; key: string } {
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") }
}

const issue = (wanted: Wanted) => pem(authority.issue(wanted))
const a = issue({ names: ["a.test", "www.a.test", "10.0.0.1"] })
const wild = issue({ names: ["*.a.test"] })
const rsa = issue({ names: ["a.test"], keyType: "rsa" })
const over = issue({ names: ["b.test"], days: -1 })
const fresh = issue({ names: ["b.test"] })

describe("a store of certificates", () => {
  test("lists names and ends, and replaces what an owner had", () => {
    const store = new Certificates()
    store.set("one", a)
    store.set("two", wild)
    store.set("one", fresh)
    expect(store.list().map(({ owner, names }) => [owner, names])).toEqual([
      ["one", ["b.test"]],
      ["two", ["*.a.test"]],
    ])
    expect(store.list()[0]!.notAfter.getTime()).toBeGreaterThan(Date.now() + 29 * 86_400_000)
    store.remove("one")
    expect(store.shownFor("b.test")).toEqual([])
    expect(store.shownToOthers().map(({ names }) => names[0])).toEqual(["*.a.test"])
  })

  test("shows one of each type of key, and none that is over beside one that is not", () => {
    const store = new Certificates()
    for (const [owner, pair] of Object.entries({ over, a, rsa, fresh })) store.set(owner, pair)
    expect(store.shownFor("a.test").map(({ keyType }) => keyType)).toEqual(["ec", "rsa"])
    expect(store.shownFor("b.test").map(({ cert }) => cert)).toEqual([fresh.cert])
    expect(store.shownToOthers().map(({ cert }) => cert)).toEqual([fresh.cert])
    expect(store.needsHello).toBe(true)
  })

  test.each([
    ["an empty key", { ...a, key: "" }, "the key is not PEM: it is empty"],
    ["the key of another", { ...a, key: wild.key }, "the key does not belong to the certificate"],
    [
      "a key for a certificate",
      { ...a, cert: a.key },
      "the certificate is not PEM: no BEGIN CERTIFICATE line",
    ],
  ])("refuses %s and keeps what it had", (_name, pair, why) => {
    const store = new Certificates()
    store.set("one", a)
    expect(() => store.set("one", pair)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(why) }),
    )
    expect(store.shownFor("a.test").map(({ cert }) => cert)).toEqual([a.cert])
  })
})

describe("a listener", () => {
  const listen = async () => {
    const hello = Buffer.from("hello")
    const lines = new Uint8Array(0)
    const at = await listenWith(
      null,
      {},
      (exchange) => void exchange.respond({ status: 200, reason: "", lines }, hello, true),
      { minVersion: "TLSv1.3" },
    )
    onTestFinished(at.close)
    return at
  }

  test("without any certificate refuses handshakes, and makes them as soon as there is one", async () => {
    const { url, tls } = await listen()
    await expect(handshake(url)).rejects.toThrow(/handshake failure/)
    tls.certificates.set("late", a)
    expect(await get(url, "/")).toContain("hello")
  })

  test("speaks no older version than it is told", async () => {
    const { url, tls } = await listen()
    tls.certificates.set("one", a)
    await expect(handshake(url, { maxVersion: "TLSv1.2" })).rejects.toThrow(/protocol version/)
  })

  test("shows the certificate of a challenge to acme-tls/1 alone, and nothing after that", async () => {
    const { url, tls } = await listen()
    tls.certificates.set("usual", a)
    tls.certificates.challenge("A.test", fresh)
    const asked = { servername: "a.test", ALPNProtocols: ["acme-tls/1"] }
    expect(await shown(url, asked)).toBe("b.test ec")
    expect(await shown(url, { servername: "a.test" })).toBe("a.test ec")
    expect(await shown(url, { servername: "a.test", ALPNProtocols: ["acme-tls/1", "http/1.1"] })).toBe(
      "a.test ec",
    )
    expect(await get(url, "/", asked)).toBe("")
    await expect(handshake(url, { ...asked, servername: "www.a.test" })).rejects.toThrow(
      /no application protocol/,
    )
    tls.certificates.challenge("a.test", null)
    await expect(handshake(url, asked)).rejects.toThrow(/no application protocol/)
  })

  test("forgets tickets when their keys change", async () => {
    const { url, tls } = await listen()
    tls.certificates.set("one", a)
    const { port } = new URL(url)
    const first = connect({ host: "127.0.0.1", port: Number(port), rejectUnauthorized: false })
    const session = await within(5000, "a ticket", new Promise<Buffer>((told) => first.once("session", told)))
    first.destroy()
    const isReused = async (): Promise<boolean> => {
      const socket = await handshake(url, { session })
      const reused = socket.isSessionReused()
      socket.destroy()
      return reused
    }
    const before = await isReused()
    tls.contexts.rotateTicketKeys()
    expect([before, await isReused()]).toEqual([true, false])
  })
})

describe("a hello", () => {
  test("that is cut or changed anywhere is read without harm", () => {
    const whole = Buffer.from(HELLO, "hex")
    expect(isRecordWhole(whole)).toBe(true)
    expect(readClientHello(whole)).toEqual({ name: "a.test", isChallenge: true })
    for (let end = 0; end < whole.length; end++) {
      expect(isRecordWhole(whole.subarray(0, end))).toBe(false)
      readClientHello(whole.subarray(0, end))
    }
    const random = new Random(5)
    for (let i = 0; i < 20_000; i++) {
      const bytes = Buffer.from(whole)
      for (let j = 0; j < 3; j++) bytes[random.below(bytes.length)] = random.below(256)
      readClientHello(bytes)
    }
  })
})

/** For a.test, with acme-tls/1, by node:tls. */
const HELLO =
  "16030100eb010000e70303eead44c02d9352389f83c5f9e5986ac966fa84098eb271df80d5016a598a9f332091174236" +
  "66042d51a09557def6b57e0f9e4976b219b0c5307139cd749326329f000213010100009c0000000b0009000006612e74" +
  "657374000b000403000102000a000400020017002300000010000d000b0a61636d652d746c732f310016000000170000" +
  "000d000400020403002b0003020304002d000201010033004700450017004104e8ffc2d028198f04b0b2ee233aa6323b" +
  "3bacdbcc02ab8a2d5ecf25737cd708f319cae517bbbac2ab4917f5abd47cdc7a6d736d8e0c9f86b3ae26f4eaed1f48c3"
