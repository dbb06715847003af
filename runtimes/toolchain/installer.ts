/**
 * Installs one version: download through npm, check the sha512, unpack, run it once, move it into the cache in one
 * step. Whatever goes wrong before that step leaves nothing that anyone takes for an install. Which version to
 * install is decided in `toolchain.ts`.
 */
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { chmod, mkdir, open, rm, stat, statfs, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import semver from "semver"
import { extract } from "tar"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import { type Cache, type InstallOrigin, ORIGIN_FILE } from "./cache.ts"
import type { Inventory } from "./inventory.ts"
import { NpmFailure } from "./npm.ts"
import { BINARY_IN_PACKAGE, TYPICAL_INSTALL_BYTES } from "./platform-package.ts"
import type { DownloadOptions, Registry } from "./registry.ts"
import { createLimiter, createSharedTasks } from "./shared-tasks.ts"
import type { ToolchainEvent, ToolchainName } from "./types.ts"

export interface Installer {
  /**
   * Rejects with NpmFailure when npm could not do its part, with TOOLCHAIN_INTEGRITY, TOOLCHAIN_DISK_FULL or
   * TOOLCHAIN_INSTALL_FAILED, or with the signal's reason.
   */
  install(order: InstallOrder, signal: AbortSignal): Promise<InstallDone>
}

export interface InstallOrder {
  readonly name: ToolchainName
  readonly version: string
  readonly package: string
  /** sha512 that the lock file demands, or null. */
  readonly lockedIntegrity: string | null
  /** Folder whose .npmrc counts. */
  readonly cwd: string
}

export interface InstallDone {
  readonly path: string
  readonly origin: InstallOrigin
}

export interface InstallerParts {
  readonly cache: Cache
  readonly inventory: Inventory
  readonly registry: Registry
  readonly report: (event: ToolchainEvent) => void
}

export function createInstaller(parts: InstallerParts): Installer {
  const { cache, inventory, registry, report } = parts
  const running = createSharedTasks<InstallDone>()
  const limited = createLimiter(MAX_DOWNLOADS)

  async function install(order: InstallOrder, signal: AbortSignal): Promise<InstallDone> {
    const { name, version } = order
    const startedAt = performance.now()
    const say = (kind: ToolchainEvent["kind"], more: Partial<ToolchainEvent> = {}) =>
      report({ kind, runtime: name, version, elapsedMs: Math.round(performance.now() - startedAt), ...more })
    let work: string | null = null
    try {
      say("downloading")
      const dist = await registry.dist(order.package, version, order.cwd, signal)
      checkLock(order, dist.integrity)
      work = await cache.makeWorkDir(`${name}-${version}`)
      await checkSpace(order, cache.dir, dist.unpackedBytes)
      let arrived = 0
      const progress = (bytes: number | null) => {
        arrived = Math.max(arrived, bytes ?? 0)
        say("downloading", arrived === 0 ? {} : { bytes: arrived })
      }
      const tarball = await download(order, { folder: work, cwd: order.cwd, signal, progress })
      await checkHash(order, tarball, dist.integrity)
      signal.throwIfAborted()
      say("unpacking", dist.unpackedBytes === null ? {} : { totalBytes: dist.unpackedBytes })
      const folder = join(work, "content")
      await unpack(tarball, folder, name)
      signal.throwIfAborted()
      await checkRuns(order, folder, inventory)
      const origin: InstallOrigin = { package: order.package, integrity: dist.integrity }
      await writeFile(join(folder, ORIGIN_FILE), `${JSON.stringify(origin)}\n`)
      const { size } = await stat(join(folder, BINARY_IN_PACKAGE[name]))
      signal.throwIfAborted()
      const path = await cache.publish(folder, name, version)
      say("installed", { bytes: size })
      return { path, origin }
    } catch (error) {
      if (signal.aborted) throw error
      // First, so that a message about a full disk tells how much room there is without our half.
      await remove(work)
      const told = await explain(error, order, cache.dir)
      say("failed", { message: messageOf(told) })
      throw told
    } finally {
      await remove(work)
    }
  }

  async function download(order: InstallOrder, to: DownloadOptions): Promise<string> {
    try {
      return join(to.folder, await registry.download(order.package, order.version, to))
    } catch (error) {
      if (!(error instanceof NpmFailure) || error.reason !== "failed") throw error
      throw new PolyhostError(
        "TOOLCHAIN_INSTALL_FAILED",
        `${order.name} ${order.version} could not be downloaded (npm: ${error.message}). Nothing was installed; try again.`,
        { cause: error },
      )
    }
  }

  return {
    install: (order, signal) =>
      running.run(`${order.package}@${order.version}`, signal, (taskSignal) =>
        limited(taskSignal, () => install(order, taskSignal)),
      ),
  }
}

const MAX_DOWNLOADS = 2

/** tar may still be ending its other writes after one has failed: then the folder is not empty at once. */
async function remove(work: string | null): Promise<void> {
  if (work === null) return
  await rm(work, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }).catch(() => undefined)
}

