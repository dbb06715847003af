/** The toolchain's error messages: what failed, for which app, what was seen, what to do. */
import semver from "semver"
import { PolyhostError } from "../../protocol/errors.ts"
import type { NpmFailure } from "./npm.ts"
import { type InstalledRuntime, TOOLCHAIN_NAMES, type ToolchainName } from "./types.ts"
import { highestOfSameMajor, highestStable, sortedVersions, type VersionRequest } from "./version-request.ts"

export interface Asked {
  readonly name: ToolchainName
  readonly request: VersionRequest
  /** `App "shop"`, or null when no app asks. */
  readonly subject: string | null
}

/**
 * Nothing satisfies the request: not installed, and either not published (`published` is the list) or the registry
 * could not be asked (`failure` says why).
 */
export function notFound(
  asked: Asked,
  installed: readonly InstalledRuntime[],
  published: readonly string[] | null,
  failure: NpmFailure | null,
): PolyhostError {
  const { name, request } = asked
  const here = sortedVersions(installed.map((entry) => entry.version)).join(", ") || "none"
  const newest = published === null ? null : newestOf(published, request.text)
  const there = newest === null ? "" : `; newest published: ${newest.join(" / ")}`
  const reason = failure === null ? there : `; ${notPublishedHere(failure)}`
  const wanted = request.text === "" ? name : `${name} satisfying "${request.text}"`
  return new PolyhostError(
    "TOOLCHAIN_NOT_FOUND",
    `${subjectOf(asked)}no ${wanted} (installed: ${here}${reason}). Relax "runtime" or run "polyhost runtimes install ${suggestion(asked, newest)}".`,
    { cause: failure ?? undefined },
  )
}

/** Why npm brought nothing, as part of a sentence. */
export function notPublishedHere(failure: NpmFailure): string {
  if (failure.reason === "not-published") return failure.message
  return `the registry could not be asked: ${failure.message}`
}

export function badPath(app: string, name: ToolchainName, path: string, runs: boolean): PolyhostError {
  const seen = runs ? `does not answer "--version" as ${name} does` : "is not a program that can be run"
  return new PolyhostError(
    "TOOLCHAIN_NOT_FOUND",
    `App "${app}": ${path} ${seen}. Correct "path" in "runtime".`,
  )
}

export function badVersion(subject: string | null, name: string, text: string): PolyhostError {
  const hint = name === "node" ? '"22", "^22.12", "lts", "latest"' : '"1.3", "^2", "latest"'
  return new PolyhostError(
    "TOOLCHAIN_NOT_FOUND",
    `${subjectOf({ subject })}"${text}" is not a version of ${name}. Write a range or a word such as ${hint}.`,
  )
}

/** Refused before anything is looked for or downloaded. */
export function tooOld(subject: string | null, refusal: string): PolyhostError {
  return new PolyhostError("RUNTIME_UNSUPPORTED", `${subjectOf({ subject })}${refusal}. Ask for a later one.`)
}

export function unknownRuntime(subject: string | null, name: string): PolyhostError {
  return new PolyhostError(
    "TOOLCHAIN_NOT_FOUND",
    `${subjectOf({ subject })}"${name}" is not a runtime with versions to choose from; those are ${TOOLCHAIN_NAMES.join(", ")}.`,
  )
}

/** The same error, with the app that it hit in front. */
export function aboutApp(asked: Asked, error: PolyhostError): PolyhostError {
  const prefix = subjectOf(asked)
  if (error.message.startsWith(prefix)) return error
  return new PolyhostError(error.code, prefix + error.message, { cause: error })
}

/** A cached version is not the one that the lock file pins. */
export function cachedMismatch(
  asked: Asked,
  cached: { folder: string; version: string; seen: string; locked: string | null },
): PolyhostError {
  return new PolyhostError(
    "TOOLCHAIN_INTEGRITY",
    `${subjectOf(asked)}the cached ${asked.name} ${cached.version} came from a package with hash ${cached.seen}, but polyhost.lock.json demands ${cached.locked}. Find out which is right, then remove ${cached.folder} or correct the lock file.`,
  )
}

/** `App "shop": `, or nothing. */
function subjectOf(asked: { subject: string | null }): string {
  return asked.subject === null ? "" : `${asked.subject}: `
}

/** The newest of all, and the newest of the major that was asked for when that is another. */
function newestOf(published: readonly string[], text: string): string[] {
  const found = [highestStable(published), highestOfSameMajor(published, text)]
  return [...new Set(found.filter((version) => version !== null))]
}

function suggestion({ name, request }: Asked, newest: readonly string[] | null): string {
  const version = newest?.at(-1)
  if (version) return `${name}@${semver.major(version)}`
  return request.text === "" ? name : `${name}@${request.text}`
}
