/** Renewal: when, while clients come, and what happens when it fails. */
import { expect, test } from "vitest"
import { lifetimeOf, ORDERS_AN_HOUR, OrderBudget, renewalMs, retryMs } from "../../host/acme/schedule.ts"
import { eventually } from "../support/deadline.ts"
import { startSite } from "./site.ts"
import { DAY_MS, HOST, HOUR_MS, startStage } from "./start.ts"
import { TestClock } from "./test-clock.ts"

test("a certificate is renewed at two thirds of its life while clients shake hands, and none fails", async () => {
  const { authority, site, clock } = await startStage()
  // Good in real time too, as the clients look: six hours, of which three are over.
  authority.life = { beforeMs: 3 * HOUR_MS, afterMs: 3 * HOUR_MS }
  await site.acme.start()
  await site.has(HOST)
  const first = (await site.handshake(HOST, authority.root)).fingerprint256
  const seen = new Set<string>()
  let isOver = false
  const clients = Array.from({ length: 4 }, async () => {
    while (!isOver) seen.add((await site.handshake(HOST, authority.root)).fingerprint256)
  })
  clock.advance(HOUR_MS - 60_000)
  await eventually(5000, "handshakes", () => seen.size > 0)
  expect(authority.orders).toBe(1)
  clock.advance(120_000)
  await site.logged(`${HOST} has a certificate`, 2)
  await eventually(5000, "the new certificate to be shown", () => seen.size === 2)
  isOver = true
  await Promise.all(clients)
  const last = (await site.handshake(HOST, authority.root)).fingerprint256
  expect(last).not.toBe(first)
  expect([...seen]).toEqual([first, last])
})

test("a renewal that fails leaves the old certificate in use and says until when", async () => {
  const { authority, site, clock } = await startStage({ hosts: [HOST, "other.example.com"] })
  await site.acme.start()
  await site.has("other.example.com")
  const before = await site.handshake(HOST, authority.root)
  authority.ports = { http: 1, tls: 1 }
  await eventually(5000, "an alarm", () => clock.alarms.length > 0)
  clock.advance(60 * DAY_MS)
  const line = await site.logged(`no certificate for ${HOST}`)
  expect(line).toContain(`The one it has is good until ${new Date(before.validTo).toISOString()}`)
  await site.logged("no certificate for other.example.com")
  expect((await site.handshake(HOST, authority.root)).fingerprint256).toBe(before.fingerprint256)
})

test("one that is found over on a restart is got anew", async () => {
  const stage = await startStage()
  const { authority, clock, site } = stage
  await site.acme.start()
  await site.has(HOST)
  clock.advance(100 * DAY_MS)
  const next = await stage.again()
  await next.acme.start()
  await next.has(HOST)
  expect(authority.orders).toBe(2)
})

test("a host that finds the other's renewal in the folder that they share orders none", async () => {
  const { authority, clock, site } = await startStage()
  await site.acme.start()
  await site.has(HOST)
  const { directory, webRoot } = authority
  const otherClock = new TestClock()
  const other = await startSite({
    settings: { hosts: [HOST] },
    authority: { directory, webRoot },
    clock: otherClock,
    stateDir: site.stateDir,
  })
  await other.acme.start()
  const ends = () => [site, other].map((it) => it.acme.status()[0]?.notAfter?.getTime())
  expect(ends()[0]).toBe(ends()[1])
  await eventually(5000, "alarms", () => clock.alarms.length > 0 && otherClock.alarms.length > 0)
  clock.advance(61 * DAY_MS)
  await site.logged(`${HOST} has a certificate`, 2)
  expect(ends()[0]).not.toBe(ends()[1])
  otherClock.advance(61 * DAY_MS)
  await eventually(5000, "the other to take it", () => ends()[0] === ends()[1])
  expect(authority.orders).toBe(2)
  expect(other.log).toEqual([])
})

test("a certificate that is old when it comes, by a wrong clock, is not ordered over and over", async () => {
  const { authority, site, clock } = await startStage()
  authority.life = { beforeMs: 80 * DAY_MS, afterMs: 10 * DAY_MS }
  await site.acme.start()
  await site.has(HOST)
  await eventually(5000, "an alarm", () => clock.alarms.length > 0)
  expect(site.acme.status()[0]?.next.getTime()).toBeCloseTo(clock.now() + DAY_MS, -5)
  expect(authority.orders).toBe(1)
})

test("renewal is at two thirds of the life, up to a thirtieth before", () => {
  const life = { notBeforeMs: 0, notAfterMs: 90 * DAY_MS }
  expect(renewalMs(life, () => 0)).toBe(60 * DAY_MS)
  expect(renewalMs(life, () => 0.999_999) / DAY_MS).toBeCloseTo(57, 3)
  expect(() => lifetimeOf("no certificate")).toThrow()
})

test("retries are a minute doubling to six hours, up to a fifth less, never before the authority said", () => {
  const minutes = (failures: number, random = 0) => retryMs(failures, 0, () => random) / 60_000
  expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100].map((it) => minutes(it))).toEqual([
    1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360,
  ])
  expect(minutes(1, 0.999_999)).toBeCloseTo(0.8, 3)
  expect(retryMs(1, 7 * DAY_MS, () => 0.5)).toBeGreaterThan(7 * DAY_MS)
  expect(retryMs(10, 1000, () => 0)).toBe(6 * HOUR_MS)
})

test("a budget of orders is one for each name and one for all, and refills", () => {
  const budget = new OrderBudget()
  for (let i = 0; i < ORDERS_AN_HOUR.host; i++) expect(budget.take("a", 1000 * i)).toBe(0)
  expect(budget.take("a", 10_000)).toBe(HOUR_MS - 10_000)
  expect(budget.take("b", 10_000)).toBe(0)
  expect(budget.take("a", HOUR_MS)).toBe(0)
  expect(budget.take("a", HOUR_MS)).toBe(1000)
  for (let i = 0; i < ORDERS_AN_HOUR.all; i++) budget.take(`host-${i}`, HOUR_MS)
  expect(budget.take("last", HOUR_MS)).toBeGreaterThan(0)
})
