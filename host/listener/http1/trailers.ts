/**
 * Trailers of clients: what may stand there (RFC 9110 6.5.1). Framing fields are refused by the decoder already; here goes what says
 * who the client is, or lets it in: nobody looks for that after the body, but a reader that merges trailers into the head.
 */
import { COLON, LF } from "../../../protocol/http1/syntax.ts"
import { RequestField, requestField } from "./request-field.ts"

const NEVER: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "trailer",
  "set-cookie",
])

/** The lines of `trailers` that pass, or undefined when none does. */
export function passingTrailers(trailers: Uint8Array | undefined): Uint8Array | undefined {
  if (trailers === undefined) return undefined
  const bytes = Buffer.from(trailers.buffer, trailers.byteOffset, trailers.byteLength)
  const passing: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const next = bytes.indexOf(LF, at) + 1
    const nameEnd = bytes.indexOf(COLON, at)
    const field = requestField(bytes, at, nameEnd)
    const passes = field === RequestField.pass || field === RequestField.accept
    if (passes && !NEVER.has(bytes.toString("latin1", at, nameEnd).toLowerCase()))
      passing.push(bytes.subarray(at, next))
    at = next
  }
  return passing.length === 0 ? undefined : Buffer.concat(passing)
}
