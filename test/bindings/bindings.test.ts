import { describe, inject } from "vitest"
import { bindingsSuite } from "./bindings-suite.ts"

const [any] = inject("runtimes")
for (const other of ["isolate", "thread"] as const)
  if (any !== undefined) describe(`bindings in one ${other}`, () => bindingsSuite(any, other))

for (const runtime of inject("runtimes")) {
  // Node before 18 has no fetch API; the command-line tests of the others say so.
  if (runtime.name === "node" && Number(runtime.version.split(".")[0]) < 18) continue
  describe(`bindings on ${runtime.name} ${runtime.version}`, () => bindingsSuite(runtime))
}
