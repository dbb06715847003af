import { expect, inject, test } from "vitest"
import { startHost } from "../support/harness.ts"
import { exportsSuite } from "./exports-suite.ts"
import { fetchSuite } from "./fetch-suite.ts"
import { serverSuite } from "./server-suite.ts"
import { streamSuite } from "./stream-suite.ts"

for (const runtime of inject("runtimes").filter(({ name }) => name === "node")) {
  // Before 18 there is no fetch API.
  if (Number(runtime.version.split(".")[0]) >= 18) {
    exportsSuite(runtime)
    fetchSuite(runtime)
    streamSuite(runtime)
  } else {
    test(`a fetch app on node ${runtime.asked} says that it needs a newer one`, async () => {
      const node = `node@${runtime.version}`
      const host = await startHost({ "export-cjs": { entry: "app.cjs", runtime: node } })
      const { lastError } = await host.state("export-cjs", (it) => it.lastError !== null)
      expect(lastError?.message).toContain("no fetch API (Request is not defined): use node@18 or later")
    })
  }
  serverSuite(runtime)
}
