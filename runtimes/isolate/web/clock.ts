/**
 * The isolate's clock: milliseconds since its origin, monotonic and coarse (whole milliseconds, as `Date.now` gives them: a fine
 * clock helps side channels between tenants). The origin is the first moment anybody asks, so that a snapshot holds none.
 */

interface Clock {
  origin: number | null
  last: number
}

const clock: Clock = { origin: null, last: 0 }
const wallTime = Date.now

export function timeOrigin(): number {
  // The isolate is older than the first question, and no time that anybody sees may be 0.
  clock.origin ??= wallTime() - 1
  return clock.origin
}

/** Milliseconds since the origin; never less than before, also when the wall clock is set back. */
export function monotonicNow(): number {
  const now = wallTime() - timeOrigin()
  if (now > clock.last) clock.last = now
  return clock.last
}
