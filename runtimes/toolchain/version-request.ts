/**
 * What a version request means: which versions satisfy it and which of several is taken. Pure; knows no file, no
 * network. Where the candidates come from is `inventory.ts` and `registry.ts`.
 */
import semver from "semver"
import { isNewEnough, whyTooOld } from "./oldest.ts"

export interface VersionRequest {
  /** As the user wrote it; "" is any version. */
  readonly text: string
  /** An exact version was asked for: nothing else can do. */
  readonly exact: string | null
  /** Why no version that satisfies it can be run, or null. */
  readonly refusal: string | null
  /** The answer depends on what is published: installed versions are only second best (`latest`). */
  readonly registryFirst: boolean
  /** A pinned version still does. */
  accepts(version: string): boolean
  /** The best of the installed versions, or null. */
  pickInstalled(versions: readonly string[]): string | null
  /** The best of the published versions, or null. */
  pickPublished(versions: readonly string[]): string | null
  /** What to take when the registry cannot be asked and nothing installed is good enough: better old than nothing. */
  pickOffline(versions: readonly string[]): string | null
}

/** A request whatever Polyhost can run. */
type Meaning = Omit<VersionRequest, "refusal">

/**
 * Versions that Polyhost cannot run are never picked.
 * @returns null when `text` is neither a range nor a known word, for a runtime of this name.
 */
export function parseVersionRequest(name: string, text: string, nowMs: number): VersionRequest | null {
  const request = meaningOf(name, text, nowMs)
  if (request === null) return null
  const runnable = (versions: readonly string[]) => versions.filter((version) => isNewEnough(name, version))
  return {
    ...request,
    refusal: whyTooOld(name, codenameRange(name, request.text)),
    accepts: (version) => isNewEnough(name, version) && request.accepts(version),
    pickInstalled: (versions) => request.pickInstalled(runnable(versions)),
    pickPublished: (versions) => request.pickPublished(runnable(versions)),
    pickOffline: (versions) => request.pickOffline(runnable(versions)),
  }
}

/**
 * Whether a Node major is a long-term-support line at a point in time. Up to 26 the even majors are, from late
 * October of the year they came out in (4 in 2015, 26 in 2026). From 27 on every major is, numbered by its year.
 */
export function isLtsMajor(major: number, nowMs: number): boolean {
  const start = LTS_START[major]
  if (start !== undefined) return nowMs >= Date.parse(start)
  return major >= 27 && nowMs >= Date.UTC(2000 + major, 9, 28)
}

/** Highest stable version, or null. */
export function highestStable(versions: readonly string[]): string | null {
  return highest(versions.filter(isStable))
}

/** Highest stable version of the major that a range starts at: what "newest published" means to its reader. */
export function highestOfSameMajor(versions: readonly string[], text: string): string | null {
  const range = parseRange(text)
  const lowest = range && semver.minVersion(range)
  return lowest && highest(versions.filter((v) => isStable(v) && semver.major(v) === lowest.major))
}

/** Distinct versions, highest first. */
export function sortedVersions(versions: Iterable<string>): string[] {
  return [...new Set(versions)].sort(semver.rcompare)
}

// Start of each LTS line, from the Node.js release schedule.
const LTS_START: Readonly<Record<number, string>> = {
  4: "2015-10-12",
  6: "2016-10-18",
  8: "2017-10-31",
  10: "2018-10-30",
  12: "2019-10-21",
  14: "2020-10-27",
  16: "2021-10-26",
  18: "2022-10-25",
  20: "2023-10-24",
  22: "2024-10-29",
  24: "2025-10-28",
  26: "2026-10-28",
}

/** Names of Node's release lines with long-term support, and their majors. */
export const NODE_LTS_CODENAMES: Readonly<Record<string, number>> = {
  argon: 4,
  boron: 6,
  carbon: 8,
  dubnium: 10,
  erbium: 12,
  fermium: 14,
  gallium: 16,
  hydrogen: 18,
  iron: 20,
  jod: 22,
  krypton: 24,
}

function meaningOf(name: string, text: string, nowMs: number): Meaning | null {
  const wanted = text.trim()
  const word = wanted.toLowerCase()
  if (word === "" || word === "*" || word === "x") return anyVersion(wanted)
  if (
    word === "latest" ||
    word === "current" ||
    (name === "node" && (word === "node" || word === "stable"))
  ) {
    return latestVersion(wanted)
  }
  if (word === "lts" || word === "lts/*") return name === "node" ? ltsVersion(wanted, nowMs) : null
  const exact = semver.valid(wanted)
  if (exact) return rangeVersion(wanted, new semver.Range(exact), exact)
  const range = parseRange(codenameRange(name, word))
  return range ? rangeVersion(wanted, range) : null
}

/** `lts/jod` as the range `22.x`; any other text as it is. */
function codenameRange(name: string, text: string): string {
  const word = text.toLowerCase()
  const major =
    name === "node" && word.startsWith("lts/") ? NODE_LTS_CODENAMES[word.slice("lts/".length)] : undefined
  return major === undefined ? text : `${major}.x`
}

function anyVersion(text: string): Meaning {
  const best = (versions: readonly string[]) => highestStable(versions)
  return {
    text,
    exact: null,
    registryFirst: false,
    accepts: isStable,
    pickInstalled: best,
    pickPublished: best,
    pickOffline: best,
  }
}

function latestVersion(text: string): Meaning {
  return { ...anyVersion(text), registryFirst: true }
}

function ltsVersion(text: string, nowMs: number): Meaning {
  const isLts = (version: string) => isStable(version) && isLtsMajor(semver.major(version), nowMs)
  const newestLine = newestLtsMajor(nowMs)
  return {
    text,
    exact: null,
    registryFirst: false,
    accepts: isLts,
    pickInstalled: (versions) => highest(versions.filter((v) => isLts(v) && semver.major(v) === newestLine)),
    pickPublished: (versions) => highest(versions.filter(isLts)),
    pickOffline: (versions) => highest(versions.filter(isLts)),
  }
}

function rangeVersion(text: string, range: semver.Range, exact: string | null = null): Meaning {
  // Prereleases only when the range names one: semver's own rule.
  const pick = (versions: readonly string[]) => semver.maxSatisfying([...versions], range)
  const accepts = (version: string) => range.test(version)
  return {
    text,
    exact,
    registryFirst: false,
    accepts,
    pickInstalled: pick,
    pickPublished: pick,
    pickOffline: pick,
  }
}

function newestLtsMajor(nowMs: number): number {
  let major = new Date(nowMs).getUTCFullYear() - 2000
  while (major > 4 && !isLtsMajor(major, nowMs)) major--
  return major
}

function parseRange(text: string): semver.Range | null {
  try {
    return new semver.Range(text)
  } catch {
    return null
  }
}

function isStable(version: string): boolean {
  return semver.prerelease(version) === null
}

function highest(versions: readonly string[]): string | null {
  return sortedVersions(versions)[0] ?? null
}
