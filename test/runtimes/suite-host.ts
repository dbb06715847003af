/** One host for all tests of a suite on one runtime: starts of old runtimes are what such suites spend their time on. */
import { afterAll, beforeAll } from "vitest"
import { type TestApp, TestHost, type TestHostOptions } from "../support/harness.ts"
import type { TestRuntime } from "../support/table.ts"

/** Starts the apps on `runtime` before the suite's tests. Returns a function that gives the host. */
export function suiteHost(
  { name, version }: TestRuntime,
  apps: Record<string, TestApp>,
  options: TestHostOptions = {},
): () => TestHost {
  let host: TestHost | undefined
  beforeAll(async () => {
    const named = Object.entries(apps).map(([app, input]) => [
      app,
      { runtime: `${name}@${version}`, ...input },
    ])
    host = await TestHost.start(Object.fromEntries(named), options)
  })
  afterAll(() => host?.close())
  return () => {
    if (host === undefined) throw new Error("the suite's host did not start")
    return host
  }
}
