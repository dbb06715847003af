/**
 * `polyhost.lock.json`: which exact version a request got, and the sha512 of the packages it came from, so that a
 * restart, a colleague and a server run the same. Reads and writes it; decides nothing (`toolchain.ts` does).
 */
import { mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import semver from "semver"
import { z } from "zod"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import { ownedName } from "./owner-mark.ts"

export interface LockFile {
  /** Version pinned for a request (`node@^22`), or null. */
  pinned(request: string): Promise<string | null>
  /** Hash that `PACKAGE@VERSION` must have, or null. */
  integrity(packageSpec: string): Promise<string | null>
  /** Everything pinned. Rejects when there is a file that cannot be understood: no ground to remove anything on. */
  pins(): Promise<{ name: string; version: string }[]>
  /** Adds to the file, on top of whatever another process wrote meanwhile. Never rejects: a failure is a warning. */
  record(entry: LockEntry): Promise<void>
}

export interface LockEntry {
  readonly request: string
  readonly version: string
  /** What was installed from npm, where that is how we got it. */
  readonly package: { readonly spec: string; readonly integrity: string } | null
}

/** `warn` gets the request that the trouble was noticed with. */
export function createLockFile(
  path: string | null,
  warn: (message: string, request: string) => void,
): LockFile {
  let writes: Promise<void> = Promise.resolve()
  const said = new Set<string>()

  function warnOnce(message: string, request: string): void {
    if (said.has(message)) return
    said.add(message)
    warn(message, request)
  }

  /** null: there is a file that we do not understand, which must stay as it is. */
  async function read(request: string): Promise<LockContent | null> {
    if (path === null) return EMPTY
    let text: string
    try {
      text = await readFile(path, "utf8")
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return EMPTY
      warnOnce(`${path} cannot be read (${messageOf(error)}); its pins are ignored`, request)
      return null
    }
    try {
      return lockSchema.parse(JSON.parse(text))
    } catch {
      warnOnce(
        `${path} is not a lock file of this version; its pins are ignored and it is left as it is`,
        request,
      )
      return null
    }
  }

  async function write(file: string, entry: LockEntry): Promise<void> {
    if (isRecorded(await read(entry.request), entry)) return
    const unlock = await exclusively(`${file}.lock`)
    try {
      const before = await read(entry.request)
      if (before === null || isRecorded(before, entry)) return
      const after: LockContent = {
        lockVersion: 1,
        requests: { ...before.requests, [entry.request]: entry.version },
        packages: {
          ...before.packages,
          ...(entry.package && { [entry.package.spec]: entry.package.integrity }),
        },
      }
      const temporary = `${file}.${ownedName("new")}`
      try {
        await writeFile(temporary, `${JSON.stringify(sortedContent(after), null, 2)}\n`)
        await rename(temporary, file)
      } finally {
        await rm(temporary, { force: true })
      }
    } finally {
      await unlock()
    }
  }

  return {
    async pinned(request) {
      const version = (await read(request))?.requests[request]
      return version !== undefined && semver.valid(version) ? version : null
    },

    async integrity(packageSpec) {
      return (await read(packageSpec))?.packages[packageSpec] ?? null
    },

    async pins() {
      const content = await read("")
      if (content === null)
        throw new PolyhostError("CONFIG_INVALID", `${path} cannot be understood. Nothing was removed.`)
      return Object.entries(content.requests).map(([request, version]) => ({
        name: request.split("@")[0]!,
        version,
      }))
    },

    async record(entry) {
      if (path === null) return
      writes = writes.then(async () => {
        try {
          await write(path, entry)
        } catch (error) {
          warnOnce(`${path} cannot be written (${messageOf(error)}); versions are not pinned`, entry.request)
        }
      })
      return writes
    },
  }
}

/** How a request is named in the lock file. */
export function lockKey(name: string, version: string): string {
  const wanted = version.trim()
  return wanted === "" ? name : `${name}@${wanted}`
}

const lockSchema = z.object({
  lockVersion: z.literal(1),
  requests: z.record(z.string(), z.string()),
  packages: z.record(z.string(), z.string()),
})
type LockContent = z.infer<typeof lockSchema>

const EMPTY: LockContent = { lockVersion: 1, requests: {}, packages: {} }

/** A writer needs a few milliseconds; whoever holds the lock much longer was killed. */
const STALE_LOCK_MS = 5000
const LOCK_POLL_MS = 25

/** @returns how to give the lock up. Waits at most until the lock counts as stale, so a dead writer stops nobody. */
async function exclusively(lockPath: string): Promise<() => Promise<void>> {
  await mkdir(dirname(lockPath), { recursive: true })
  const giveUpAtMs = Date.now() + 2 * STALE_LOCK_MS
  for (;;) {
    try {
      await (await open(lockPath, "wx")).close()
      return () => rm(lockPath, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || Date.now() > giveUpAtMs) throw error
    }
    const heldSince = await stat(lockPath).then(
      (info) => info.mtimeMs,
      () => Date.now(),
    )
    if (Date.now() - heldSince > STALE_LOCK_MS) await rm(lockPath, { force: true })
    else await delay(LOCK_POLL_MS)
  }
}

function isRecorded(content: LockContent | null, entry: LockEntry): boolean {
  if (content === null) return true
  if (content.requests[entry.request] !== entry.version) return false
  return entry.package === null || content.packages[entry.package.spec] === entry.package.integrity
}

function sortedContent(content: LockContent): LockContent {
  return { ...content, requests: sorted(content.requests), packages: sorted(content.packages) }
}

function sorted(record: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
