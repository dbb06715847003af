/** The status of an app whose configuration is wrong: it never had instances, and it fails alone. */
import { type BrokenApp, formatProblem, isError } from "../config/index.ts"
import type { AppStatus } from "./app-status.ts"

/** `since`: when the configuration was read. */
export function brokenAppStatus({ name, problems }: BrokenApp, since: Date): AppStatus {
  const message = problems
    .filter(isError)
    .map((problem) => formatProblem(problem))
    .join("\n")
  return {
    name,
    state: "failed",
    runtime: { name: "", version: "" },
    interface: "",
    generation: 0,
    routes: [],
    instances: [],
    queue: { waiting: 0 },
    lastError: { code: "CONFIG_INVALID", message, reason: null, at: since.toISOString() },
  }
}
