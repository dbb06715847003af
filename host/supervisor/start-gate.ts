/**
 * At most so many starts at a time across the host. A start holds its place while it is likely to burn CPU and no
 * longer, so that apps that hang in their start do not keep others from starting.
 */
export interface StartGate {
  /**
   * Resolves with a function that gives the place back. An app that serves already lets the others go first: when a cell is replaced,
   * all that live in it start anew, and whoever waits for an app that is not there must not wait for them.
   */
  enter(signal: AbortSignal, servesAlready?: boolean): Promise<() => void>
}

/** How long a start holds its place at most, in milliseconds. */
const HOLD_MS = 1000

export function createStartGate(places: number): StartGate {
  let free = places
  const urgent: (() => void)[] = []
  const leisurely: (() => void)[] = []
  const leave = (): void => {
    const next = urgent.shift() ?? leisurely.shift()
    if (next === undefined) free++
    else next()
  }
  return {
    async enter(signal, servesAlready = false) {
      const waiting = servesAlready ? leisurely : urgent
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
