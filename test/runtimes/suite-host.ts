/** One host for all tests of a suite on one runtime: starts of old runtimes are what such suites spend their time on. */
import { afterAll, beforeAll } from "vitest"
import { type TestApp, TestHost, type TestHostOptions } from "../support/harness.ts"
import type { TestRuntime } from "../support/table.ts"

/** Starts the apps on `runtime` before the suite's tests. Returns a function that gives the host. */
export function suiteHost(
  runtime: TestRuntime,
  apps: Record<string, TestApp>,
  options: TestHostOptions = {},
): () => TestHost {
  let host: TestHost | undefined
  beforeAll(async () => {
    const named = Object.entries(apps).map(([app, input]) => [app, { ...onRuntime(runtime), ...input }])
    host = await TestHost.start(Object.fromEntries(named), options)
  })
  afterAll(() => host?.close())
  return () => {
    if (host === undefined) throw new Error("the suite's host did not start")
    return host
  }
}

/** What a manifest says to be on this runtime: the one word, and for isolates that `fetch` may reach servers of tests. */
export function onRuntime({ name, version }: TestRuntime): TestApp {
  return name === "isolate"
    ? { runtime: "isolate", outbound: ["loopback"] }
    : { runtime: `${name}@${version}` as TestApp["runtime"] & string }
}
