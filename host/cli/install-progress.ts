/** Progress of installs for people: one redrawn line each on a terminal, a line at the start and at the end elsewhere. */
import type { ToolchainEvent } from "../../runtimes/toolchain/index.ts"
import { formatBytes } from "./table.ts"

export interface ProgressSinks {
  /** A line that stays. */
  readonly say: (level: "info" | "warn" | "error", text: string) => void
  /** A line that is redrawn; absent where nothing can be. */
  readonly redraw?: (key: string, text: string | null) => void
}

export function createInstallProgress({ say, redraw }: ProgressSinks): (event: ToolchainEvent) => void {
  const started = new Set<string>()
  return (event) => {
    const key = `${event.runtime} ${event.version}`
    switch (event.kind) {
      case "finding":
        return
      case "downloading":
      case "unpacking":
        if (redraw !== undefined) redraw(key, `installing ${key}: ${stepText(event)}`)
        else if (!started.has(key)) say("info", `installing ${key}`)
        started.add(key)
        return
      case "installed":
        started.delete(key)
        redraw?.(key, null)
        return say("info", `installed ${key}${secondsText(event)}`)
      case "failed":
        started.delete(key)
        redraw?.(key, null)
        return say("error", `installing ${key} failed: ${event.message ?? "no reason given"}`)
      case "warning":
        return say("warn", event.message ?? "")
    }
  }
}

function stepText(event: ToolchainEvent): string {
  if (event.kind === "unpacking") return "unpacking"
  const total = event.totalBytes === undefined ? "" : ` of ${formatBytes(event.totalBytes)}`
  const bytes = event.bytes === undefined ? "" : ` ${formatBytes(event.bytes)}${total}`
  const { elapsedMs } = event
  return `downloading${bytes}${elapsedMs === undefined ? "" : `, ${Math.round(elapsedMs / 1000)} s`}`
}

function secondsText({ bytes, elapsedMs }: ToolchainEvent): string {
  const parts = [
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
    ...(elapsedMs === undefined ? [] : [`${(elapsedMs / 1000).toFixed(1)} s`]),
  ]
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`
}
