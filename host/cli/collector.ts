/** A quick collection of young garbage, for the process that is the host's own. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** Null where this V8 does not offer it. */
export function createCollector(): (() => void) | null {
  setFlagsFromString("--expose-gc")
  const collect: unknown = runInNewContext("typeof gc === 'function' ? gc : null")
  if (typeof collect !== "function") return null
  return () => collect({ type: "minor" })
}
