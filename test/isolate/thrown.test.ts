/** What an app may throw, return or reject with: whatever it is, the request is answered at once. */
import { expect, test } from "vitest"
import { startHost } from "../support/harness.ts"
import { writeApp } from "./write-app.ts"

const REVOKED = "const { proxy, revoke } = Proxy.revocable({}, {}); revoke()"
const TRAPS = `const throws = () => { throw new Proxy({}, { get: throws, getPrototypeOf: throws }) }
  const trap = new Proxy({}, { get: throws, getPrototypeOf: throws })`

test("an app that throws or returns what cannot be looked at is answered", async () => {
  const ways = {
    "throws a revoked proxy": `${REVOKED}; throw proxy`,
    "rejects with a revoked proxy": `${REVOKED}; return Promise.reject(proxy)`,
    "returns a revoked proxy": `${REVOKED}; return proxy`,
    "throws traps": `${TRAPS}; throw trap`,
    "returns traps": `${TRAPS}; return trap`,
    "throws an error with a stack that throws": `${TRAPS}; throw Object.defineProperty(new Error("x"), "stack", { get: throws })`,
    "throws an error whose message is none": `throw Object.assign(new Error(), { message: { toString: null } })`,
    "throws an error whose message is a number": "throw Object.assign(new Error(), { message: 5 })",
    "returns a thenable that throws": "return { then() { throw null } }",
    "throws a symbol": 'throw Symbol("x")',
    "throws nothing": "throw undefined",
  }
  const cases = Object.entries(ways).map(([name, code]) => `${JSON.stringify(name)}() { ${code} }`)
  const dir = writeApp({
    "index.mjs": `const ways = { ${cases.join(",\n")} }
      export default { fetch: (request) => ways[decodeURIComponent(new URL(request.url).search.slice(1))]() }`,
  })
  const app = { dir, entry: "index.mjs", timeouts: { request: "5s" } } as const
  const host = await startHost({ isolate: { ...app, runtime: "isolate" }, node: { ...app, runtime: "node" } })
  for (const runtime of ["isolate", "node"]) {
    for (const name of Object.keys(ways)) {
      const answer = await host.ask(`/${runtime}/?${encodeURIComponent(name)}`)
      expect([runtime, name, JSON.parse(answer.text).code]).toEqual([runtime, name, "APP_ERROR"])
    }
    expect(host.app(runtime).instances.map(({ id }) => id)).toEqual([`${runtime}-1`])
  }
})
