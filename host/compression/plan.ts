/** What becomes of one answer: its header lines, and its coding. Decided once, by its head and the request's. */
import type { ResponseHead } from "../../protocol/exchange.ts"
import type { ContentCoding } from "../../runtimes/app-spec.ts"
import { AnswerLines } from "./answer-lines.ts"
import type { Negotiation } from "./negotiation.ts"
import type { RequestFields } from "./request-lines.ts"

export interface Plan {
  /** Null: as it is. */
  readonly coding: ContentCoding | null
  /** Header lines of the answer. */
  readonly lines: string
  /** Of the answer when its bytes are sent as they are after all. */
  readonly plainLines: string
  /** The client does not want the bytes as they are. */
  readonly refusesIdentity: boolean
  /** Declared length of the app's bytes, or -1. */
  readonly contentLength: number
}

export interface Asked {
  readonly fields: RequestFields
  readonly isHead: boolean
  readonly negotiation: Negotiation
  readonly minBytes: number
}

/** `wholeBytes`: length of the body when all of it is here, else -1. Null: the answer goes on as it came. */
export function planAnswer(head: ResponseHead, wholeBytes: number, asked: Asked): Plan | null {
  const lines = AnswerLines.read(head.lines)
  if (lines === null) return null
  if (head.status === 304) return planNotModified(lines, asked)
  if (!lines.isCompressible) return null
  const { contentLength } = lines
  const { isHead, negotiation, fields, minBytes } = asked
  // The listener says what is wrong.
  if (!isHead && wholeBytes !== -1 && contentLength !== -1 && wholeBytes !== contentLength) return null
  const { coding, refusesIdentity } = negotiation.of(fields.acceptEncoding)
  const known = isHead || contentLength !== -1 ? contentLength : wholeBytes
  const least = refusesIdentity ? 1 : Math.max(1, minBytes)
  // HEAD says what GET would. Without a length and a stream nobody knows: then it says no more than that it depends.
  const isLong = known === -1 ? !isHead || head.isChunked === true : known >= least
  const plainLines = lines.varied()
  if (coding === null || !isLong || lines.isPart || BODYLESS.has(head.status))
    return { coding: null, lines: plainLines, plainLines, refusesIdentity, contentLength }
  return { coding, lines: lines.compressed(coding), plainLines, refusesIdentity, contentLength }
}

const BODYLESS: ReadonlySet<number> = new Set([204, 205, 206])

/** A client that asked with the weak validator has a compressed answer: the strong one would be another's (RFC 9111 4.3.4). */
function planNotModified(lines: AnswerLines, { fields }: Asked): Plan | null {
  if (!lines.mayBeTransformed || (lines.hasType && !lines.isCompressible)) return null
  const { etag, contentLength } = lines
  const isWeakened = etag.startsWith('"') && fields.ifNoneMatch.includes(`W/${etag}`)
  const text = isWeakened ? lines.weakened() : lines.varied()
  return { coding: null, lines: text, plainLines: text, refusesIdentity: false, contentLength }
}
