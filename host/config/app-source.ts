/** What an AppSpec is made of: where the app's configuration stands, and what all apps of a host config share. */
import type { Document } from "./document.ts"
import type { Environment } from "./environment.ts"
import type { FileView } from "./files.ts"
import type { PathSegment } from "./problem.ts"
import type { DefaultsInput } from "./schema.ts"
import type { Fault } from "./validate.ts"

/** Where an app's configuration stands: a manifest, a piece of the host config, or nothing (detected). */
export interface AppSource {
  readonly document: Document
  readonly at: readonly PathSegment[]
  readonly faults: readonly Fault[]
  readonly dir: string
  /** Path of the manifest, if that is what `document` is. */
  readonly manifest: string | null
}

export interface BuildContext {
  readonly root: string
  readonly files: FileView
  readonly defaults: DefaultsInput
  /** The host's own environment. */
  readonly env: Environment
}
