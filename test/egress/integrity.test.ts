import { createHash } from "node:crypto"
import { afterEach, beforeAll, expect, test } from "vitest"
import { createOps } from "../../runtimes/isolate/ops/index.ts"
import type { WebOps } from "../../runtimes/isolate/web/ops.ts"
import { bindPlatform } from "../../runtimes/isolate/web/platform.ts"
import { callingFrom, closeAll, reasonOf, serve } from "./calling.ts"

beforeAll(() => {
  const ops = createOps({ wake: () => undefined, print: () => undefined }) as WebOps
  const none = (): never => {
    throw new Error("not asked for here")
  }
  bindPlatform({ ops: () => ops, timers: none, global: globalThis, report: none })
})
afterEach(closeAll)

const digest = (algorithm: string, text: string): string =>
  `${algorithm}-${createHash(algorithm).update(text).digest("base64")}`

test.each([
  ["the digest of what is answered", digest("sha256", "hello")],
  [
    "base64url without its padding",
    digest("sha512", "hello").replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
  ],
  ["one of several of the same strength", `${digest("sha384", "other")} ${digest("sha384", "hello")}`],
  ["a wrong one of a weaker algorithm", `${digest("sha256", "other")} ${digest("sha384", "hello")}`],
  ["nothing that can be checked", "md5-abc sha256-"],
])("an answer arrives whole with an integrity that is %s", async (_, integrity) => {
  const origin = await serve((_request, response) => response.end("hello"))
  const { fetch } = callingFrom([origin])

  expect(await (await fetch(origin, { integrity })).text()).toBe("hello")
})

test("an answer that has not the integrity asked for is an error, also of the strongest algorithm only", async () => {
  const origin = await serve((_request, response) => response.end("hello"))
  const { fetch } = callingFrom([origin])

  const wrong = "fetch failed: the answer does not have the integrity that was asked for"
  expect(await reasonOf(fetch(origin, { integrity: digest("sha256", "other") }))).toBe(wrong)
  const mixed = `${digest("sha256", "hello")} ${digest("sha512", "other")}`
  expect(await reasonOf(fetch(origin, { integrity: mixed }))).toBe(wrong)
})
