/** An authority that is down, slow, wrong or says no; a proof that does not hold. What is logged, and when it is tried again. */
import { createServer } from "node:net"
import { expect, onTestFinished, test } from "vitest"
import { ORDERS_AN_HOUR } from "../../host/acme/schedule.ts"
import { eventually } from "../support/deadline.ts"
import { DAY_MS, HOST, HOUR_MS, type Stage, startStage } from "./start.ts"
import { type Intervention, problem } from "./test-authority.ts"
import { Refused } from "./test-authority-jws.ts"

const MINUTE_MS = 60_000

/** Turns the clock to where the next try is; `early`: and not a second before. */
async function turnToNext({ clock, site, authority }: Stage): Promise<void> {
  const next = Math.max(...site.acme.status().map((it) => it.next.getTime()))
  const asked = authority.asked.length
  clock.advance(next - clock.now() - 1000)
  expect(authority.asked).toHaveLength(asked)
  clock.advance(1000)
}

test("a proof that does not hold is told in the authority's words, and tried again after 1, 2, 4 minutes", async () => {
  const stage = await startStage({ challenges: ["http-01"] })
  const { authority, site, clock } = stage
  const empty = createServer((socket) => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
  await new Promise<void>((resolve) => empty.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => void empty.close())
  authority.ports = { ...site.ports, http: (empty.address() as { port: number }).port }
  await site.acme.start()
  const line = await site.logged(`ACME: no certificate for ${HOST}`)
  expect(line).toMatch(/^error .*http-01: http:\/\/shop.example.com\/.well-known\/.*: 404 \(unauthorized\)/)
  expect(line).toContain("check the DNS record, and that port 443")
  expect(line).toContain("It has none yet. Next try in 60 s.")
  expect(site.acme.status()).toMatchObject([{ host: HOST, notAfter: null }])
  for (const [count, minutes] of [
    [2, 2],
    [3, 4],
  ] as const) {
    await eventually(5000, "an alarm", () => clock.alarms.length > 0)
    await turnToNext(stage)
    expect(await site.logged(`no certificate for ${HOST}`, count)).toContain(
      `Next try in ${minutes * 60 > 119 ? `${minutes} min` : "60 s"}`,
    )
  }
  authority.ports = site.ports
  await turnToNext(stage)
  await site.has(HOST)
  expect(site.acme.status()).toMatchObject([{ lastError: null }])
})

test("an authority that is down is told once for all names, and asked again later", async () => {
  const stage = await startStage({
    hosts: ["a.example.com", "b.example.com"],
    directory: "https://localhost:1/directory",
  })
  const { site } = stage
  await site.acme.start()
  const line = await site.logged("cannot be used")
  expect(line).toMatch(
    /^error ACME: the certificate authority cannot be used: https:\/\/localhost:1\/directory: connect ECONNREFUSED/,
  )
  expect(line).toContain("Waiting for it: a.example.com, b.example.com. Next try in 60 s.")
  expect(site.log).toHaveLength(1)
})

test("an authority whose own certificate nobody vouches for is not trusted", async () => {
  const { site } = await startStage({ caFile: null })
  await site.acme.start()
  const line = await site.logged("cannot be used")
  expect(line).toContain('If the authority is one of your own, name its root in "tls.acme.ca"')
})

test("a root that cannot be read is told with its path", async () => {
  const { site } = await startStage({ caFile: "/nowhere/root.pem" })
  await site.acme.start()
  expect(await site.logged("cannot be used")).toContain("tls.acme.ca /nowhere/root.pem: ENOENT")
})

test("an answer of 500 is tried again after a minute, and the next answer heals it", async () => {
  const stage = await startStage()
  const { authority, site } = stage
  let failing = true
  authority.intervene = (resource, _request, response) => {
    if (!failing || resource !== "nonce") return false
    response.writeHead(500, { "Content-Type": "text/plain" })
    response.end("database on fire")
    return true
  }
  await site.acme.start()
  expect(await site.logged("cannot be used")).toMatch(/localhost:\d+ answered 500\b.*Next try in 60 s/)
  failing = false
  await turnToNext(stage)
  await site.has(HOST)
})

test("429 with Retry-After keeps it away for that long", async () => {
  const stage = await startStage()
  const { authority, site, clock } = stage
  let limited = true
  authority.intervene = (resource, _request, response) => {
    if (!limited || resource !== "new-order") return false
    response.writeHead(429, { "Retry-After": "7200", "Content-Type": "application/problem+json" })
    response.end(
      JSON.stringify(problem(new Refused(429, "rateLimited", "too many certificates (5) already issued"))),
    )
    return true
  }
  await site.acme.start()
  const line = await site.logged(`no certificate for ${HOST}`)
  expect(line).toMatch(
    /answered 429: too many certificates \(5\) already issued \(rateLimited\).*Next try in 2 h/,
  )
  await eventually(5000, "an alarm", () => clock.alarms.length > 0)
  clock.advance(HOUR_MS)
  // The hourly look finds nothing to do.
  await eventually(5000, "the next alarm", () => clock.alarms.length > 0)
  expect(authority.asked.filter((it) => it === "new-order")).toHaveLength(1)
  limited = false
  clock.advance(HOUR_MS)
  await site.has(HOST)
})

test("an authority that never answers is given up after 30 s, and its connection closed", async () => {
  const { authority, site, clock } = await startStage()
  let closed = false
  authority.intervene = (_resource, request) => {
    request.socket.on("close", () => {
      closed = true
    })
    return true
  }
  await site.acme.start()
  await eventually(5000, "the request", () => authority.asked.length > 0)
  clock.advance(29_000)
  expect(site.log).toEqual([])
  clock.advance(2000)
  expect(await site.logged("cannot be used")).toContain("no answer from")
  await eventually(5000, "the connection to be closed", () => closed)
})

test("a name that is refused does not keep the others from theirs", async () => {
  const { authority, site } = await startStage({ hosts: ["bad.invalid", HOST] })
  await site.acme.start()
  await site.has(HOST)
  const line = await site.logged("no certificate for bad.invalid")
  expect(line).toContain("no certificates for bad.invalid (rejectedIdentifier)")
  expect(line).toContain('Take the name out of "tls.acme.hosts"')
  await expect(site.handshake("bad.invalid", authority.root)).rejects.toThrow()
})

test("a wrong external account is told", async () => {
  const stage = await startStage({}, { externalAccounts: new Map([["kid", "c2VjcmV0"]]) })
  await stage.site.acme.start()
  const line = await stage.site.logged("cannot be used")
  expect(line).toContain("an external account must be bound (externalAccountRequired)")
  expect(line).toContain('"tls.acme.externalAccount"')
})

test("an authority that lost the account gets it again", async () => {
  const stage = await startStage({ hosts: ["a.example.com", "b.example.com"] })
  const { authority, site } = stage
  let orders = 0
  authority.intervene = (resource) => {
    if (resource === "new-order" && ++orders === 2) authority.forgetAccounts()
    return false
  }
  await site.acme.start()
  expect(await site.logged("no certificate for b.example.com")).toContain("accountDoesNotExist")
  await turnToNext(stage)
  await site.has("b.example.com")
})

test("a certificate for another name is not shown", async () => {
  const { authority, site } = await startStage()
  authority.signsFor = () => ["other.example.com"]
  await site.acme.start()
  expect(await site.logged(`no certificate for ${HOST}`)).toContain(
    "not for shop.example.com and its key, but for DNS:other",
  )
  await expect(site.handshake("other.example.com", authority.root)).rejects.toThrow()
})

test("orders are bounded by the hour, whatever goes wrong", async () => {
  const { authority, site, clock } = await startStage()
  authority.ports = { http: 1, tls: 1 }
  const startedMs = clock.now()
  await site.acme.start()
  for (let i = 1; clock.now() < startedMs + HOUR_MS - 10 * MINUTE_MS; i++) {
    await site.logged(`no certificate for ${HOST}`, i)
    await eventually(5000, "an alarm", () => clock.alarms.length > 0)
    const [next] = site.acme.status()
    clock.advance((next?.next.getTime() ?? 0) - clock.now())
  }
  expect(authority.orders).toBe(ORDERS_AN_HOUR.host)
  expect(site.log.at(-1)).toContain("there were as many orders as one hour may have")
})

const BREAKAGES: Record<string, Intervention> = {
  "an answer of 503": (_resource, _request, response) => {
    response.writeHead(503)
    response.end()
    return true
  },
  "a connection that is cut": (_resource, request) => {
    request.socket.destroy()
    return true
  },
  "an answer that is cut": (_resource, _request, response) => {
    response.writeHead(200, { "Content-Length": "100" })
    response.write("{", () => response.destroy())
    return true
  },
  "a page of a proxy": (_resource, _request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" })
    response.end("<html>Please log in</html>")
    return true
  },
  "an answer without end": (_resource, _request, response) => {
    const more = () => void response.write("x".repeat(4 * 1024 * 1024))
    response.on("drain", more)
    more()
    return true
  },
}

test.each(Object.keys(BREAKAGES))("%s at any step is told once, and the next try heals it", async (name) => {
  const stage = await startStage({ challenges: ["http-01"] })
  const { authority, site, clock } = stage
  const steps = ["directory", "new-order", "challenge-http-01", "finalize", "certificate"]
  let failures = 0
  await site.acme.start()
  await site.has(HOST)
  for (const step of steps) {
    let isBroken = false
    authority.intervene = (resource, request, response) => {
      if (isBroken || resource !== step) return false
      isBroken = true
      return BREAKAGES[name]?.(resource, request, response) ?? false
    }
    await eventually(5000, "an alarm", () => clock.alarms.length > 0)
    const gotten = site.log.filter((it) => it.startsWith("info")).length
    clock.advance(61 * DAY_MS)
    const line = await site.logged("error ACME", ++failures)
    expect([step, line]).toEqual([step, expect.stringMatching(/Next try in \d+ s\./)])
    await eventually(5000, "an alarm", () => clock.alarms.length > 0)
    clock.advance(61_000)
    await site.logged(`${HOST} has a certificate`, gotten + 1)
  }
})

test("close gives up an order at every step, and leaves no timer, token or connection", async () => {
  for (const step of [
    "directory",
    "new-account",
    "new-order",
    "authorization",
    "challenge-tls-alpn-01",
    "finalize",
  ]) {
    const { authority, site, clock } = await startStage()
    let left = 0
    authority.intervene = (resource, request) => {
      if (resource !== step) return false
      request.socket.on("close", () => left++)
      return true
    }
    await site.acme.start()
    await eventually(5000, step, () => authority.asked.includes(step))
    await site.acme.close()
    await eventually(5000, `${step}: the connection to be closed`, () => left > 0)
    expect([step, clock.alarms, site.tls.certificates.hasChallenges, site.log]).toEqual([step, [], false, []])
    await site.close()
  }
})
