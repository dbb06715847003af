/** Waits with an end: no test may hang, and none sleeps. */

/** The promise's value, or a failure that says what was waited for. */
export function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Waits until a count has not changed for `quietMs`: that nothing moves any more is no event. */
export async function standsStill(
  ms: number,
  what: string,
  count: () => number,
  quietMs = 200,
): Promise<void> {
  let last = count()
  let sinceMs = performance.now()
  await eventually(ms, `${what} to stand still`, () => {
    const nowMs = performance.now()
    if (count() !== last) [last, sinceMs] = [count(), nowMs]
    return nowMs - sinceMs >= quietMs
  })
}

/** Asks again and again, for what no event tells of (another process' end, a counter). @returns the first truthy answer. */
export async function eventually<T>(
  ms: number,
  what: string,
  ask: () => T | Promise<T>,
): Promise<NonNullable<T>> {
  const untilMs = performance.now() + ms
  while (true) {
    const answer = await ask()
    if (answer) return answer
    if (performance.now() > untilMs) throw new Error(`${what}: not within ${ms} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
