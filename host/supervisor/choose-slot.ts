/** Which instance takes the next request: of those that are on time the one with the least in flight, then the fewest sockets. */
import type { Slot } from "./slot.ts"

/** A heartbeat unanswered for longer takes an instance out of the choice while others are on time, in milliseconds. */
export const LATE_MS = 1000

/** @returns null when no instance is ready and has room. */
export function chooseSlot(slots: Iterable<Slot>, concurrency: number): Slot | null {
  let best: Slot | null = null
  let bestLate = false
  for (const slot of slots) {
    const { instance } = slot
    if (instance === null || !slot.takesRequests || slot.inFlight >= concurrency) continue
    const late = instance.silentMs() > LATE_MS
    if (best === null || (bestLate && !late) || (late === bestLate && hasLess(slot, best))) {
      best = slot
      bestLate = late
    }
  }
  return best
}

function hasLess(slot: Slot, other: Slot): boolean {
  if (slot.inFlight !== other.inFlight) return slot.inFlight < other.inFlight
  return slot.sockets.size < other.sockets.size
}