function checkLock(order: InstallOrder, promised: string): void {
  if (order.lockedIntegrity === null || order.lockedIntegrity === promised) return
  throw new PolyhostError(
    "TOOLCHAIN_INTEGRITY",
    `${order.package}@${order.version} is not the package that polyhost.lock.json pins: the registry promises ${promised}, the lock file demands ${order.lockedIntegrity}. Nothing was installed. Find out which is right before you change the lock file.`,
  )
}

async function checkSpace(order: InstallOrder, dir: string, unpackedBytes: number | null): Promise<void> {
  if (unpackedBytes === null) return
  if ((await freeBytes(dir)) < unpackedBytes) throw await diskFull(order, dir, unpackedBytes)
}

async function checkHash(order: InstallOrder, tarball: string, expected: string): Promise<void> {
  const hash = createHash("sha512")
  await pipeline(createReadStream(tarball), hash)
  const seen = `sha512-${hash.digest("base64")}`
  if (seen === expected) return
  throw new PolyhostError(
    "TOOLCHAIN_INTEGRITY",
    `The download of ${order.package}@${order.version} is damaged: its hash is ${seen}, the registry promises ${expected}. Nothing was installed; try again, or look at the proxy or mirror between.`,
  )
}

/** Headers and manuals are three quarters of Node's files and no use for running an app. */
async function unpack(tarball: string, folder: string, name: ToolchainName): Promise<void> {
  await mkdir(folder)
  await extract({
    file: tarball,
    cwd: folder,
    strip: 1,
    strict: true,
    noMtime: true,
    filter: (path, entry) => {
      const isPlain =
        "type" in entry
          ? entry.type === "File" || entry.type === "OldFile" || entry.type === "Directory"
          : true
      return isPlain && !/^[^/]+\/(include|share)\//.test(path)
    },
  })
  const binary = join(folder, BINARY_IN_PACKAGE[name])
  await chmod(binary, 0o755)
  // After the rename a power cut must not leave a whole-looking folder with an empty binary.
  const file = await open(binary)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

async function checkRuns(order: InstallOrder, folder: string, inventory: Inventory): Promise<void> {
  const seen = await inventory.versionOf(order.name, join(folder, BINARY_IN_PACKAGE[order.name]))
  // A canary build gives the version that it will become.
  if (seen !== null && (seen === order.version || seen === semver.coerce(order.version)?.version)) return
  const answer = seen === null ? "does not run on this machine" : `says that it is ${seen}`
  throw new PolyhostError(
    "TOOLCHAIN_INSTALL_FAILED",
    `${order.package}@${order.version} was downloaded whole, but its binary ${answer}. Nothing was installed. Ask for another version, or give "runtime" a "path".`,
  )
}

async function explain(error: unknown, order: InstallOrder, dir: string): Promise<unknown> {
  if (error instanceof PolyhostError) return error
  if (error instanceof NpmFailure) {
    if (error.reason === "disk-full") return diskFull(order, dir, null, error)
    if (error.reason !== "integrity") return error
    return new PolyhostError(
      "TOOLCHAIN_INTEGRITY",
      `The download of ${order.package}@${order.version} is damaged (npm: ${error.message}). Nothing was installed.`,
      { cause: error },
    )
  }
  const code = (error as NodeJS.ErrnoException).code
  if (code === "ENOSPC" || code === "EDQUOT") return diskFull(order, dir, null, error)
  return new PolyhostError(
    "TOOLCHAIN_INSTALL_FAILED",
    `${order.name} ${order.version} could not be installed in ${dir}: ${messageOf(error)}`,
    { cause: error },
  )
}

async function diskFull(
  order: InstallOrder,
  dir: string,
  needed: number | null,
  cause?: unknown,
): Promise<PolyhostError> {
  const free = await freeBytes(dir)
  const want = needed ?? TYPICAL_INSTALL_BYTES[order.name]
  // npm keeps a copy of what it fetches, often on another file system.
  const elsewhere = free > want && cause instanceof NpmFailure ? " or in npm's own cache folder" : ""
  return new PolyhostError(
    "TOOLCHAIN_DISK_FULL",
    `No space left in ${dir}${elsewhere} for ${order.name} ${order.version}: about ${megabytes(want)} needed, ${megabytes(free)} free. Make room, run "polyhost runtimes prune", or set XDG_CACHE_HOME to a folder on a larger disk.`,
    { cause },
  )
}

async function freeBytes(dir: string): Promise<number> {
  try {
    const fs = await statfs(dir)
    return fs.bavail * fs.bsize
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function megabytes(bytes: number): string {
  return Number.isFinite(bytes) ? `${Math.floor(bytes / 1_000_000)} MB` : "an unknown amount"
}
