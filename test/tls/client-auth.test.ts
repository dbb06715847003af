/** Clients that show certificates: whom a host with `clientAuth` lets in, and what the app is told of them (RFC 9440). */
import { X509Certificate } from "node:crypto"
import { readFileSync } from "node:fs"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { START_MS, TestHost } from "../support/harness.ts"
import { ask } from "../support/http-client.ts"
import { Authority, copyOver, type Issued } from "./certificates.ts"
import { get, handshake, run } from "./clients.ts"

const APP = { dir: `${import.meta.dirname}/app`, routes: ["/*"], stripPrefix: false }
const authority = new Authority()
const stranger = new Authority("Strange Root")
const site = authority.issue({ names: ["site.test"] })
const good = authority.issue({ names: ["client one"] })
const wrong = stranger.issue({ names: ["client two"] })
const over = authority.issue({ names: ["client three"], days: -1 })
// A copy: it is replaced by a test.
const roots = new Authority("Roots")
const hosts: TestHost[] = []
let [required, optional, plain] = ["", "", ""]

beforeAll(async () => {
  copyOver(authority.root, roots.root)
  const listen = ["https://127.0.0.1:0", "127.0.0.1:0"]
  for (const isRequired of [true, false]) {
    const clientAuth = { ca: roots.root.cert, required: isRequired }
    const tls = { certificates: [site], clientAuth }
    hosts.push(await TestHost.start({ app: APP }, { listen, config: { tls } }))
  }
  ;[required = "", optional = "", plain = ""] = [hosts[0]!.url, hosts[1]!.url, hosts[0]!.urls[1] as string]
}, START_MS)

afterAll(async () => {
  // In the reverse order of their starts: each puts TMPDIR back.
  for (const host of hosts.reverse()) await host.close()
  for (const one of [authority, stranger, roots]) one.remove()
})

function shows({ cert, key }: Issued) {
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") }
}

async function told(url: string, options: object = {}): Promise<string | undefined> {
  const answer = await get(url, "/told", options)
  const { headers } = JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1))
  return new Map<string, string>(headers).get("client-cert")
}

const goodValue = `:${new X509Certificate(readFileSync(good.cert)).raw.toString("base64")}:`

describe("where a certificate is required", () => {
  test.each([
    "TLSv1.2",
    "TLSv1.3",
  ] as const)("a good one is let in and told to the app: %s", async (version) => {
    const options = { ...shows(good), minVersion: version, maxVersion: version }
    expect(await told(required, options)).toBe(goodValue)
  })

  test.each([
    ["none", {}],
    ["one of another authority", shows(wrong)],
    ["one that is over", shows(over)],
  ])("%s is refused", async (_name, options) => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const answer = await get(required, "/told", { ...options, maxVersion }).catch(
        (error: Error) => error.message,
      )
      expect(answer).not.toContain("HTTP/1.1 200")
    }
  })

  test("why is in the log, once for many", async () => {
    await get(required, "/told").catch(() => undefined)
    await hosts[0]!.logged(/TLS: a handshake failed: .* \(client 127\.0\.0\.1\)/)
  })

  test("a resumed session has the certificate that it began with", async () => {
    const file = `${authority.dir}/session.pem`
    const { port } = new URL(required)
    const args = [
      "s_client",
      "-connect",
      `127.0.0.1:${port}`,
      "-cert",
      good.cert,
      "-key",
      good.key,
      "-ign_eof",
    ]
    const input = "GET /told HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    await run("openssl", [...args, "-sess_out", file], { input })
    const { output } = await run("openssl", [...args, "-sess_in", file], { input })
    expect(output).toMatch(/^Reused, /m)
    expect(output).toContain(goodValue)
  })
})

describe("where it is optional", () => {
  test("without one the app is told none", async () => {
    expect(await told(optional)).toBeUndefined()
  })

  test("a good one is told", async () => {
    expect(await told(optional, shows(good))).toBe(goodValue)
  })

  test.each([
    ["of another authority", shows(wrong)],
    ["that is over", shows(over)],
  ])("one %s is refused, not passed over", async (_name, options) => {
    const answer = await get(optional, "/told", options).catch((error: Error) => error.message)
    expect(answer).not.toContain("HTTP/1.1 200")
  })
})

describe("a client's own word", () => {
  test.each(["Client-Cert", "client-cert-chain", "Client_Cert"])("%s never reaches an app", async (name) => {
    const { text } = await ask(plain, { path: "/told", headers: { [name]: ":bGll:" } })
    expect(text).not.toContain(":bGll:")
    expect(text.toLowerCase()).not.toContain(name.toLowerCase())
  })
})

test("roots that are replaced count for new connections, and sessions do not outlive them", async () => {
  const ticketed = await handshake(required, { ...shows(good), maxVersion: "TLSv1.2" })
  const session = ticketed.getSession() as Buffer
  copyOver(stranger.root, roots.root)
  await hosts[0]!.logged(/clients' certificates are checked against .* anew/)
  expect(await told(required, shows(wrong))).toContain(":")
  const resumed = await get(required, "/told", { ...shows(good), session, maxVersion: "TLSv1.2" }).catch(
    String,
  )
  expect(resumed).not.toContain("HTTP/1.1 200")
  expect(ticketed.destroyed).toBe(false)
  ticketed.destroy()
})
