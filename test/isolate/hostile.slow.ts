/** Apps that take all they can get, beside one that must not notice. */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestHost } from "../support/harness.ts"
import { HOSTILE, type Hostile } from "./hostile-apps.ts"
import { Neighbour } from "./neighbour.ts"
import { temporaryApps } from "./write-app.ts"

const LIMITS = { memory: "48MB", cpu: "400ms" }

describe("an isolate that", () => {
  let host: TestHost
  let neighbour: Neighbour
  const apps = temporaryApps()

  beforeAll(async () => {
    const dir = apps.write({ "index.js": 'export default { fetch: () => new Response("good") }' })
    const hostile = Object.entries(HOSTILE).map(([name, { code }]) => [
      name,
      {
        dir: apps.write({ "index.js": code }),
        entry: "index.js",
        runtime: "isolate",
        limits: LIMITS,
        timeouts: { request: "4s", wedge: "3s" },
        instances: { min: 0, max: 1 },
      },
    ])
    host = await TestHost.start({
      good: { dir, entry: "index.js", runtime: "isolate" },
      ...Object.fromEntries(hostile),
    })
  })
  afterAll(async () => {
    await host?.close()
    apps.remove()
  })

  test.each(Object.entries(HOSTILE))(
    "%s: is answered as it should be, and its neighbour notices nothing",
    async (name, it: Hostile) => {
      neighbour = new Neighbour(host, "/good/")
      await neighbour.once()
      const started = performance.now()
      const answer = await host.ask(`/${name}/`, { method: "POST" })
      const ms = performance.now() - started
      // What comes after: the cell is replaced meanwhile.
      await neighbour.asks(20)
      const seen = await neighbour.stop()
      const { code, reason } = answer.status >= 500 ? JSON.parse(answer.text || "{}") : {}
      const got = code ?? answer.status
      expect({ name, got, failed: seen.failed }).toEqual({
        name,
        got: expect.toBeOneOf([...it.answers]),
        failed: [],
      })
      if (it.reason !== undefined) expect(reason).toBe(it.reason)
      expect(ms).toBeLessThan(it.withinMs ?? 6000)
    },
    40_000,
  )
})
