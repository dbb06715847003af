/** The behaviours that every runtime has, in threads of each Node that can hold them. */
import { inject } from "vitest"
import { exportsSuite } from "../runtimes/exports-suite.ts"
import { fetchSuite } from "../runtimes/fetch-suite.ts"
import { serverSuite } from "../runtimes/server-suite.ts"
import { streamSuite } from "../runtimes/stream-suite.ts"
import type { TestRuntime } from "../support/table.ts"

for (const node of inject("runtimes")) {
  if (node.name !== "node" || Number(node.version.split(".")[0]) < 20) continue
  const thread: TestRuntime = { ...node, name: "thread" }
  exportsSuite(thread)
  fetchSuite(thread)
  streamSuite(thread)
  serverSuite(thread)
}
