/** Waits with an end: no test may hang, and none sleeps. */

/** The promise's value, or a failure that says what was waited for. */
export function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
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
