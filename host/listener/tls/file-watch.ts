/**
 * FileWatch: files that are used together and may be replaced at any time, one after the other: by a rename, by links that change
 * (certbot, Kubernetes), in place. Sees the change by their folders' events, and by looking now and then where those do not tell.
 * Files that do not fit together yet are tried again for a while; those in use stay in use.
 */
import { type FSWatcher, watch } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { messageOf } from "../../../protocol/errors.ts"

export interface FileGroup {
  readonly files: readonly string[]
  /** Puts the texts of the files to use. @throws why they cannot be used; what was in use then stays. */
  use(texts: readonly string[]): void
}

/** Writers make several changes at a time. In milliseconds, as all of these. */
const QUIET_MS = 100
const RETRY_MS = 250
/** So long files may not fit together before somebody is told. */
const SETTLE_MS = 1500
const LOOK_MS = 30_000

interface Watched extends FileGroup {
  inUse: string
  /** What could not be used, since when, and whether somebody was told. */
  failing: { readonly seen: string; readonly sinceMs: number; isTold: boolean } | null
}

export class FileWatch {
  readonly #groups: Watched[] = []
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #failed: (why: string) => void
  readonly #looking: NodeJS.Timeout
  #soon: NodeJS.Timeout | null = null
  #working: Promise<void> = Promise.resolve()
  #closed = false

  /** `failed` is told, once for each change, of files that cannot be used. */
  constructor(failed: (why: string) => void) {
    this.#failed = failed
    this.#looking = setInterval(() => void this.#check(false), LOOK_MS)
    this.#looking.unref()
  }

  /** Uses the files and follows them from now on. @throws why they cannot be read or used. */
  async add(group: FileGroup): Promise<void> {
    const watched: Watched = { ...group, inUse: "", failing: null }
    // Before they are read: what changes in between is seen.
    for (const file of group.files) this.#watch(dirname(file))
    const texts = await readAll(group.files)
    watched.use(texts)
    watched.inUse = joined(texts)
    this.#groups.push(watched)
  }

  /** Looks at all files now. */
  reload(): Promise<void> {
    return this.#check(true)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#looking)
    if (this.#soon !== null) clearTimeout(this.#soon)
    for (const watcher of this.#watchers.values()) watcher.close()
    await this.#working
  }

  #watch(folder: string): void {
    if (this.#watchers.has(folder)) return
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#lookSoon(QUIET_MS))
      // Without events there is still the look now and then.
      watcher.on("error", () => watcher.close())
      this.#watchers.set(folder, watcher)
    } catch {
      // As above: no folder, or no more watches to be had.
    }
  }

  #lookSoon(ms: number): void {
    if (this.#closed) return
    if (this.#soon !== null) clearTimeout(this.#soon)
    this.#soon = setTimeout(() => {
      this.#soon = null
      void this.#check(false)
    }, ms)
    this.#soon.unref()
  }

  /** `isFinal`: somebody waits for the verdict. */
  #check(isFinal: boolean): Promise<void> {
    this.#working = this.#working.then(async () => {
      for (const group of this.#groups) if (!this.#closed) await this.#checkOne(group, isFinal)
    })
    return this.#working
  }

  async #checkOne(group: Watched, isFinal: boolean): Promise<void> {
    let seen = ""
    try {
      const texts = await readAll(group.files)
      seen = joined(texts)
      if (this.#closed) return
      if (seen !== group.inUse) group.use(texts)
      group.inUse = seen
      group.failing = null
    } catch (error) {
      const nowMs = performance.now()
      if (group.failing?.seen !== seen) group.failing = { seen, sinceMs: nowMs, isTold: false }
      if (group.failing.isTold) return
      if (!isFinal && nowMs - group.failing.sinceMs < SETTLE_MS) this.#lookSoon(RETRY_MS)
      else {
        group.failing.isTold = true
        this.#failed(messageOf(error))
      }
    }
  }
}

async function readAll(files: readonly string[]): Promise<readonly string[]> {
  return Promise.all(files.map((file) => readFile(file, "utf8")))
}

function joined(texts: readonly string[]): string {
  return texts.join("\0")
}
