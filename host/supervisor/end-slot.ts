/** The polite end of an instance: no new requests, those in flight finish, sockets are told to go, then it is stopped. */
import type { GoAwayCode } from "../../protocol/exchange.ts"
import type { AppSpec } from "../../runtimes/app-spec.ts"
import { aborted, type Slot } from "./slot.ts"

/** "off" is Infinity, which no timer takes. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Resolves when the slot is gone. A slot that is starting or ending already is only waited for. `code`: what its sockets are told. */
export async function endSlot(
  slot: Slot,
  timeouts: AppSpec["timeouts"],
  code: GoAwayCode = 1012,
): Promise<void> {
  const { instance } = slot
  if (instance === null || slot.state !== "ready") return slot.gone
  slot.state = "draining"
  const drainMs = Math.min(timeouts.drainMs, LONGEST_TIMER_MS)
  const untilMs = performance.now() + drainMs
  const timer = setTimeout(() => slot.abort.abort(), drainMs)
  slot.sockets.goAway(code)
  await Promise.race([slot.idle(), aborted(slot.abort.signal), instance.exited])
  clearTimeout(timer)
  slot.sockets.cut("it was still open at the end of the drain time")
  await instance.stop({
    graceMs: Math.max(0, untilMs - performance.now()),
    killMs: Math.min(timeouts.killMs, LONGEST_TIMER_MS),
  })
  await slot.gone
}

/** An instance is ready: one that was to be replaced may go. */
export function endReplaced(slots: Iterable<Slot>, timeouts: AppSpec["timeouts"]): void {
  for (const slot of slots) {
    if (!slot.replaced || slot.state !== "ready") continue
    endSlot(slot, timeouts).catch(() => undefined)
    return
  }
}
