/**
 * The cache folder: `NAME/VERSION/` is a whole, verified install, always (it gets there by one rename); `.work/`
 * holds installs in progress; `.leases/` says which versions live hosts use. Fills nothing itself: `installer.ts`.
 */
import { constants } from "node:fs"
import {
  access,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises"
import { join } from "node:path"
import semver from "semver"
import { ownedName, ownerMayLive, parseOwnedName } from "./owner-mark.ts"
import { BINARY_IN_PACKAGE } from "./platform-package.ts"
import {
  type InstalledRuntime,
  type KeepReason,
  type KeptRuntime,
  type PruneResult,
  TOOLCHAIN_NAMES,
  type ToolchainName,
} from "./types.ts"

export interface Cache {
  readonly dir: string
  /** Path of the binary of a cached version, or null. */
  find(name: ToolchainName, version: string): Promise<string | null>
  list(name: ToolchainName): Promise<InstalledRuntime[]>
  /** Where an install came from, for checking it against a lock file; null for one that we did not make. */
  origin(name: ToolchainName, version: string): Promise<InstallOrigin | null>
  /** A folder of this process on the cache's own file system, after leftovers of dead processes are gone. */
  makeWorkDir(label: string): Promise<string>
  /** Moves `folder` to its place. When another process was first, theirs stays. @returns path of the binary. */
  publish(folder: string, name: ToolchainName, version: string): Promise<string>
  /** Marks a version as used by this process, until `dropLeases`. */
  lease(name: ToolchainName, version: string): Promise<void>
  dropLeases(): Promise<void>
  prune(keep: readonly KeptRuntime[], usedWithinMs: number): Promise<PruneResult>
}

export interface InstallOrigin {
  readonly package: string
  readonly integrity: string
}

export const ORIGIN_FILE = ".polyhost-install.json"

export function createCache(dir: string): Cache {
  const workRoot = join(dir, ".work")
  const leaseRoot = join(dir, ".leases")
  const leases = new Map<string, string>()

  const folderOf = (name: string, version: string) => join(dir, name, version)

  async function find(name: ToolchainName, version: string): Promise<string | null> {
    const path = join(folderOf(name, version), BINARY_IN_PACKAGE[name])
    return (await isExecutableFile(path)) ? path : null
  }

  async function list(name: ToolchainName): Promise<InstalledRuntime[]> {
    const found: InstalledRuntime[] = []
    for (const version of await entries(join(dir, name))) {
      const path = semver.valid(version) === version ? await find(name, version) : null
      if (path) found.push({ name, version, path, source: "cache" })
    }
    return found
  }

  /** The time of a version's folder is that of its last use. */
  async function markUsed(label: string): Promise<void> {
    const [name = "", version = ""] = label.split("@")
    const now = new Date()
    // A read-only cache is one that nobody prunes.
    await utimes(folderOf(name, version), now, now).catch(() => undefined)
  }

  async function leasedVersions(): Promise<Set<string>> {
    const labels = new Set<string>()
    for (const file of await entries(leaseRoot)) {
      const mark = parseOwnedName(file)
      if (mark && ownerMayLive(mark, await ageOf(join(leaseRoot, file)))) labels.add(mark.label)
      else await rm(join(leaseRoot, file), { force: true })
    }
    return labels
  }

  async function removeLeftovers(): Promise<number> {
    let freed = 0
    for (const folder of await entries(workRoot)) {
      const path = join(workRoot, folder)
      const mark = parseOwnedName(folder)
      if (mark && ownerMayLive(mark, await ageOf(path))) continue
      freed += await sizeOf(path)
      // Another process may be cleaning the same one.
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
    return freed
  }

  async function makeWorkDir(label: string): Promise<string> {
    await removeLeftovers()
    const path = join(workRoot, ownedName(label))
    await mkdir(path, { recursive: true })
    return path
  }

  async function publish(folder: string, name: ToolchainName, version: string): Promise<string> {
    const target = folderOf(name, version)
    await mkdir(join(dir, name), { recursive: true })
    for (let attempt = 0; ; attempt++) {
      try {
        await rename(folder, target)
      } catch (error) {
        if (!["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? ""))
          throw error
        if (!(await find(name, version)) && attempt < 3) {
          // Somebody emptied the place by hand: not an install, so out of the way with it.
          await rename(target, join(workRoot, ownedName("broken"))).catch(() => undefined)
          continue
        }
      }
      return join(target, BINARY_IN_PACKAGE[name])
    }
  }

  async function removeVersion(entry: InstalledRuntime): Promise<number | null> {
    const label = `${entry.name}@${entry.version}`
    const source = folderOf(entry.name, entry.version)
    const bytes = await sizeOf(source)
    const doomed = await makeWorkDir(`removed-${label}`)
    await rename(source, join(doomed, "content"))
    // A host that took it a moment ago wrote its lease first: then give it back.
    if ((await leasedVersions()).has(label)) {
      await publish(join(doomed, "content"), entry.name, entry.version)
      await rm(doomed, { recursive: true, force: true })
      return null
    }
    await rm(doomed, { recursive: true, force: true })
    return bytes
  }

  return {
    dir,
    find,
    list,
    makeWorkDir,
    publish,

    async origin(name, version) {
      try {
        const value: unknown = JSON.parse(await readFile(join(folderOf(name, version), ORIGIN_FILE), "utf8"))
        return isOrigin(value) ? value : null
      } catch {
        return null
      }
    },

    async lease(name, version) {
      const label = `${name}@${version}`
      await markUsed(label)
      if (leases.has(label)) return
      const file = join(leaseRoot, ownedName(label))
      leases.set(label, file)
      try {
        await mkdir(leaseRoot, { recursive: true })
        await writeFile(file, "")
      } catch {
        // A read-only cache is one that nobody prunes.
        leases.delete(label)
      }
    },

    async dropLeases() {
      const files = [...leases.values()]
      await Promise.all([...leases.keys()].map(markUsed))
      leases.clear()
      await Promise.all(files.map((file) => rm(file, { force: true }).catch(() => undefined)))
    },

    async prune(keep, usedWithinMs) {
      const kept = new Set(keep.map((entry) => `${entry.name}@${entry.version}`))
      let freedBytes = await removeLeftovers()
      const leased = await leasedVersions()
      const removed: InstalledRuntime[] = []
      const stayed: { name: string; version: string; why: KeepReason }[] = []
      for (const name of TOOLCHAIN_NAMES) {
        for (const entry of await list(name)) {
          const label = `${entry.name}@${entry.version}`
          const reasons: readonly [KeepReason, boolean][] = [
            ["pinned", kept.has(label)],
            ["in use", leased.has(label)],
            ["used lately", (await ageOf(folderOf(name, entry.version))) < usedWithinMs],
          ]
          const why = reasons.find(([, holds]) => holds)?.[0] ?? null
          const bytes = why === null ? await removeVersion(entry) : null
          if (bytes === null) {
            stayed.push({ name, version: entry.version, why: why ?? "in use" })
            continue
          }
          removed.push({ ...entry, bytes })
          freedBytes += bytes
        }
      }
      return { removed, freedBytes, kept: stayed }
    },
  }
}

/** Bytes on disk of a file or a folder with all below it; 0 when it is gone. */
export async function sizeOf(path: string): Promise<number> {
  const info = await lstat(path).catch(() => null)
  if (!info?.isDirectory()) return info ? info.blocks * 512 : 0
  const sizes = await Promise.all((await entries(path)).map((name) => sizeOf(join(path, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Names in a folder; none when there is no such folder. */
export async function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}

export async function isExecutableFile(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function ageOf(path: string): Promise<number> {
  const info = await lstat(path).catch(() => null)
  return info ? Date.now() - info.mtimeMs : Number.POSITIVE_INFINITY
}

function isOrigin(value: unknown): value is InstallOrigin {
  return (
    typeof value === "object" &&
    value !== null &&
    "package" in value &&
    typeof value.package === "string" &&
    "integrity" in value &&
    typeof value.integrity === "string"
  )
}
