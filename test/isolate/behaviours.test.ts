/** The behaviours that every runtime has, in isolates: the same sources, one word changed in the manifest. */
import { exportsSuite } from "../runtimes/exports-suite.ts"
import { fetchSuite } from "../runtimes/fetch-suite.ts"
import { streamSuite } from "../runtimes/stream-suite.ts"
import type { TestRuntime } from "../support/table.ts"

const isolate: TestRuntime = {
  name: "isolate",
  asked: "of this host",
  version: process.versions.node,
  path: process.execPath,
}
exportsSuite(isolate)
fetchSuite(isolate)
streamSuite(isolate)
