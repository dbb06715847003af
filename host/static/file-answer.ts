/**
 * The answer with a file that was found: whole, in parts, not modified, or refused by a condition. Shared by static files and files
 * that are sent in an app's place (`sendfile-filter.ts`), which differ in what the head says besides.
 */
import type { ClientErrorCode } from "../../protocol/errors.ts"
import type { Exchange } from "../../protocol/exchange.ts"
import type { ErrorPages } from "../../runtimes/app-spec.ts"
import { errorAnswer } from "../listener/error-page.ts"
import type { FoundFile } from "./find-file.ts"
import { judge } from "./library.ts"
import { type Loaded, WHOLE_BYTES } from "./look-ups.ts"
import { multipart, type Part, type Piece, readRanges } from "./ranges.ts"
import type { FileFields } from "./request-lines.ts"
import { transfer } from "./transfer.ts"

/** What an answer says besides what the file says. */
export interface Dress {
  /** In place of the file's own; null: that. */
  readonly type: string | null
  /** Header lines, Latin-1: Cache-Control and whatever else. */
  readonly lines: string
  /** Names of the request's fields that the answer depends on, besides Accept-Encoding where there are variants. */
  readonly vary: string
  /** All answers with what is loaded are dressed the same. */
  readonly isFixed: boolean
}

export interface AskedFile {
  readonly out: Exchange
  readonly method: string
  readonly conditions: FileFields["conditions"]
  readonly dress: Dress
  /** "failed": why it could not be read. */
  readonly events: {
    changed(): void
    failed(error: unknown): void
    refused(code: RefusalCode, size: number): void
  }
}

export type RefusalCode = "PRECONDITION_FAILED" | "RANGE_NOT_SATISFIABLE"

/** Answers now or later. Never throws. */
export function answerFile(asked: AskedFile, loaded: Loaded): void {
  if (asked.conditions !== null) {
    judged(asked, loaded, asked.conditions).catch((error: unknown) => asked.events.failed(error))
    return
  }
  const { out, method } = asked
  const lines = plainLines(loaded, asked.dress)
  if (method === "HEAD") out.respond({ status: 200, reason: "", lines }, null, true)
  else if (loaded.body !== null && loaded.body.length <= WHOLE_BYTES)
    out.respond({ status: 200, reason: "", lines }, loaded.body, true)
  else send(asked, loaded, { status: 200, lines, pieces: whole(loaded.file) })
}

/** The page of an error, with header lines of its own. */
export function answerError(out: Exchange, code: ClientErrorCode, context: ErrorPlace): void {
  if (out.finished || out.responded) return
  const { status, headers, body } = errorAnswer(code, {
    ...context,
    requestId: out.requestId,
    retryAfterSeconds: null,
  })
  let lines = context.lines ?? ""
  for (let i = 0; i < headers.length; i += 2)
    // Files have methods of their own.
    if (headers[i] !== "Allow") lines += `${headers[i]}: ${headers[i + 1]}\r\n`
  const bytes = Buffer.from(body)
  out.respond(
    { status, reason: "", lines: Buffer.from(lines, "latin1") },
    context.isHead ? null : bytes,
    true,
  )
}

export interface ErrorPlace {
  readonly app: string
  readonly pages: ErrorPages
  readonly accept: string
  readonly isHead: boolean
  /** Header lines of this answer. */
  readonly lines?: string
}

async function judged(
  asked: AskedFile,
  loaded: Loaded,
  conditions: NonNullable<FileFields["conditions"]>,
): Promise<void> {
  const { file } = loaded
  const { identity, validators, coding } = file
  const parts = conditions.range === undefined ? null : readRanges(conditions.range, identity.size)
  const first = parts?.[0]
  const range =
    parts === null ? null : first === undefined ? "bytes=-" : `bytes=${first.start}-${first.end - 1}`
  const verdict = await judge(file.path, conditions, {
    identity,
    lastModified: validators.lastModified,
    suffix: coding === null ? "" : `-${coding}`,
    range,
  })
  const { out, events, method, dress } = asked
  if (out.finished) return
  if (verdict === null) events.changed()
  else if (verdict.status === 412) events.refused("PRECONDITION_FAILED", identity.size)
  else if (verdict.status === 416) events.refused("RANGE_NOT_SATISFIABLE", identity.size)
  else if (verdict.status === 304)
    out.respond({ status: 304, reason: "", lines: linesOf(file, dress, null) }, null, true)
  else if (verdict.status === 200) answerFile({ ...asked, conditions: null }, loaded)
  else {
    const answer = partial(loaded, dress, parts as readonly Part[])
    if (method === "HEAD") out.respond({ status: 206, reason: "", lines: answer.lines }, null, true)
    else send(asked, loaded, answer)
  }
}

interface FileAnswer {
  readonly status: number
  readonly lines: Uint8Array
  readonly pieces: readonly Piece[]
}

function partial({ file }: Loaded, dress: Dress, parts: readonly Part[]): FileAnswer {
  const { size } = file.identity
  const [part] = parts as [Part]
  if (parts.length === 1) {
    const range = `Content-Range: bytes ${part.start}-${part.end - 1}/${size}\r\n`
    const lines = linesOf(file, dress, { length: part.end - part.start, range })
    return { status: 206, lines, pieces: parts }
  }
  const { pieces, length, contentType } = multipart(parts, size, dress.type ?? file.type)
  return { status: 206, lines: linesOf(file, { ...dress, type: contentType }, { length, range: "" }), pieces }
}

function send({ out, events }: AskedFile, loaded: Loaded, { status, lines, pieces }: FileAnswer): void {
  transfer(out, loaded, { head: { status, reason: "", lines }, pieces }).then(
    (result) => {
      if (result === "changed" && !out.finished) events.changed()
    },
    (error: unknown) => {
      if (!out.finished) events.failed(error)
    },
  )
}

function whole({ identity }: FoundFile): readonly Piece[] {
  return [{ start: 0, end: identity.size }]
}

function plainLines(loaded: Loaded, dress: Dress): Uint8Array {
  const { size } = loaded.file.identity
  if (!dress.isFixed) return linesOf(loaded.file, dress, { length: size })
  loaded.lines ??= linesOf(loaded.file, dress, { length: size })
  return loaded.lines
}

/** `content`: null for 304, which says nothing of it (RFC 9110 15.4.5). */
function linesOf(
  file: FoundFile,
  dress: Dress,
  content: { readonly length: number; readonly range?: string } | null,
): Uint8Array {
  let lines = ""
  if (content !== null) {
    const type = dress.type ?? file.type
    if (type !== "") lines = `Content-Type: ${type}\r\n`
    lines += `Content-Length: ${content.length}\r\n${content.range ?? ""}`
    if (file.coding !== null) lines += `Content-Encoding: ${file.coding}\r\n`
  }
  lines += `Last-Modified: ${file.validators.lastModified}\r\nETag: ${file.validators.etag}\r\n`
  if (content !== null && content.range === undefined) lines += "Accept-Ranges: bytes\r\n"
  const vary = [...(file.varies ? ["Accept-Encoding"] : []), ...(dress.vary === "" ? [] : [dress.vary])]
  if (vary.length > 0) lines += `Vary: ${vary.join(", ")}\r\n`
  return Buffer.from(lines + dress.lines, "latin1")
}
