/** How a runtime runs an entry with the guest preloaded: the only thing in which node, bun and deno differ. Types only. */

export interface CommandLineInput {
  readonly entry: string
  readonly version: string
  /** The manifest's arguments for the runtime itself. */
  readonly args: readonly string[]
  /** Path of the bundled guest. */
  readonly guest: string
  readonly interface: "auto" | "fetch" | "server"
  /** Directory of the app, and the working directory of its process. */
  readonly dir: string
  /** Unix sockets that the guest uses: the host's, and the first few private ones. Deno's permissions name each. */
  readonly sockets: readonly string[]
}

export interface CommandLine {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** True: the guest is the main program and must import the entry itself. */
  readonly mainIsGuest: boolean
}
