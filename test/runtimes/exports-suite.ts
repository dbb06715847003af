/** Every way to be a fetch app (DESIGN 4.6), each as an app of its own. */
import { describe, expect, test } from "vitest"
import { testUnless } from "../support/known-limit.ts"
import type { TestRuntime } from "../support/table.ts"
import { suiteHost } from "./suite-host.ts"

export function exportsSuite(runtime: TestRuntime): void {
  // What listens has no place in an isolate.
  const isServer = runtime.name !== "isolate"
  describe(`ways to be an app on ${runtime.name} ${runtime.asked}`, () => {
    const host = suiteHost(runtime, {
      "export-fetch": { entry: "app.mjs" },
      "export-object": { entry: "app.mjs" },
      "export-function": { entry: "app.mjs" },
      "export-cjs": { entry: "app.cjs" },
      ...(isServer ? { "export-node": { entry: "app.mjs" } } : {}),
      "export-hono": { entry: "app.mjs", env: { GREETING: "hi" } },
      "export-h3": { entry: "app.mjs" },
    })

    test.each([
      ["export-fetch", "mod.fetch /x"],
      ["export-object", "object /x"],
      ["export-function", "function /x"],
      ["export-cjs", "cjs /x"],
    ])("%s is called with the request", async (app, expected) => {
      const answer = await host().ask(`/${app}/x`)
      expect(answer.text).toBe(expected)
      expect(host().app(app).interface).toBe("fetch")
    })

    testUnless(!isServer, "a (req, res) function is served by a real node:http server", async () => {
      const answer = await host().ask("/export-node/x?y=1", { method: "PUT" })
      expect(answer.text).toBe("node PUT /x?y=1")
      expect(answer.headers["x-kind"]).toBe("node")
      expect(host().app("export-node").interface).toBe("server")
    })

    test("a Hono app runs as it is: env, middleware, bodies, streams, errors", async () => {
      const hello = await host().ask("/export-hono/")
      expect(hello.text).toBe("hono hi")
      expect(hello.headers["x-middleware"]).toBe("1")
      expect((await host().ask("/export-hono/json")).text).toBe('{"hono":true}')
      const body = { method: "POST", body: '{"value":"v"}', headers: { "content-type": "application/json" } }
      expect((await host().ask("/export-hono/body", body)).text).toBe("got v")
      expect((await host().ask("/export-hono/stream")).text).toBe("one two")
      expect((await host().ask("/export-hono/throws")).status).toBe(500)
      expect((await host().ask("/export-hono/nowhere")).status).toBe(404)
    })

    test("an H3 app runs as it is", async () => {
      expect((await host().ask("/export-h3/")).text).toBe("h3")
      expect(JSON.parse((await host().ask("/export-h3/json")).text)).toEqual({ h3: true })
      const body = { method: "POST", body: '{"value":"v"}', headers: { "content-type": "application/json" } }
      expect((await host().ask("/export-h3/body", body)).text).toBe("got v")
    })
  })
}
