/**
 * `errorPages`: the files that an app, or the host config, gives in place of the host's error answers. Owns which reason
 * codes may be named where, and reading the files, once, at load. Filling them in is `host/listener/error-page.ts`.
 */
import { readFile, realpath, stat } from "node:fs/promises"
import { extname, isAbsolute, relative, resolve, sep } from "node:path"
import { type ClientErrorCode, messageOf } from "../../protocol/errors.ts"
import type { ErrorPage, ErrorPages } from "../../runtimes/app-spec.ts"
import { type Document, problemAt } from "./document.ts"
import { formatPath, type PathSegment, type Problem } from "./problem.ts"

/** Codes that a request to an app can be answered with. */
export const APP_PAGE_CODES = [
  "BAD_REQUEST",
  "FILE_FORBIDDEN",
  "FILE_NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "REQUEST_INCOMPLETE",
  "PRECONDITION_FAILED",
  "BODY_TOO_LARGE",
  "RANGE_NOT_SATISFIABLE",
  "FILE_UNREADABLE",
  "APP_ERROR",
  "APP_CRASHED",
  "APP_PROTOCOL_ERROR",
  "APP_RESPONSE_INVALID",
  "APP_UNAVAILABLE",
  "QUEUE_FULL",
  "QUEUE_TIMEOUT",
  "REQUEST_TIMEOUT",
  "APP_WEDGED",
] as const satisfies readonly ClientErrorCode[]

/** Codes of requests that belong to no app, or to one whose configuration is wrong. */
export const HOST_PAGE_CODES = [
  "BAD_REQUEST",
  "NO_ROUTE",
  "METHOD_NOT_ALLOWED",
  "REQUEST_INCOMPLETE",
  "TARGET_TOO_LONG",
  "EXPECTATION_FAILED",
  "HEADERS_TOO_LARGE",
  "NOT_IMPLEMENTED",
  "APP_UNAVAILABLE",
  "TOO_MANY_CONNECTIONS",
  "VERSION_NOT_SUPPORTED",
] as const satisfies readonly ClientErrorCode[]

export interface PagesPlace {
  readonly document: Document
  /** Where the object that holds "errorPages" stands. */
  readonly at: readonly PathSegment[]
  /** The folder that the paths are relative to, and that they may not leave. */
  readonly dir: string
}

export async function readErrorPages(
  given: Readonly<Record<string, string>> | undefined,
  { document, at, dir }: PagesPlace,
): Promise<{ readonly pages: ErrorPages; readonly problems: readonly Problem[] }> {
  const pages = new Map<string, ErrorPage>()
  const problems: Problem[] = []
  for (const [key, text] of Object.entries(given ?? {})) {
    const path = resolve(dir, text)
    const read = await readPage(path, dir)
    if ("body" in read) pages.set(key, read)
    else {
      const name = formatPath(["errorPages", key])
      const message = `"${name}" is ${JSON.stringify(text)}, but ${read.problem}`
      problems.push(problemAt(document, [...at, "errorPages", key], message, { part: "key" }))
    }
  }
  return { pages, problems }
}

const MAX_PAGE_BYTES = 1024 * 1024
const UTF8 = "; charset=utf-8"

async function readPage(path: string, dir: string): Promise<ErrorPage | { readonly problem: string }> {
  try {
    const real = await realpath(path)
    const inside = relative(await realpath(dir), real)
    if (inside.split(sep)[0] === ".." || isAbsolute(inside))
      return { problem: `${path} is outside of the folder ${dir}` }
    const found = await stat(real)
    if (!found.isFile()) return { problem: `${path} is no file` }
    if (found.size > MAX_PAGE_BYTES)
      return { problem: `${path} has ${found.size} bytes; expected at most 1MB (${MAX_PAGE_BYTES} bytes)` }
    const bytes = await readFile(real)
    return { type: typeOf(path), body: new TextDecoder("utf-8", { fatal: true }).decode(bytes) }
  } catch (error) {
    if (error instanceof TypeError && "code" in error && error.code === "ERR_ENCODING_INVALID_ENCODED_DATA")
      return { problem: `${path} is not UTF-8 text` }
    const code = (error as NodeJS.ErrnoException).code
    if (["ENOENT", "ENOTDIR", "ERR_INVALID_ARG_VALUE"].includes(String(code)))
      return { problem: `there is no file ${path}` }
    return { problem: messageOf(error) }
  }
}

function typeOf(path: string): string {
  const extension = extname(path).toLowerCase()
  if (extension === ".html" || extension === ".htm") return `text/html${UTF8}`
  return extension === ".json" ? "application/json" : `text/plain${UTF8}`
}
