/** The figures of websocket.ts as a table. */
import { median, spread, table } from "./figures.ts"
import type { Sockets } from "./websocket.ts"

export function socketTables(all: readonly Sockets[]): string {
  const bare = all[0]
  if (bare === undefined) return ""
  const rows = all.map(({ title, count, hostKib, appKib, echoesPerSecond }) => [
    title,
    count.toLocaleString("en-US"),
    hostKib.toFixed(1),
    appKib.toFixed(1),
    spread(echoesPerSecond, 0),
    (median(echoesPerSecond) / median(bare.echoesPerSecond)).toFixed(2),
  ])
  const head = [
    "target",
    "sockets",
    "KiB each, who listens",
    "KiB each, the app",
    "echoes/s",
    "of the bare server's",
  ]
  return table(head, rows)
}
