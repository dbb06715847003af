/** Watches one ready instance by heartbeats: often while it works, seldom while it rests, for a host may have a thousand that rest. */
import type { Slot } from "./slot.ts"

/** Longest time between heartbeats of an instance that rests, in milliseconds. */
const RESTING_MS = 5000

export function watchSlot(slot: Slot, wedgeMs: number, nowMs: number): "wedged" | "well" {
  const { instance } = slot
  if (instance === null) return "well"
  if (slot.silentMs(nowMs) > wedgeMs) return "wedged"
  const working = !slot.isIdle || nowMs - slot.lastUsedMs < wedgeMs
  if (working || nowMs - slot.beatMs >= Math.min(RESTING_MS, wedgeMs / 2)) {
    slot.beatMs = nowMs
    instance.heartbeat()
  }
  return "well"
}
