/**
 * Durations and sizes as people write them. A number always carries its unit.
 * Sizes: KB, MB and GB are powers of 1024, as are KiB, MiB and GiB: what Docker, nginx and Node's own flags mean.
 */

export const DURATION_PATTERN = /^(?:off|\d{1,9}(?:\.\d{1,6})?(?:ms|s|m|h|d))$/
export const DURATION_FORM = 'a duration such as "500ms", "15s", "5m", "1h" or "off"'
export const SIZE_PATTERN = /^(?:off|\d{1,15}(?:\.\d{1,6})?(?:B|KB|MB|GB|KiB|MiB|GiB))$/
export const SIZE_FORM = 'a size such as "64KB", "512MB", "1GB" or "off" (powers of 1024)'

/** Timers hold 31 bits of milliseconds; a longer duration would fire at once. */
export const MAX_DURATION_MS = 2 ** 31 - 1

const MAX_AGE_SECONDS = 10 * 366 * 86_400

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const SIZE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1024,
  KiB: 1024,
  MB: 1024 ** 2,
  MiB: 1024 ** 2,
  GB: 1024 ** 3,
  GiB: 1024 ** 3,
}

/** Milliseconds, Infinity for "off", null when `text` is no duration above zero that a timer can hold. */
export function parseDuration(text: string): number | null {
  if (text === "off") return Number.POSITIVE_INFINITY
  if (!DURATION_PATTERN.test(text)) return null
  const ms = Math.round(parseWithUnit(text, DURATION_UNITS))
  return ms > 0 && ms <= MAX_DURATION_MS ? ms : null
}

/** Whole seconds of an age, which no timer must hold; Infinity for "off", null when `text` is no duration of at most ten years. */
export function parseAge(text: string): number | null {
  if (text === "off") return Number.POSITIVE_INFINITY
  if (!DURATION_PATTERN.test(text)) return null
  const seconds = Math.floor(parseWithUnit(text, DURATION_UNITS) / 1000)
  return seconds <= MAX_AGE_SECONDS ? seconds : null
}

/** Bytes, Infinity for "off", null when `text` is no size. */
export function parseSize(text: string): number | null {
  if (text === "off") return Number.POSITIVE_INFINITY
  if (!SIZE_PATTERN.test(text)) return null
  const bytes = Math.round(parseWithUnit(text, SIZE_UNITS))
  return Number.isSafeInteger(bytes) ? bytes : null
}

function parseWithUnit(text: string, units: Readonly<Record<string, number>>): number {
  const [, amount, unit] = /^([\d.]+)(\w+)$/.exec(text)!
  return Number(amount) * units[unit!]!
}
