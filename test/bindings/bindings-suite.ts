/** What bindings do, the same on every runtime: one app calls another and keeps things in its store. */

import { join } from "node:path"
import { expect, it } from "vitest"
import { suiteHost } from "../runtimes/suite-host.ts"
import { FIXTURES } from "../support/harness.ts"
import type { TestRuntime } from "../support/table.ts"

/** `other`: another runtime than those of the table, one without a version of its own. */
export function bindingsSuite(runtime: TestRuntime, other?: "isolate" | "thread"): void {
  const dir = join(FIXTURES, "bindings")
  const bindings = { AUTH: "app:auth", NOBODY: "app:nobody" }
  const own = other === undefined ? {} : { runtime: other }
  const servers = {
    server: { dir: join(FIXTURES, "bindings-server"), entry: "server.mjs", bindings, ...own },
  }
  const host = suiteHost(runtime, {
    caller: { dir, bindings, env: { PLAIN: "text" }, ...own },
    auth: {
      dir,
      bindings: { AUTH: "app:caller" },
      limits: { requestBody: "3MB" },
      queue: { max: 1000 },
      ...own,
    },
    ...(other === "isolate" ? {} : servers),
  })
  const json = async (path: string, options = {}): Promise<Record<string, unknown>> => {
    const answer = await host().ask(`/caller${path}`, options)
    return JSON.parse(answer.text) as Record<string, unknown>
  }
  const _store = (path: string, options = {}): Promise<unknown> => json(`/store/${path}`, options)

  const store = (path: string, options = {}): Promise<unknown> => json(`/store/${path}`, options)

  it("a call reaches the other app with its method, URL, headers and body, and without a network", async () => {
    const seen = await json("/call", { method: "POST", body: "hello" })
    expect(seen).toMatchObject({
      app: "auth",
      method: "POST",
      url: "http://auth.internal/echo?x=1",
      address: "binding",
      body: "hello",
    })
    expect(seen["headers"]).toMatchObject({ "x-mine": "yes", host: "auth.internal", "content-length": "5" })
  })

  it("env.NAME is there on env and on a second argument that is used as env, and takes a path alone", async () => {
    expect(await json("/workers")).toMatchObject({ app: "auth", method: "GET" })
    expect(await json("/path")).toMatchObject({ url: "http://auth/echo" })
    expect(await json("/env")).toMatchObject({ AUTH: "object", STORE: "object", PLAIN: "string" })
  })

  it("a request that came from a client goes on as it is, but for what only the host says", async () => {
    const headers = { "x-forwarded-for": "6.6.6.6", X_Forwarded_For: "7.7.7.7", cookie: "a=b" }
    const answer = await host().ask("/caller/pass", { method: "POST", headers, body: "as it is" })
    const seen = JSON.parse(answer.text) as { body: string; headers: Record<string, string> }
    expect(seen).toMatchObject({ app: "auth", body: "as it is", headers: { cookie: "a=b" } })
    expect(Object.keys(seen.headers)).not.toContain("x_forwarded_for")
    expect(seen.headers["x-forwarded-for"]).toBe("binding")
  })

  it("bodies larger than every window stream both ways", async () => {
    const body = Buffer.alloc(2_000_000, "u")
    const answer = await host().ask("/caller/upload", { method: "POST", body })
    expect(answer.text).toBe("counted 2000000")
    const { body: got, headers } = await host().ask("/caller/download")
    expect(got.length).toBe(64 * 32 * 1024)
    expect(headers["x-status"]).toBe("200")
  })

  it("a body over the other app's limit is answered 413 to the caller", async () => {
    const body = Buffer.alloc(3_500_000)
    const { text } = await host().ask("/caller/upload", { method: "POST", body })
    expect(text).toContain("BODY_TOO_LARGE")
  })

  it("errors of the other app and of no app are answers with their status and code", async () => {
    expect(await json("/error")).toMatchObject({ status: 500, problem: { code: "APP_ERROR", app: "auth" } })
    expect(await json("/nobody")).toMatchObject({ status: 503, problem: { code: "APP_UNAVAILABLE" } })
    expect(host().log).toContain('binding \\"NOBODY\\" of app \\"caller\\" is to app \\"nobody\\"')
  })

  it("an answer that breaks off is an error for who reads it", async () => {
    expect((await host().ask("/caller/broken")).text).toMatch(/^cut: AUTH\.fetch: APP_ERROR/)
  })

  it("the other app is told when the caller gives up", async () => {
    expect((await host().ask("/caller/aborts")).text).toBe("TimeoutError")
    await host().logged(/the callee was told/)
  })

  it("what no frame can carry fails that call alone", async () => {
    const t = "TypeError"
    const { pid } = host().app("caller").instances[0] ?? {}
    expect(await json("/impossible")).toEqual([t, t, t, t, t, t, "none"])
    expect(host().app("caller").instances[0]?.pid).toBe(pid)
  })

  it("apps that call each other in a loop are answered 508", async () => {
    const { status, text } = await host().ask("/caller/loop")
    expect(status).toBe(508)
    expect(text).toContain("CALL_LOOP")
    await host().logged(/CALL_LOOP/)
  })

  it("more calls at once than a connection may have wait for their turn", async () => {
    expect((await host().ask("/caller/many")).text).toBe("600")
  })

  it("a store keeps text, JSON and bytes, and forgets what is deleted", async () => {
    expect(await store("put-text/greeting", { method: "POST", body: "hällo" })).toBe(null)
    expect(await store("get/greeting")).toBe("hällo")
    await store("put-text/object", { method: "POST", body: '{"a":[1]}' })
    expect(await store("get/object?type=json")).toEqual({ a: [1] })
    const bytes = Buffer.from(Uint8Array.from({ length: 131_072 }, (_, at) => at))
    for (const op of ["put", "put-stream"]) {
      expect(await store(`${op}/bytes`, { method: "POST", body: bytes })).toBe(null)
      for (const type of ["arrayBuffer", "stream"]) {
        const answer = await host().ask(`/caller/store/get/bytes?type=${type}`)
        expect(Buffer.compare(answer.body, bytes)).toBe(0)
      }
    }
    await store("delete/bytes")
    expect(await store("get/bytes")).toBe(null)
    expect(await store("delete/bytes")).toBe(null)
  })

  it("a store lists keys by prefix, in pages", async () => {
    for (const key of ["list-b", "list-a", "list-c", "other"])
      await store(`put-text/${key}?expirationTtl=100`, { method: "POST", body: "x" })
    const first = (await store("list?prefix=list-&limit=2")) as {
      keys: { name: string; expiration: number }[]
      cursor: string
    }
    expect(first).toMatchObject({ complete: false, list_complete: false })
    expect(first.keys.map(({ name }) => name)).toEqual(["list-a", "list-b"])
    expect(Math.abs((first.keys[0]?.expiration ?? 0) - Date.now() / 1000 - 100)).toBeLessThan(10)
    const rest = await store(`list?prefix=list-&limit=2&cursor=${first.cursor}`)
    expect(rest).toMatchObject({ keys: [{ name: "list-c" }], complete: true, cursor: "" })
  })

  it("a store refuses what is too large or malformed, and goes on", async () => {
    const large = { method: "POST", body: Buffer.alloc(131_073) }
    expect(await store("put/large", large)).toMatchObject({ code: "STORE_VALUE_TOO_LARGE" })
    expect(await store("put-stream/large", large)).toMatchObject({ code: "STORE_VALUE_TOO_LARGE" })
    expect(await store(`get/${"k".repeat(513)}`)).toMatchObject({ name: "TypeError" })
    expect(await store("get/x?type=blob")).toMatchObject({ name: "TypeError" })
    expect(await store("put-text/x?ttl=-1", { method: "POST", body: "x" })).toMatchObject({
      name: "RangeError",
    })
    expect(await store("list?cursor=%25%25")).toMatchObject({ code: "STORE_CURSOR_INVALID" })
    expect(await store("get/greeting")).toBe("hällo")
  })

  // An isolate has no top level with bindings, and no servers.
  if (other !== "isolate")
    it("top-level code and unmodified servers have them as polyhost.env", async () => {
      expect(await json("/boot")).toEqual({ first: null, enumerable: false })
      expect((await host().ask("/server/store")).text).toBe("yes")
      expect(JSON.parse((await host().ask("/server/")).text)).toMatchObject({
        app: "auth",
        body: "from a server",
      })
      expect((await host().ask("/server/loop")).status).toBe(508)
    })
}
