/**
 * The order in which places are asked for a version: the lock file's pin, what is installed, what is published.
 * The places themselves are `lock-file.ts`, `inventory.ts`, `registry.ts` and `installer.ts`.
 */
import { join } from "node:path"
import { PolyhostError } from "../../protocol/errors.ts"
import type { ResolvedRuntime } from "../runtime.ts"
import type { Cache, InstallOrigin } from "./cache.ts"
import type { Installer } from "./installer.ts"
import type { Inventory } from "./inventory.ts"
import type { LockFile } from "./lock-file.ts"
import { aboutApp, cachedMismatch, notFound, notPublishedHere } from "./messages.ts"
import { NpmFailure } from "./npm.ts"
import { detectPlatform, type Platform, packageFor } from "./platform-package.ts"
import type { Registry } from "./registry.ts"
import type { InstalledRuntime, ToolchainEvent, ToolchainName } from "./types.ts"
import type { VersionRequest } from "./version-request.ts"

export interface Question {
  readonly name: ToolchainName
  readonly request: VersionRequest
  /** `App "shop"`, or null when no app asks. */
  readonly subject: string | null
  /** How the lock file names the request. */
  readonly key: string
  /** The answer is to be pinned in the lock file. */
  readonly pin: boolean
  /** Folder whose .npmrc counts. */
  readonly cwd: string
  readonly signal: AbortSignal
}

export interface Search {
  /** The version to run: pinned, installed, or installed now. */
  find(question: Question): Promise<ResolvedRuntime>
  /** The newest published version, whatever is pinned or installed. */
  findNewest(question: Question): Promise<ResolvedRuntime>
}

export interface SearchParts {
  readonly cache: Cache
  readonly inventory: Inventory
  readonly lock: LockFile
  readonly registry: Registry
  readonly installer: Installer
  readonly report: (event: ToolchainEvent) => void
}

export function createSearch(parts: SearchParts): Search {
  const { cache, inventory, lock, registry, installer, report } = parts
  let platform: Promise<Platform> | undefined

  const warn = (name: ToolchainName, version: string, message: string) =>
    report({ kind: "warning", runtime: name, version, message })

  async function find(question: Question): Promise<ResolvedRuntime> {
    const { name, request, signal } = question
    report({ kind: "finding", runtime: name, version: request.text })
    const pinned = await usePin(question)
    if (pinned) return pinned
    signal.throwIfAborted()
    if (request.exact !== null) {
      const entry = await inventory.find(name, request.exact)
      const used = entry && (await useInstalled(question, entry))
      if (used) return used
    }
    const installed = request.registryFirst ? null : await useBestInstalled(question, request.pickInstalled)
    if (installed) return installed
    signal.throwIfAborted()
    try {
      return await useNewestPublished(question)
    } catch (error) {
      const failure = npmFailureIn(error)
      const second = failure && (await useBestInstalled({ ...question, pin: false }, request.pickOffline))
      if (!second) throw error
      warn(
        name,
        request.text,
        `${question.key}: ${notPublishedHere(failure)}; using the installed ${second.version}`,
      )
      return second
    }
  }

  /** The pinned version, installed or to be installed; null when there is no pin that still does. */
  async function usePin(question: Question): Promise<ResolvedRuntime | null> {
    const { name, key, request } = question
    const version = await lock.pinned(key)
    if (version === null || !request.accepts(version)) return null
    const found = await inventory.find(name, version)
    const used = found && (await useInstalled(question, found))
    if (used) return used
    try {
      return await install(question, version)
    } catch (error) {
      const failure = npmFailureIn(error)
      if (!failure) throw error
      const pinned = `${name} ${version}, pinned for "${key}", cannot be installed (${failure.message})`
      if (failure.reason === "not-published") {
        warn(name, version, `${pinned}; another version is pinned instead`)
        return null
      }
      // The registry could not be asked: an installed version serves for now, and the pin stays for the next time.
      const second = await useBestInstalled({ ...question, pin: false }, request.pickOffline)
      if (!second) throw error
      warn(name, version, `${pinned}; using the installed ${second.version}`)
      return second
    }
  }

  async function useBestInstalled(
    question: Question,
    pick: (versions: readonly string[]) => string | null,
  ): Promise<ResolvedRuntime | null> {
    const all = await inventory.list(question.name)
    const best = pick(all.map((entry) => entry.version))
    const entry = all.find((candidate) => candidate.version === best)
    return entry ? useInstalled(question, entry) : null
  }

  async function useNewestPublished(question: Question): Promise<ResolvedRuntime> {
    const { name, request, cwd, signal } = question
    const published = await registry.versions(await packageOf(name), cwd, signal)
    const version = request.pickPublished(published)
    if (version === null) throw notFound(question, await inventory.list(name), published, null)
    const found = await inventory.find(name, version)
    return (found && (await useInstalled(question, found))) ?? install(question, version)
  }

  /** null when the version has gone in the meantime. */
  async function useInstalled(question: Question, found: InstalledRuntime): Promise<ResolvedRuntime | null> {
    const { name, version, path, source } = found
    if (source !== "cache") return settle(question, { name, version, path }, null)
    await cache.lease(name, version)
    // A prune may have been quicker than the lease.
    if (!(await cache.find(name, version))) return null
    const origin = await cache.origin(name, version)
    const locked = origin && (await lock.integrity(`${origin.package}@${version}`))
    if (origin && locked !== null && locked !== origin.integrity) {
      const folder = join(cache.dir, name, version)
      throw cachedMismatch(question, { folder, version, seen: origin.integrity, locked })
    }
    return settle(question, { name, version, path }, origin)
  }

  async function install(question: Question, version: string): Promise<ResolvedRuntime> {
    const { name, cwd, signal } = question
    const packageName = await packageOf(name)
    const lockedIntegrity = await lock.integrity(`${packageName}@${version}`)
    const { path, origin } = await installer.install(
      { name, version, package: packageName, lockedIntegrity, cwd },
      signal,
    )
    await cache.lease(name, version)
    return settle(question, { name, version, path }, origin)
  }

  async function settle(
    question: Question,
    runtime: ResolvedRuntime,
    origin: InstallOrigin | null,
  ): Promise<ResolvedRuntime> {
    const spec = origin && { spec: `${origin.package}@${runtime.version}`, integrity: origin.integrity }
    if (question.pin) await lock.record({ request: question.key, version: runtime.version, package: spec })
    return runtime
  }

  async function packageOf(name: ToolchainName): Promise<string> {
    platform ??= detectPlatform(process.execPath)
    const found = packageFor(name, await platform)
    if ("reason" in found) throw new NpmFailure("not-published", found.reason)
    return found.package
  }

  /** Any failure on the way, as the asker shall see it. */
  async function explained(
    question: Question,
    work: () => Promise<ResolvedRuntime>,
  ): Promise<ResolvedRuntime> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof NpmFailure)
        throw notFound(question, await inventory.list(question.name), null, error)
      if (error instanceof PolyhostError) throw aboutApp(question, error)
      throw error
    }
  }

  return {
    find: (question) => explained(question, () => find(question)),
    findNewest: (question) => explained(question, () => useNewestPublished(question)),
  }
}

/** npm's failure behind an error, when that is what it comes down to. */
function npmFailureIn(error: unknown): NpmFailure | null {
  if (error instanceof NpmFailure) return error
  const isInstall = error instanceof PolyhostError && error.code === "TOOLCHAIN_INSTALL_FAILED"
  return isInstall && error.cause instanceof NpmFailure ? error.cause : null
}
