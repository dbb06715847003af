/** How the ends of a stream are told: codes of reasons and errors. Used by `host-stream.ts`. */
import { type ClientErrorCode, PolyhostError } from "./errors.ts"
import type { DisconnectReason } from "./exchange.ts"
import { DisconnectCode } from "./messages.ts"

/** Sent twice a request of this method does what it does sent once (RFC 9110 9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method)
}

const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])

export function codeOfReason(reason: DisconnectReason): number {
  return CODE_OF_REASON[reason]
}

const CODE_OF_REASON: Readonly<Record<DisconnectReason, number>> = {
  "client-left": DisconnectCode.clientLeft,
  timeout: DisconnectCode.timeout,
  "host-stopping": DisconnectCode.hostStopping,
}

/** The code of what an exchange threw. */
export function codeOf(error: unknown): ClientErrorCode {
  return error instanceof PolyhostError && error.code === "APP_RESPONSE_INVALID" ? error.code : "APP_ERROR"
}

export function invalid(what: string): PolyhostError {
  return new PolyhostError("APP_RESPONSE_INVALID", `the app answered with ${what}`)
}
