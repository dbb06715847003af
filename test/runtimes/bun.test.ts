import { inject } from "vitest"
import { exportsSuite } from "./exports-suite.ts"
import { fetchSuite } from "./fetch-suite.ts"
import { serverSuite } from "./server-suite.ts"
import { streamSuite } from "./stream-suite.ts"

for (const runtime of inject("runtimes").filter(({ name }) => name === "bun")) {
  exportsSuite(runtime)
  fetchSuite(runtime)
  streamSuite(runtime)
  serverSuite(runtime)
}
