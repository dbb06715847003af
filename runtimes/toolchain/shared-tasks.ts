/**
 * One run of a task for everyone who asks for the same key at the same time. The task's own signal fires when the
 * last asker has left; an asker who leaves gets its own signal's reason at once.
 */
export interface SharedTasks<T> {
  run(key: string, signal: AbortSignal, task: (signal: AbortSignal) => Promise<T>): Promise<T>
}

export function createSharedTasks<T>(): SharedTasks<T> {
  const running = new Map<string, { promise: Promise<T>; askers: number; controller: AbortController }>()

  return {
    async run(key, signal, task) {
      signal.throwIfAborted()
      let entry = running.get(key)
      // One that was given up is only winding down: it is nobody's answer.
      if (!entry || entry.controller.signal.aborted) {
        const controller = new AbortController()
        const started = { promise: task(controller.signal), askers: 0, controller }
        const forget = () => {
          if (running.get(key) === started) running.delete(key)
        }
        started.promise.then(forget, forget)
        running.set(key, started)
        entry = started
      }
      const shared = entry
      shared.askers++
      try {
        return await untilAborted(shared.promise, signal)
      } finally {
        if (--shared.askers === 0 && signal.aborted) {
          shared.controller.abort(signal.reason)
          // The last to leave waits until everything has been tidied up.
          await shared.promise.catch(() => undefined)
        }
      }
    },
  }
}

/** At most `limit` tasks at once; the others wait in line, or leave when their signal fires. */
export function createLimiter(limit: number): <T>(signal: AbortSignal, task: () => Promise<T>) => Promise<T> {
  let active = 0
  const waiting: (() => void)[] = []

  return async (signal, task) => {
    if (active >= limit) {
      let admit: () => void = () => undefined
      const turn = new Promise<void>((resolve) => {
        admit = resolve
        waiting.push(admit)
      })
      try {
        await untilAborted(turn, signal)
      } catch (error) {
        const place = waiting.indexOf(admit)
        if (place >= 0) waiting.splice(place, 1)
        // Admitted and aborted in one turn: the place goes to the next in line.
        else release()
        throw error
      }
    } else active++
    try {
      return await task()
    } finally {
      release()
    }
  }

  // A freed place goes straight to the next in line, so `active` does not change then.
  function release(): void {
    const next = waiting.shift()
    if (next) next()
    else active--
  }
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason)
    if (signal.aborted) leave()
    else signal.addEventListener("abort", leave, { once: true })
  })
  aborted.catch(() => undefined)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener("abort", leave)
  }
}
