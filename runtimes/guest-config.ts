/** What the host tells a guest before it connects: one environment variable, read once and removed by the guest. */
import type { WelcomeBinding } from "../protocol/messages.ts"

export const GUEST_VARIABLE = "POLYHOST_GUEST"

/** A file of this name (after the prefix) in the socket folder: the app handles SIGUSR1 itself. */
export const INSPECTOR_SIGNAL_TAKEN = "sigusr1"

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
  /** What the app may call by name: known before the connection is there, because top-level code may ask for it. */
  readonly bindings?: readonly WelcomeBinding[]
  /** It lives in a worker thread of a cell, with other instances beside it. */
  readonly inThread?: boolean
  /** Its instance, by which its cell tells whose output comes early. */
  readonly instance?: string
}
