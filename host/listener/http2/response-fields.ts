/**
 * The field sections of answers as node:http2 takes them, made from the lines that `response-head.ts` has checked. An app says the
 * same of most of its answers: what was made of remembered lines is kept beside them, and only what changes is written in.
 */
import type { OutgoingHttpHeaders } from "node:http2"
import type { ListenerServices } from "../http1/services.ts"
import type { ResponseHeads, ResponseLines } from "../response-head.ts"

export interface AnswerParts {
  readonly status: number
  /** Length of the body when the app has not told it; -1: it is not told. */
  readonly contentLength: number
}

/** The fields of an answer; good until the next call, node:http2 copies them. What is undefined is not sent. */
export function answerFields(
  lines: ResponseLines,
  { status, contentLength }: AnswerParts,
  { dateLine, hstsLine }: Pick<ListenerServices, "dateLine" | "hstsLine">,
): OutgoingHttpHeaders {
  const kept = lines as Kept
  let fields = kept[FIELDS]
  if (fields === undefined) {
    fields = { ":status": status, ...fieldsOf(lines.text) }
    kept[FIELDS] = fields
  }
  fields[":status"] = status
  if (!lines.hasDate) fields["date"] = valueIn(dateLine.text)
  if (!lines.hasHsts) fields["strict-transport-security"] = hstsLine === "" ? undefined : valueIn(hstsLine)
  const length = lines.contentLength === -1 ? contentLength : lines.contentLength
  // RFC 9110 8.6 and 15.3.6: there is nothing to have a length.
  fields["content-length"] = length === -1 || status === 204 || status === 205 ? undefined : String(length)
  return fields
}

/** Fields of lines `Name: value\r\n`: of trailers, of an informational answer. */
export function fieldsOf(text: string): OutgoingHttpHeaders {
  // Without a prototype: `__proto__` is a name like any other.
  const fields: OutgoingHttpHeaders = Object.create(null)
  for (let at = 0; at < text.length; ) {
    const colon = text.indexOf(":", at)
    const end = text.indexOf("\r\n", colon)
    const name = text.slice(at, colon).toLowerCase()
    const value = withoutSpaces(text, colon + 1, end)
    at = end + 2
    // RFC 9113 8.2.2: they belong to a connection; the others do not come so far (`response-field.ts`).
    if (name === "te" || name === "http2-settings") continue
    const before = fields[name]
    if (before === undefined) fields[name] = value
    else if (Array.isArray(before)) before.push(value)
    else fields[name] = [String(before), value]
  }
  return fields
}

/** The fields of an answer's trailers, or null when the lines are none. */
export function trailerFields(lines: Uint8Array, heads: ResponseHeads): OutgoingHttpHeaders | null {
  try {
    return fieldsOf(heads.readLines(lines).text)
  } catch {
    // They are the last thing of an answer that is right so far: it ends without them.
    return null
  }
}

const FIELDS = Symbol("polyhost.http2.fields")
type Kept = { [FIELDS]?: OutgoingHttpHeaders }

/** Of one line `Name: value\r\n` of the host's own. */
function valueIn(line: string): string {
  return line.slice(line.indexOf(":") + 2, -2)
}

/** `trim` would take 0xA0 for a space too. */
function withoutSpaces(text: string, from: number, to: number): string {
  let [start, end] = [from, to]
  while (start < end && (text[start] === " " || text[start] === "\t")) start++
  while (end > start && (text[end - 1] === " " || text[end - 1] === "\t")) end--
  return text.slice(start, end)
}
