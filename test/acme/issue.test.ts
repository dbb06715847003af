/** Certificates got from an authority: each way to prove a name, what is kept, and what a restart does with it. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { eventually } from "../support/deadline.ts"
import { ask } from "../support/http-client.ts"
import { HOST, startStage } from "./start.ts"

test.each(["tls-alpn-01", "http-01"] as const)("a certificate is got by %s and shown", async (type) => {
  const { authority, site } = await startStage({ challenges: [type], email: "me@example.com" })
  await site.acme.start()
  await site.has(HOST)
  const shown = await site.handshake(HOST, authority.root)
  expect(shown.subjectAltName).toBe(`DNS:${HOST}`)
  expect(authority.asked).toContain(`challenge-${type}`)
  expect(authority.accounts).toMatchObject([{ contact: ["mailto:me@example.com"] }])
  expect(site.acme.status()).toMatchObject([{ host: HOST, lastError: null }])
  // The proof is gone with its use.
  expect(site.tls.certificates.hasChallenges).toBe(false)
})

test("start waits for no authority, and a name without a certificate is refused until there is one", async () => {
  const { authority, site } = await startStage()
  authority.intervene = () => true
  await site.acme.start()
  await eventually(5000, "the first request", () => authority.asked.length > 0)
  await expect(site.handshake(HOST, authority.root)).rejects.toThrow()
})

test("the next challenge type is tried when the first fails", async () => {
  const { authority, site } = await startStage()
  authority.ports = { http: site.ports.http, tls: 1 }
  await site.acme.start()
  await site.has(HOST)
  expect(authority.orders).toBe(2)
  expect(authority.asked.filter((it) => it.startsWith("challenge"))).toEqual([
    "challenge-tls-alpn-01",
    "challenge-http-01",
  ])
})

test("a challenge type that is not offered costs no order", async () => {
  const { authority, site } = await startStage()
  authority.types = ["http-01"]
  await site.acme.start()
  await site.has(HOST)
  expect(authority.orders).toBe(1)
})

test("refused nonces are answered with better ones", async () => {
  const { authority, site } = await startStage()
  authority.nonceRefusals = 4
  await site.acme.start()
  await site.has(HOST)
  expect(authority.nonceRefusals).toBeLessThan(0)
})

test("an external account is bound, with a base64url key", async () => {
  const key = Buffer.from("\xfb\xff\xfe a secret of thirty-two bytes", "latin1").toString("base64url")
  const externalAccounts = new Map([["kid-1", key]])
  const { authority, site } = await startStage(
    { externalAccount: { id: "kid-1", key } },
    { externalAccounts },
  )
  await site.acme.start()
  await site.has(HOST)
  expect(authority.accounts).toHaveLength(1)
})

test("several names are got one after the other, by one account", async () => {
  const hosts = ["a.example.com", "b.example.com", "c.example.com"]
  const { authority, site } = await startStage({ hosts })
  await site.acme.start()
  for (const host of hosts) {
    await site.has(host)
    expect((await site.handshake(host, authority.root)).subjectAltName).toBe(`DNS:${host}`)
  }
  const steps = authority.asked.filter((it) => ["new-account", "new-order", "certificate"].includes(it))
  expect(steps).toEqual(["new-account", "new-account", ...hosts.flatMap(() => ["new-order", "certificate"])])
})

test("the account is found again, and told a new address", async () => {
  const stage = await startStage({ email: "old@example.com" })
  const { authority, site } = stage
  await site.acme.start()
  await site.has(HOST)
  const more = { hosts: ["more.example.com"], email: "new@example.com" }
  const next = await stage.again(more)
  await next.acme.start()
  await next.has("more.example.com")
  expect(authority.accounts).toMatchObject([{ contact: ["mailto:new@example.com"] }])
})

test("keys are readable by the host's user alone, and the chain is whole", async () => {
  const { authority, site } = await startStage()
  await site.acme.start()
  await site.has(HOST)
  const dir = join(site.stateDir, "acme")
  const [name = ""] = readdirSync(dir)
  expect(name).toMatch(/^localhost_\d+-[0-9a-f]{8}$/)
  const at = (...path: string[]) => join(dir, name, ...path)
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
  expect({
    acme: mode(dir),
    authority: mode(at()),
    account: mode(at("account.pem")),
    host: mode(at("hosts", HOST)),
    key: mode(at("hosts", HOST, "key.pem")),
  }).toEqual({ acme: "700", authority: "700", account: "600", host: "700", key: "600" })
  const chain = readFileSync(at("hosts", HOST, "cert.pem"), "utf8")
  expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  expect(authority.root).not.toContain(chain)
})

test("a restart shows what is kept, though the authority is gone", async () => {
  const stage = await startStage()
  const { authority, site } = stage
  await site.acme.start()
  await site.has(HOST)
  const before = await site.handshake(HOST, authority.root)
  await site.close()
  const asked = authority.asked.length
  await authority.close()
  const next = await stage.again()
  await next.acme.start()
  expect((await next.handshake(HOST, authority.root)).fingerprint256).toBe(before.fingerprint256)
  expect(authority.asked).toHaveLength(asked)
  expect(next.log).toEqual([])
})

test("tokens are answered exactly, others below the same path are the app's", async () => {
  const { authority, site } = await startStage({ challenges: ["http-01"] })
  const path = "/.well-known/acme-challenge/"
  const seen: unknown[] = []
  authority.intervene = (resource) => {
    if (resource === "challenge-http-01") seen.push("shown")
    // Its answer never comes: the token stays.
    return resource === "challenge-http-01"
  }
  expect((await ask(`http://127.0.0.1:${site.ports.http}`, { path: `${path}x` })).status).toBe(404)
  await site.acme.start()
  await eventually(5000, "the challenge", () => seen.length > 0)
  const token = authority.lastToken
  const look = async (method: string, target: string) => {
    const { status, text, headers } = await ask(`http://127.0.0.1:${site.ports.http}`, {
      method,
      path: target,
    })
    return { status, isProof: text.startsWith(`${token}.`), type: headers["content-type"] }
  }
  expect(await look("GET", `${path}${token}`)).toEqual({ status: 200, isProof: true, type: "text/plain" })
  expect(await look("HEAD", `${path}${token}`)).toMatchObject({ status: 200, isProof: false })
  for (const [method, target] of [
    ["POST", `${path}${token}`],
    ["GET", `${path}${token}x`],
    ["GET", `${path}${token}/`],
    ["GET", `${path}${token.slice(1)}`],
    ["GET", `/x${path}${token}`],
    ["GET", path],
  ] as const)
    expect([target, await look(method, target)]).toMatchObject([target, { status: 404, isProof: false }])
})
