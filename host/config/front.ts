/** What the host does in front of an app, of the manifest's `static` and `sendfile`: folders as absolute paths, and whether they are there. */
import { relative, resolve, sep } from "node:path"
import type { AppSpec, SendfileFolder, StaticFolder } from "../../runtimes/app-spec.ts"
import { type Document, problemAt } from "./document.ts"
import type { FileView } from "./files.ts"
import { formatPath, type PathSegment, type Problem } from "./problem.ts"
import type { AppManifestInput } from "./schema.ts"
import { parseAge } from "./units.ts"

export interface FrontPlace {
  readonly document: Document
  readonly at: readonly PathSegment[]
  readonly dir: string
  readonly files: FileView
}

type Front = Pick<AppSpec, "static" | "sendfile">

export async function frontOf(
  given: AppManifestInput,
  place: FrontPlace,
): Promise<Front & { readonly problems: readonly Problem[] }> {
  const problems: Problem[] = []
  const { document, at, dir, files } = place
  const seen = async (path: readonly PathSegment[], file: string, kind: "file" | "dir"): Promise<void> => {
    if ((await files.kind(file)) === kind) return
    // A build may make it later: the app itself can run.
    const message = `"${formatPath(path)}": there is no ${kind === "dir" ? "folder" : "file"} ${file} yet`
    problems.push(problemAt(document, [...at, ...path], message, { severity: "warning" }))
  }
  for (const [index, one] of (given.static ?? []).entries()) {
    const key = one.dir === undefined ? "file" : "dir"
    await seen(["static", index, key], resolve(dir, one.dir ?? one.file ?? ""), key)
    const fallback =
      one.dir === undefined || one.fallback === undefined ? null : resolve(dir, one.dir, one.fallback)
    if (fallback !== null && relative(resolve(dir, one.dir!), fallback).split(sep)[0] === "..")
      problems.push(
        problemAt(document, [...at, "static", index, "fallback"], '"fallback" is a file below "dir"'),
      )
  }
  for (const [index, one] of (given.sendfile ?? []).entries())
    await seen(["sendfile", index, "dir"], resolve(dir, one.dir), "dir")
  return {
    static: (given.static ?? []).map((one) => staticFolder(one, dir)),
    sendfile: (given.sendfile ?? []).map((one) => sendfileFolder(one, dir)),
    problems,
  }
}

function staticFolder(given: NonNullable<AppManifestInput["static"]>[number], dir: string): StaticFolder {
  const { path, prefix } = urlPath(given.path === "/" && given.file === undefined ? "/*" : given.path)
  const file = resolve(dir, given.dir ?? given.file ?? "")
  return {
    path,
    prefix,
    file,
    index: prefix && given.index !== false ? (given.index ?? "index.html") : null,
    fallback: given.fallback === undefined ? null : resolve(file, given.fallback),
    missing: given.missing ?? (prefix && path === "" ? "app" : "404"),
    cacheControl: cacheControl(given.cache ?? "0s"),
    precompressed: given.precompressed ?? true,
  }
}

function sendfileFolder(
  given: NonNullable<AppManifestInput["sendfile"]>[number],
  dir: string,
): SendfileFolder {
  return { path: urlPath(given.path).path, dir: resolve(dir, given.dir) }
}

/** As it is compared: decoded, without the `/` at its end. */
function urlPath(text: string): { path: string; prefix: boolean } {
  const prefix = text.endsWith("/*")
  const path = (prefix ? text.slice(0, -2) : text).replace(/\/+$/, "")
  try {
    return { path: decodeURIComponent(path), prefix }
  } catch {
    return { path, prefix }
  }
}

const YEAR_SECONDS = 31_536_000

function cacheControl(text: string): string {
  if (text === "immutable") return `public, max-age=${YEAR_SECONDS}, immutable`
  const seconds = parseAge(text) ?? 0
  return seconds === Number.POSITIVE_INFINITY ? "" : `public, max-age=${seconds}`
}
