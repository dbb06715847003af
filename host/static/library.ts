/**
 * What the library (`@fastify/send`) decides: the type of a file, its validators, conditions, a single range. It is asked with
 * HEAD, so that it opens nothing: bytes are read and sent here. Conditions are written for it so that its answers are those of
 * RFC 9110 13 for a strong ETag; each difference stands beside the line that makes up for it.
 */
import { extname } from "node:path"
import send, { type SendResult } from "@fastify/send"
import type { Part } from "./ranges.ts"
import type { Condition, FileFields } from "./request-lines.ts"

/** What makes two looks at a file the same file: numbers of `fs.Stats`. */
export interface Identity {
  readonly dev: number
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
}

/** Another word for changed: the same file may get another name or another link, which changes `ctimeMs` alone. */
export function sameContent(a: Identity, b: Identity): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.dev === b.dev
}

export function sameFile(a: Identity, b: Identity): boolean {
  return sameContent(a, b) && a.ctimeMs === b.ctimeMs
}

export interface Validators {
  readonly etag: string
  readonly lastModified: string
}

/** A file whose conditions are judged. */
export interface Judged {
  readonly identity: Identity
  readonly lastModified: string
  /** What its ETag has after the library's: the coding. */
  readonly suffix: string
  /** What is left of Range after it was read; null: nothing. */
  readonly range: string | null
}

export type Verdict =
  | { readonly status: 200 | 304 | 412 | 416 }
  | { readonly status: 206; readonly part: Part }

export const UNKNOWN_TYPE = "application/octet-stream"

export function typeOf(name: string): string {
  const type = send.mime.getType(`/file${extname(name)}`)
  // RFC 9110 8.3: without a type clients guess, and see pages where none was meant.
  if (type === null) return UNKNOWN_TYPE
  return send.isUtf8MimeType(type) ? `${type}; charset=utf-8` : type
}

/** Validators of the file at `path`, and its identity when the library looked. Null: it is no file any more. */
export async function inspect(
  path: string,
  suffix: string,
): Promise<{ validators: Validators; stat: Identity } | null> {
  const result = await ask(path, {})
  if (result.type !== "file") return null
  const { headers } = result
  const etag = strong(headers["ETag"] ?? "", suffix)
  return { validators: { etag, lastModified: headers["Last-Modified"] ?? "" }, stat: result.metadata.stat }
}

/** What the conditions of a request come to. Null: it is no file any more, or not the same. */
export async function judge(
  path: string,
  conditions: NonNullable<FileFields["conditions"]>,
  file: Judged,
): Promise<Verdict | null> {
  const result = await ask(path, written(conditions, file))
  const status = result.statusCode
  if (result.type === "error") return status === 412 || status === 416 ? { status } : null
  if (result.type !== "file" || !sameFile(result.metadata.stat, file.identity)) return null
  if (status === 200 || status === 304) return { status }
  const range = /^bytes (\d+)-(\d+)\//.exec(result.headers["Content-Range"] ?? "")
  if (status !== 206 || range === null) return null
  return { status, part: { start: Number(range[1]), end: Number(range[2]) + 1 } }
}

/** `path` is absolute. */
function ask(path: string, headers: Record<string, string>): Promise<SendResult> {
  const request = { method: "HEAD", headers }
  return send(
    // It reads `method` and `headers` alone.
    request as unknown as Parameters<typeof send>[0],
    path.split("/").map(encodeURIComponent).join("/"),
    { dotfiles: "allow", index: false, cacheControl: false, contentType: false },
  )
}

/** The library's tag is weak, made of size and modification time. nginx's is made of the same and strong: a download can go on with it. */
function strong(etag: string, suffix: string): string {
  return `${etag.slice(2, -1)}${suffix}"`
}

function written(
  conditions: NonNullable<FileFields["conditions"]>,
  { suffix, range, lastModified }: Judged,
): Record<string, string> {
  const headers: Record<string, string> = {}
  const set = (name: Condition, value: string | undefined): void => {
    if (value !== undefined) headers[name] = value
  }
  // It would compare weak tags here; RFC 9110 13.1.1 does not.
  set("if-match", tags(conditions["if-match"], suffix, true))
  // RFC 9110 13.2.2: a time counts only where no tag is given, and only if it is one.
  if (conditions["if-match"] === undefined)
    set("if-unmodified-since", date(conditions["if-unmodified-since"]))
  set("if-none-match", tags(conditions["if-none-match"], suffix, false))
  set("if-modified-since", date(conditions["if-modified-since"]))
  if (range === null) return headers
  headers["range"] = range
  const ifRange = conditions["if-range"]
  if (ifRange === undefined) return headers
  // It looks for its own weak tag somewhere in the value; RFC 9110 13.1.5: one strong tag, or the exact time.
  const tag = /^"[^"]*"$/.test(ifRange) ? tags(ifRange, suffix, true) : undefined
  if (tag !== undefined) headers["if-range"] = `W/${tag}`
  else headers["if-range"] = date(ifRange) === lastModified ? lastModified : NO_TAG
  return headers
}

/** The tags of a list as the library knows them: without our suffix. Others become one that no file has. */
function tags(list: string | undefined, suffix: string, strongOnly: boolean): string | undefined {
  if (list === undefined || list === "*") return list
  if (list === "") return NO_TAG
  return list.replace(/(W\/)?"([^"]*)"/g, (_, isWeak: string | undefined, tag: string) => {
    if ((strongOnly && isWeak !== undefined) || !tag.endsWith(suffix)) return NO_TAG
    return `"${tag.slice(0, tag.length - suffix.length)}"`
  })
}

/** A date of HTTP (RFC 9110 5.6.7) in its usual form: the library takes whatever `Date.parse` takes. */
function date(value: string | undefined): string | undefined {
  if (value === undefined || !HTTP_DATE.test(value)) return undefined
  const ms = Date.parse(value.endsWith("GMT") ? value : `${value} GMT`)
  return Number.isNaN(ms) ? undefined : new Date(ms).toUTCString()
}

const NO_TAG = '"-"'
const HTTP_DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})$/
