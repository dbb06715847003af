/**
 * What an app's answer says of a file to be sent in its place: X-Accel-Redirect (nginx) names a URL, X-Sendfile (Apache, lighttpd) a
 * file. Owns what is allowed and what of the answer is kept; `sendfile-exchange.ts` sends it.
 */
import { realpath } from "node:fs/promises"
import { isAbsolute, normalize, resolve, sep } from "node:path"
import type { SendfileFolder } from "../../runtimes/app-spec.ts"
import { decodePath, pathOf } from "./url-path.ts"

export interface Handover {
  readonly field: "X-Accel-Redirect" | "X-Sendfile"
  /** As the app wrote it, bytes read as UTF-8. */
  readonly value: string
  /** The answer's lines without those of its handover. */
  readonly rest: string
  /** Of `rest`, what stays in the answer with the file. */
  readonly kept: string
  /** Content-Type of the app's, or null. */
  readonly type: string | null
}

export interface Allowed {
  /** Absolute. */
  readonly path: string
  /** The folder of the manifest that it must lie in, whatever links there are. */
  readonly root: string
}

/** Null: the answer is one like any other. `lines` is Latin-1. */
export function readHandover(lines: Uint8Array): Handover | null {
  const text = Buffer.from(lines.buffer, lines.byteOffset, lines.length).toString("latin1")
  if (!HANDOVER.test(text)) return null
  const values = new Map<string, string>()
  let rest = ""
  let kept = ""
  let type: string | null = null
  for (const line of text.split(/(?<=\r\n)/)) {
    const colon = line.indexOf(":")
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === "x-accel-redirect" || name === "x-sendfile") {
      values.set(name, values.get(name) ?? value)
      continue
    }
    rest += line
    if (name === "content-type") type = value
    if (KEPT.has(name)) kept += line
  }
  const accel = values.get("x-accel-redirect")
  const value = Buffer.from(accel ?? values.get("x-sendfile") ?? "", "latin1").toString("utf8")
  return { field: accel === undefined ? "X-Sendfile" : "X-Accel-Redirect", value, rest, kept, type }
}

/** The files that may be meant, best first. None: it is not allowed. */
export async function allowed(
  { field, value }: Handover,
  folders: readonly SendfileFolder[],
): Promise<readonly Allowed[]> {
  if (value === "" || value.includes("\0")) return []
  return field === "X-Accel-Redirect" ? redirected(value, folders) : named(value, folders)
}

/** For the log: what the app may name. */
export function allowedText(field: Handover["field"], folders: readonly SendfileFolder[]): string {
  return field === "X-Accel-Redirect"
    ? `paths below ${folders.map((it) => `${it.path}/`).join(", ")}`
    : `files below ${folders.map((it) => it.dir).join(", ")}`
}

const HANDOVER = /(?:^|\n)x-(?:accel-redirect|sendfile):/i
/** What nginx keeps; the rest of a head is about a body that is not sent. */
const KEPT: ReadonlySet<string> = new Set([
  "content-disposition",
  "content-language",
  "set-cookie",
  "cache-control",
  "expires",
])

function redirected(value: string, folders: readonly SendfileFolder[]): readonly Allowed[] {
  const path = decodePath(pathOf(value))
  if (path === null || path.split("/").includes("..")) return []
  for (const { path: below, dir } of folders)
    if (path.startsWith(`${below}/`)) return [{ path: dir + path.slice(below.length), root: dir }]
  return []
}

async function named(value: string, folders: readonly SendfileFolder[]): Promise<readonly Allowed[]> {
  const found: Allowed[] = []
  for (const { dir } of folders) {
    const path = isAbsolute(value) ? normalize(value) : resolve(dir, value)
    if (isBelow(path, dir)) found.push({ path, root: dir })
  }
  if (found.length > 0 || !isAbsolute(value)) return found
  // The manifest may name a folder by a link, and the app by where it leads.
  const real = await realpath(value).catch(() => null)
  if (real === null) return []
  for (const { dir } of folders) {
    const root = await realpath(dir).catch(() => null)
    if (root !== null && isBelow(real, root)) return [{ path: real, root: dir }]
  }
  return []
}

function isBelow(path: string, dir: string): boolean {
  return path.startsWith(dir.endsWith(sep) ? dir : dir + sep)
}
