/** Version texts as version managers write them, translated to a semver range, `lts`, `latest` or "" (any). */
import semver from "semver"
import { NODE_LTS_CODENAMES, whyTooOld } from "../../runtimes/toolchain/index.ts"

export const VERSION_FORM = 'a version ("22", "22.11.0"), a range ("^22.12", ">=20 <23"), "lts" or "latest"'

/** Null when the text is none of these. */
export function parseVersion(text: string): string | null {
  const word = text.trim().toLowerCase()
  if (word === "" || word === "*" || word === "x" || word === "system") return ""
  if (word === "lts" || word === "lts/*" || word === "lts-latest") return "lts"
  if (["latest", "node", "stable", "current"].includes(word)) return "latest"
  const ltsName = /^lts[/-](\w+)$/.exec(word)?.[1]
  if (ltsName !== undefined) return NODE_LTS_CODENAMES[ltsName]?.toString() ?? null
  const range = word.replace(/^(?:node|bun|deno)-?(?=v?\d)/, "").replace(/^v(?=\d)/, "")
  return range.length <= 200 && semver.validRange(range) !== null ? range : null
}

/** Why no version of this range can be run, or null. Nothing is downloaded for one that cannot. */
export function unsupportedVersion(runtime: string, version: string): string | null {
  return version === "" ? null : whyTooOld(runtime, version)
}

/** False only when both are ranges and no version satisfies both. */
export function canAgree(a: string, b: string): boolean {
  if (semver.validRange(a) === null || semver.validRange(b) === null) return true
  return semver.intersects(a, b)
}
