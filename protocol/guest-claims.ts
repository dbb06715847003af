/** Checks of what a guest claims in control messages. Used by `host-connection.ts`. */
import { violation } from "./frames.ts"
import type { Welcome } from "./messages.ts"
import type { StartupComplete } from "./schemas.ts"

/** @throws PolyhostError PROTOCOL_VIOLATION when zod found the message to be malformed. */
export function checked<T>(
  result: { success: true; data: T } | { success: false; error: { message: string } },
  what: string,
): T {
  if (result.success) return result.data
  throw violation(`P2: a malformed ${what} (${result.error.message.replace(/\s+/g, " ").slice(0, 300)})`)
}

/** A guest that could name any socket would have the host talk to any: to its own admin API, say. */
export function checkSocket(ready: StartupComplete, welcome: Welcome | null): void {
  if (ready.interface !== "server" || welcome === null) return
  const { socketDir, socketPrefix } = welcome
  const name = ready.path.slice(ready.path.lastIndexOf("/") + 1)
  // P4
  if (ready.path !== `${socketDir}/${name}` || !name.startsWith(socketPrefix) || name.includes("\0"))
    throw violation("P4: lifespan.startup.complete names a socket that is not the guest's own")
}
