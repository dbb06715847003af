/** The oldest version of each runtime that Polyhost can run apps on. Data, for all who must not choose an older one. */
import semver from "semver"

export const OLDEST_VERSIONS = { node: "14.17.0", bun: "1.2.0", deno: "2.3.0" } as const

/** Polyhost can run apps on this version. */
export function isNewEnough(name: string, version: string): boolean {
  const oldest = oldestOf(name)
  return oldest === null || semver.gte(version, oldest)
}

/** `node@12 is older than …` when no version of this range can be run; null for other ranges and for words. */
export function whyTooOld(name: string, range: string): string | null {
  const oldest = oldestOf(name)
  if (oldest === null || semver.validRange(range) === null) return null
  if (semver.intersects(range, `>=${oldest}`, { includePrerelease: true })) return null
  return `${name}@${range} is older than Polyhost runs (${name} ${oldest.replace(/\.0$/, "")} and later)`
}

function oldestOf(name: string): string | null {
  return Object.entries(OLDEST_VERSIONS).find(([one]) => one === name)?.[1] ?? null
}
