/** The signals of requests: each Request has one of its own that follows the one it was given. */
import { type AbortSignal, dependentOf, newSignal } from "../events/abort.ts"

/** A signal that aborts with the given one, or never. */
export function followingSignal(signal: AbortSignal | null): AbortSignal {
  return signal === null ? newSignal() : dependentOf([signal])
}
