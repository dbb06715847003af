import { expect, test } from "vitest"
import { startHost } from "../support/harness.ts"
import { writeApp } from "./write-app.ts"

test("an isolate answers a request", async () => {
  const dir = writeApp({
    "index.js": `export default {
      async fetch(request, ctx) {
        return Response.json({ url: request.url, method: request.method, text: await request.text(), who: ctx.app.name, env: ctx.env.A })
      }
    }`,
  })
  const host = await startHost({ a: { dir, entry: "index.js", runtime: "isolate", env: { A: "1" } } })
  const answer = await host.ask("/a/x?y=1", { method: "POST", body: "hello" })
  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.text)).toMatchObject({ method: "POST", text: "hello", who: "a", env: "1" })
})
