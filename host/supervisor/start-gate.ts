/**
 * At most so many starts at a time across the host. A start holds its place while it is likely to burn CPU and no
 * longer, so that apps that hang in their start do not keep others from starting.
 */
export interface StartGate {
  /** Resolves with a function that gives the place back. */
  enter(signal: AbortSignal): Promise<() => void>
}

/** How long a start holds its place at most, in milliseconds. */
const HOLD_MS = 1000

export function createStartGate(places: number): StartGate {
  let free = places
  const waiting: (() => void)[] = []
  const leave = (): void => {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
  return {
    async enter(signal) {
      signal.throwIfAborted()
      if (free > 0) free--
      else {
        await new Promise<void>((resolve, reject) => {
          const turn = (): void => {
            signal.removeEventListener("abort", onAbort)
            resolve()
          }
          const onAbort = (): void => {
            waiting.splice(waiting.indexOf(turn), 1)
            reject(signal.reason)
          }
          waiting.push(turn)
          signal.addEventListener("abort", onAbort, { once: true })
        })
      }
      let held = true
      const release = (): void => {
        if (!held) return
        held = false
        clearTimeout(timer)
        leave()
      }
      const timer = setTimeout(release, HOLD_MS)
      return release
    },
  }
}
