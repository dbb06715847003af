/** What went wrong with a request, in the words of a call. */
import type { CallFailure } from "../../../protocol/calls/call-frames.ts"
import { messageOf } from "../../../protocol/errors.ts"

/** The policy does not allow it. */
export class OutboundRefused extends Error {}

/** It took too long. */
export class OutboundTimeout extends Error {}

export function failureOf(error: Error): CallFailure {
  if (error instanceof OutboundRefused) return "refused"
  return error instanceof OutboundTimeout ? "timeout" : "failed"
}

/** What a developer can act on. Node's error of several attempts has no message of its own. */
export function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ")
  const code = (error as NodeJS.ErrnoException).code
  if (error.message === "aborted" && code === "ECONNRESET") return "the server broke off its answer"
  if (code === "HPE_HEADER_OVERFLOW") return HEAD_TOO_LARGE
  return code === undefined || error.message.includes(code) ? error.message : `${error.message} (${code})`
}

export const HEAD_TOO_LARGE = "the head of the answer is too large"
