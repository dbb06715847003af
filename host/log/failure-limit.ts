/**
 * Keeps a flood of refused requests from being a flood of log lines: of each app and reason code so many lines a second
 * are written whole, the rest are counted, and one line says how many they were.
 */
export interface FailureLimit {
  /** True when this failure is to be written. */
  admit(app: string | null, code: string): boolean
}

const LINES_PER_SECOND = 50

/** `more` is told, after the second, of each app and code that had more. */
export function createFailureLimit(
  more: (app: string | null, code: string, count: number) => void,
): FailureLimit {
  const counts = new Map<string, { app: string | null; code: string; count: number }>()
  let timer: NodeJS.Timeout | null = null

  function endSecond(): void {
    timer = null
    for (const { app, code, count } of counts.values()) {
      if (count > LINES_PER_SECOND) more(app, code, count - LINES_PER_SECOND)
    }
    counts.clear()
  }

  return {
    admit(app, code) {
      if (timer === null) timer = setTimeout(endSecond, 1000).unref()
      const key = `${app} ${code}`
      const entry = counts.get(key) ?? { app, code, count: 0 }
      counts.set(key, entry)
      return ++entry.count <= LINES_PER_SECOND
    },
  }
}
