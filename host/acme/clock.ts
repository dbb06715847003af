/** Time as ACME sees it: certificates end after months, and tests do not wait for them. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls `run` once, after `ms`. @returns what keeps it from that. */
  after(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    // A program that embeds a host does not stay for a renewal in two months.
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Rejects with the signal's reason when that comes first. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const cancel = clock.after(ms, () => {
      signal.removeEventListener("abort", aborted)
      resolve()
    })
    function aborted(): void {
      cancel()
      reject(signal.reason)
    }
    signal.addEventListener("abort", aborted, { once: true })
  })
}

/** A signal that follows `parent`, and ends by itself after `ms` with `reason`. `done` lets both go. */
export function deadlineSignal(
  clock: Clock,
  parent: AbortSignal,
  { ms, reason }: { ms: number; reason: () => Error },
): { readonly signal: AbortSignal; done(): void } {
  const own = new AbortController()
  const cancel = clock.after(ms, () => own.abort(reason()))
  const follow = (): void => own.abort(parent.reason)
  if (parent.aborted) follow()
  else parent.addEventListener("abort", follow, { once: true })
  return {
    signal: own.signal,
    done() {
      cancel()
      parent.removeEventListener("abort", follow)
    },
  }
}
