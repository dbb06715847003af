/** Which instance takes the next request: the one with the least in flight among those that are on time. */
import type { Slot } from "./slot.ts"

/** A heartbeat unanswered for longer takes an instance out of the choice while others are on time, in milliseconds. */
const LATE_MS = 1000

/** @returns null when no instance is ready and has room. */
export function chooseSlot(slots: Iterable<Slot>, concurrency: number): Slot | null {
  let best: Slot | null = null
  let bestLate = false
  for (const slot of slots) {
    const { instance } = slot
    if (instance === null || slot.state !== "ready" || slot.inFlight >= concurrency) continue
    if (!instance.usable) continue
    const late = instance.silentMs() > LATE_MS
    if (best === null || (bestLate && !late) || (late === bestLate && slot.inFlight < best.inFlight)) {
      best = slot
      bestLate = late
    }
  }
  return best
}
