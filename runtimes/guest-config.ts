/** What the host tells a guest before it connects: one environment variable, read once and removed by the guest. */

export const GUEST_VARIABLE = "POLYHOST_GUEST"

export interface GuestConfig {
  /** Path of the host's unix socket, and the one-time token to say there. */
  readonly channel: string
  readonly token: string
  readonly runtime: "node" | "bun" | "deno"
  readonly entry: string
  readonly interface: "auto" | "fetch" | "server"
  /** Folder for private sockets, and how their file names begin. */
  readonly socketDir: string
  readonly socketPrefix: string
  /** The guest is the main program and imports the entry itself (Deno before 2.4). */
  readonly mainIsGuest: boolean
  /** It lives in a worker thread of a cell, with other instances beside it. */
  readonly inThread?: boolean
}
