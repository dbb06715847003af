/** The toolchain's own types: what it is asked with, what it answers, what it reports. No code. */
import type { RuntimeRequest } from "../app-spec.ts"
import type { ResolvedRuntime } from "../runtime.ts"

/** The runtimes that the toolchain knows how to find and install. */
export const TOOLCHAIN_NAMES = ["node", "bun", "deno"] as const
export type ToolchainName = (typeof TOOLCHAIN_NAMES)[number]

export type Environment = Readonly<Record<string, string | undefined>>

export interface ToolchainOptions {
  /** Where installed versions live: `CACHE_DIR/NAME/VERSION/`. Made when something is installed. */
  readonly cacheDir: string
  /** Path of `polyhost.lock.json`, or null: nothing is pinned. */
  readonly lockFile: string | null
  /** The host's environment: PATH, HOME, version managers' variables, npm's configuration. */
  readonly env: Environment
  readonly report: (event: ToolchainEvent) => void
}

export interface Toolchain {
  /** The binary for `request`: found, or installed. Rejects with TOOLCHAIN_… errors, or with the signal's reason. */
  resolve(request: RuntimeRequest, options: ResolveOptions): Promise<ResolvedRuntime>
  /** Every version that could be used now, highest first within a runtime. */
  installed(): Promise<InstalledRuntime[]>
  /** Installs the newest published version of each spec (`node@22`) into the cache. */
  install(specs: readonly string[], signal: AbortSignal): Promise<ResolvedRuntime[]>
  /**
   * Removes cached versions that are neither pinned by the lock file, nor in use by a live host, nor in `keep`, nor
   * were used in the last `usedWithinMs` (default: 0): other projects' lock files are not known here.
   */
  prune(keep?: readonly KeptRuntime[], usedWithinMs?: number): Promise<PruneResult>
  /** Gives up the marks that protect the versions this toolchain resolved from `prune`. */
  close(): Promise<void>
}

export interface ResolveOptions {
  /** Name of the app, for messages. */
  readonly app: string
  readonly dir: string
  readonly signal: AbortSignal
}

export type RuntimeSource =
  | "cache"
  | "path"
  | "nvm"
  | "fnm"
  | "volta"
  | "mise"
  | "asdf"
  | "proto"
  | "n"
  | "nodenv"
  | "pnpm"
  | "dvm"
  | "bun"
  | "deno"

export interface InstalledRuntime {
  readonly name: ToolchainName
  readonly version: string
  readonly path: string
  readonly source: RuntimeSource
  /** Size on disk of a cached version. */
  readonly bytes?: number
}

export interface KeptRuntime {
  readonly name: string
  readonly version: string
}

export interface PruneResult {
  readonly removed: readonly InstalledRuntime[]
  readonly freedBytes: number
  /** Cached versions that stayed, and why. */
  readonly kept: readonly (KeptRuntime & { readonly why: KeepReason })[]
}

export type KeepReason = "pinned" | "in use" | "used lately"

export interface ToolchainEvent {
  /**
   * finding: looking for a version · downloading: repeated while npm fetches, `bytes` where they can be seen ·
   * unpacking · installed · failed: an install ended with an error · warning: worth a line, nothing failed.
   */
  readonly kind: "finding" | "downloading" | "unpacking" | "installed" | "failed" | "warning"
  readonly runtime: ToolchainName
  /** Exact version; in `finding` and `warning` what was asked for. */
  readonly version: string
  readonly bytes?: number
  readonly totalBytes?: number
  readonly elapsedMs?: number
  /** Sentence for people: in `failed` and `warning`. */
  readonly message?: string
}
