/** What a handshake comes to, seen by node:tls, curl and openssl: versions, names, protocols, tickets; and what is no handshake. */
import { constants } from "node:crypto"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { START_MS, TestHost } from "../support/harness.ts"
import { exchangeRaw } from "../support/http-client.ts"
import { Authority } from "./certificates.ts"
import { curl, get, handshake, run, shown } from "./clients.ts"

const APP = { dir: `${import.meta.dirname}/app`, routes: ["/*"], stripPrefix: false }
const authority = new Authority()
let host: TestHost
let url: string
let plain: string

beforeAll(async () => {
  const pairs = [
    authority.issue({ names: ["first.test", "also.first.test"] }),
    authority.issue({ names: ["both.test"] }),
    authority.issue({ names: ["both.test"], keyType: "rsa" }),
    authority.issue({ names: ["*.wild.test", "exact.other.test"] }),
    authority.issue({ names: ["exact.wild.test"] }),
  ]
  host = await TestHost.start(
    { app: APP },
    { listen: ["https://127.0.0.1:0", "127.0.0.1:0"], config: { tls: { certificates: pairs } } },
  )
  ;[url, plain] = host.urls as [string, string]
}, START_MS)

afterAll(async () => {
  await host.close()
  authority.remove()
})

const port = (): string => new URL(url).port

describe("versions and ciphers", () => {
  test.each(["1.2", "1.3"])("TLS %s is spoken, by curl", async (version) => {
    const { code, output } = await curl(
      "-k",
      "--http1.1",
      `--tlsv${version}`,
      "--tls-max",
      version,
      `${url}/hello`,
    )
    expect([code, output]).toEqual([0, "hello"])
  })

  test.each(["TLSv1", "TLSv1.1"] as const)("%s is refused by an alert", async (version) => {
    const old = { minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" } as const
    await expect(handshake(url, old)).rejects.toThrow(/alert protocol version/i)
    const { code } = await curl("-k", "--tls-max", version.slice(4).padStart(3, "1."), `${url}/hello`)
    expect(code).not.toBe(0)
  })

  test.each([
    "AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "DHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
  ])("TLS 1.2 with %s is refused", async (ciphers) => {
    const weak = { maxVersion: "TLSv1.2", ciphers: `${ciphers}:@SECLEVEL=0` } as const
    await expect(handshake(url, { ...weak, servername: "both.test" })).rejects.toThrow(/handshake failure/)
  })

  test.each([
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ])("TLS 1.2 with %s is spoken", async (ciphers) => {
    const socket = await handshake(url, { maxVersion: "TLSv1.2", ciphers, servername: "both.test" })
    expect(socket.getCipher().name).toBe(ciphers)
    socket.destroy()
  })
})

describe("the name that a client asks for", () => {
  test.each([
    ["first.test", "first.test ec"],
    ["ALSO.First.Test", "first.test ec"],
    ["any.wild.test", "*.wild.test ec"],
    ["exact.wild.test", "exact.wild.test ec"],
    ["exact.other.test", "*.wild.test ec"],
    ["two.labels.wild.test", "first.test ec"],
    ["wild.test", "first.test ec"],
    ["unknown.test", "first.test ec"],
  ])("%s is shown %s", async (servername, expected) => {
    expect(await shown(url, { servername })).toBe(expected)
  })

  test("without a name it is the first", async () => {
    expect(await shown(url)).toBe("first.test ec")
  })

  test("each gets the type of key that it understands, where there are two", async () => {
    const rsa = { servername: "both.test", sigalgs: "rsa_pss_rsae_sha256" }
    const ec = { servername: "both.test", sigalgs: "ecdsa_secp256r1_sha256" }
    expect([await shown(url, rsa), await shown(url, ec)]).toEqual(["both.test rsa", "both.test ec"])
  })

  test("the whole chain is trusted by a client that knows the root", async () => {
    const text = await get(url, "/hello", {
      servername: "any.wild.test",
      ca: authority.ca,
      rejectUnauthorized: true,
    })
    expect(text).toContain("hello")
  })
})

describe("ALPN", () => {
  test.each([
    [["http/1.1"], "http/1.1"],
    [["h2", "http/1.1"], "h2"],
    [["spdy/1", "http/1.1"], "http/1.1"],
    [undefined, false],
  ])("%j gives %s", async (ALPNProtocols, expected) => {
    const socket = await handshake(url, { ...(ALPNProtocols === undefined ? {} : { ALPNProtocols }) })
    expect(socket.alpnProtocol).toBe(expected)
    socket.destroy()
  })

  test.each([
    ["nothing/9"],
    ["acme-tls/1"],
  ])("%s alone ends by the alert that is made for it", async (protocol) => {
    await expect(handshake(url, { ALPNProtocols: [protocol] })).rejects.toThrow(/no application protocol/)
  })
})

describe("sessions", () => {
  test.each(["-tls1_2", "-tls1_3"])("are resumed by ticket: openssl %s", async (version) => {
    const file = `${authority.dir}/session${version}.pem`
    const args = ["s_client", "-connect", `127.0.0.1:${port()}`, "-servername", "any.wild.test", version]
    const request = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    const first = await run("openssl", [...args, "-sess_out", file, "-ign_eof"], { input: request })
    const second = await run("openssl", [...args, "-sess_in", file, "-ign_eof"], { input: request })
    expect(first.output).toMatch(/^New, /m)
    expect(second.output).toMatch(/^Reused, /m)
    expect(second.output).toContain("hello")
  })

  test("client-initiated renegotiation is refused and others go on", async () => {
    const socket = await handshake(url, { maxVersion: "TLSv1.2" })
    const refused = new Promise((resolve) => {
      socket.once("error", resolve)
      socket.once("close", resolve)
    })
    socket.renegotiate({}, () => undefined)
    await refused
    socket.destroy()
    expect(await get(url, "/hello")).toContain("hello")
  })

  test("there is no compression", async () => {
    const args = ["s_client", "-connect", `127.0.0.1:${port()}`, "-tls1_2", "-comp", "-ign_eof"]
    const request = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    expect((await run("openssl", args, { input: request })).output).toContain("Compression: NONE")
    expect(constants.SSL_OP_NO_COMPRESSION).toBeGreaterThan(0)
  })
})

describe("what is no handshake", () => {
  test("HTTP on the port of TLS is told so", async () => {
    const { code, output } = await curl("-i", url.replace("https:", "http:"))
    expect(code).toBe(0)
    expect(output).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(output).toContain("This port speaks HTTPS")
    await host.logged(/BAD_REQUEST request .*a request without TLS on a port that speaks TLS/)
  })

  test("TLS on the port without is refused as what it is: no HTTP", async () => {
    const { code } = await curl("-k", plain.replace("http:", "https:"))
    expect(code).toBe(35)
    expect(await (await fetch(`${plain}/hello`)).text()).toBe("hello")
  })

  test.each([
    ["zeros", "\0".repeat(100)],
    ["a record that is none", `\x16\x03\x01\x40\x00${"x".repeat(20_000)}`],
    ["a record of another type", "\x17\x03\x03\x00\x05hello"],
    ["an SSLv2 hello", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"],
  ])("%s ends that connection alone", async (_name, bytes) => {
    const answer = await exchangeRaw(url.replace("https:", "http:"), bytes)
    expect(answer).not.toContain("HTTP")
    expect(await get(url, "/hello")).toContain("hello")
  })
})
