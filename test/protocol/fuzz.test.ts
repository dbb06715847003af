import { expect, it } from "vitest"
import { fuzz } from "./fuzz.ts"

it("HostConnection survives 1,000 conversations with broken and hostile guests", () => {
  const result = fuzz({ seed: 1, cases: 1000, untilMs: performance.now() + 20_000 })
  expect(result.failure).toBeNull()
  expect(result.violations).toBeGreaterThan(100)
  expect(result.answered).toBeGreaterThan(100)
  expect(result.sockets).toBeGreaterThan(100)
  expect(result.messages).toBeGreaterThan(100)
}, 30_000)
