/** What an app catches when a fetch goes wrong: messages as in Node, and as the cause the reason that the cell gave. */
import type { CallFailure } from "../../../../protocol/calls/call-frames.ts"

const CODES: Readonly<Record<CallFailure, string>> = {
  gone: "ERR_CONNECTION_LOST",
  refused: "ERR_OUTBOUND_REFUSED",
  failed: "ERR_OUTBOUND_FAILED",
  timeout: "ERR_OUTBOUND_TIMEOUT",
}

export function failed(cause: Error): TypeError {
  return new TypeError("fetch failed", { cause })
}

/** Of an answer whose body breaks off. */
export function terminated(cause: Error): TypeError {
  return new TypeError("terminated", { cause })
}

export function causeOf(failure: CallFailure, message: string): Error {
  const cause = new Error(message)
  Object.defineProperty(cause, "code", {
    value: CODES[failure],
    writable: true,
    enumerable: true,
    configurable: true,
  })
  return cause
}
