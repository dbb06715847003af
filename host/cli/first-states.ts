/** Tells of each app once: when its first state is known (it serves, is idle, or has failed). */
import type { AppStatus } from "../index.ts"

/** @returns Takes every status that comes by. `told` is called once an app, `all` after the last. */
export function createFirstStates(
  total: number,
  told: (status: AppStatus) => void,
  all: () => void,
): (status: AppStatus) => void {
  const known = new Set<string>()
  return (status) => {
    if (status.state === "starting" || known.has(status.name)) return
    known.add(status.name)
    told(status)
    if (known.size === total) all()
  }
}
