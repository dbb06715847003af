/** What every process runtime launches from: made once a host by `runtimes/index.ts`. */
import type { Endpoint } from "./endpoint.ts"
import type { Watchdog } from "./watchdog.ts"

export interface Launchpad {
  readonly endpoint: Endpoint
  readonly watchdog: Watchdog
  /** Folder of the host's sockets, removed with it. */
  readonly runDir: string
  /** The allow-listed variables of the host's own environment that every app gets. */
  readonly baseEnv: Readonly<Record<string, string>>
  /** Path of the bundled guest program. */
  readonly guestFile: string
  /** A short name that no other launch of this host has: begins the names of private sockets. */
  nextPrefix(): string
}
