/** Libraries from npm that an isolate must run as they are. */

import { symlinkSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TestHost } from "../support/harness.ts"
import { temporaryApps } from "./write-app.ts"

const MODULES = join(import.meta.dirname, "../../node_modules")

const APPS: Record<
  string,
  { code: string; entry?: string; path: string; body?: string; is: string | RegExp }
> = {
  hono: {
    code: `import { Hono } from "hono"
      import { cors } from "hono/cors"
      import { HTTPException } from "hono/http-exception"
      const app = new Hono()
      app.use(cors())
      app.get("/hello/:name", (c) => c.json({ hello: c.req.param("name"), q: c.req.query("q"), v: c.env.V }))
      app.post("/form", async (c) => c.text(JSON.stringify(await c.req.parseBody())))
      export default app`,
    path: "hello/you?q=1",
    is: '{"hello":"you","q":"1","v":"1"}',
  },
  h3: {
    code: `import { H3, readBody, getQuery } from "h3"
      const app = new H3()
      app.post("/sum", async (event) => ({ sum: (await event.req.json()).reduce((a, b) => a + b), ...getQuery(event) }))
      export default app`,
    path: "sum?a=b",
    body: "[1,2,3]",
    is: '{"sum":6,"a":"b"}',
  },
  "itty-router": {
    code: `import { AutoRouter } from "itty-router"
      const router = AutoRouter()
      router.get("/hello/:name", ({ params }) => ({ hello: params.name }))
      export default router`,
    path: "hello/you",
    is: '{"hello":"you"}',
  },
  jose: {
    code: `import * as jose from "jose"
      export default { async fetch() {
        const secret = new TextEncoder().encode("a-secret-that-is-long-enough-for-hs256")
        const jwt = await new jose.SignJWT({ a: 1 }).setProtectedHeader({ alg: "HS256" }).sign(secret)
        const { payload } = await jose.jwtVerify(jwt, secret)
        const { publicKey, privateKey } = await jose.generateKeyPair("ES256")
        const signed = await new jose.SignJWT({ b: 2 }).setProtectedHeader({ alg: "ES256" }).sign(privateKey)
        const checked = await jose.jwtVerify(signed, publicKey)
        const forged = await jose.jwtVerify(signed.slice(0, -4) + "AAAA", publicKey).catch((error) => error.code)
        return Response.json([payload, checked.payload, forged])
      } }`,
    path: "",
    is: '[{"a":1},{"b":2},"ERR_JWS_SIGNATURE_VERIFICATION_FAILED"]',
  },
  zod: {
    code: `import * as z from "zod"
      const shape = z.object({ name: z.string().min(2), at: z.coerce.date(), tags: z.array(z.enum(["a", "b"])) })
      export default { async fetch(request) {
        const result = shape.safeParse(await request.json())
        return Response.json(result.success ? result.data : z.treeifyError(result.error))
      } }`,
    path: "",
    body: '{"name":"x","at":"2026-01-01","tags":["a","c"]}',
    is: /"errors".*"name".*"tags"/,
  },
  preact: {
    code: `/** @jsxImportSource preact */
      import { render } from "preact-render-to-string"
      function List({ items }: { items: readonly string[] }) { return <ul class="l">{items.map((it) => <li key={it}>{it}</li>)}</ul> }
      export default { fetch: () => new Response(render(<List items={["<a>", "b"]} />), { headers: { "content-type": "text/html" } }) }`,
    entry: "index.tsx",
    path: "",
    is: '<ul class="l"><li>&lt;a></li><li>b</li></ul>',
  },
}

describe("in an isolate runs", () => {
  let host: TestHost
  const apps = temporaryApps()

  beforeAll(async () => {
    const entries = Object.entries(APPS).map(([name, { code, entry = "index.js" }]) => {
      // As installed: the packages lie in a node_modules of a folder above.
      const root = apps.write({ [`app/${entry}`]: code })
      symlinkSync(MODULES, join(root, "node_modules"))
      return [name, { dir: join(root, "app"), entry, runtime: "isolate", env: { V: "1" } }]
    })
    host = await TestHost.start(Object.fromEntries(entries), { eager: true })
  })
  afterAll(async () => {
    await host?.close()
    apps.remove()
  })

  test.each(Object.entries(APPS))("%s", async (name, { path, body, is }) => {
    const answer = await host.ask(
      `/${name}/${path}`,
      body === undefined ? {} : { method: "POST", body, headers: { "content-type": "application/json" } },
    )
    if (answer.status !== 200) expect(host.app(name).lastError).toBe(host.log)
    expect(answer.text).toEqual(typeof is === "string" ? is : expect.stringMatching(is))
  })
})
