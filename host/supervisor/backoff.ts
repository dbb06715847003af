/**
 * How long to wait before the next start after a failure: 0.1 s doubling to 30 s, with jitter, forgotten after 60 s of
 * service (DESIGN 7). Policy as data; keeps no timer.
 */
export interface Backoff {
  /** Failures in a row. */
  readonly failures: number
  /** Counts a failure and returns the delay before the next try, in milliseconds. `servedMs`: how long it had served. */
  failed(servedMs: number): number
  reset(): void
}

export interface BackoffPolicy {
  readonly firstMs: number
  readonly maxMs: number
  readonly resetAfterMs: number
  /** A number in [0, 1). */
  readonly random: () => number
}

export const DEFAULT_BACKOFF: BackoffPolicy = {
  firstMs: 100,
  maxMs: 30_000,
  resetAfterMs: 60_000,
  random: Math.random,
}

export function createBackoff(policy: BackoffPolicy): Backoff {
  let failures = 0
  return {
    get failures() {
      return failures
    },
    failed(servedMs) {
      if (servedMs >= policy.resetAfterMs) failures = 0
      const delayMs = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(failures, 30))
      failures++
      // Half fixed, half random: many apps that failed together do not come back together.
      return delayMs * (0.5 + policy.random() * 0.5)
    },
    reset() {
      failures = 0
    },
  }
}
