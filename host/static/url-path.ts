/**
 * What the path of a request names below a static folder. Owns decoding and what can never be a file; the file system is asked by
 * `find-file.ts`. Decoded once, segment by segment: `%2f` is never a separator, `%00` never an end.
 */
import type { StaticFolder } from "../../runtimes/app-spec.ts"

/** Stands in a decoded path for what no file's name can hold: an encoded `/`, bytes that are no UTF-8. */
const IMPOSSIBLE = "\0"

export interface Place {
  readonly folder: StaticFolder
  /** Decoded path below the folder: "", or from its `/` on. */
  readonly rest: string
  /** False when it cannot name a file that is to be seen. */
  readonly servable: boolean
}

/** Decoded, without doubled slashes. Null: no URL path, for a malformed `%` or a NUL. */
export function decodePath(raw: string): string | null {
  if (!NEEDS_WORK.test(raw)) return raw
  if (/%(?![0-9a-fA-F]{2})|%00/.test(raw)) return null
  const segments = raw.split("/").map(decodeSegment)
  const last = segments.length - 1
  // nginx's merge_slashes. The first is the root's, the last says that a folder is meant.
  return segments.filter((it, index) => it !== "" || index === 0 || index === last).join("/")
}

/** The first folder that has the path. */
export function placeOf(folders: readonly StaticFolder[], path: string): Place | null {
  for (const folder of folders) {
    const { path: below, prefix } = folder
    if (!prefix) {
      if (path === below || (below === "" && path === "/")) return { folder, rest: "", servable: true }
    } else if (path.startsWith(below) && (path.length === below.length || path[below.length] === "/")) {
      const rest = path.slice(below.length)
      return { folder, rest, servable: isServable(path, below.length) }
    }
  }
  return null
}

/** The path of a target, without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf("?")
  return query === -1 ? target : target.slice(0, query)
}

/** A folder's address with its `/`, for Location: always on this host, whatever the client wrote. */
export function withSlash(path: string, target: string): string {
  // `//host` and `/\host` name another host to a browser.
  const local = path.replace(/^\/+/, "/").replaceAll("\\", "%5C")
  return `${local}/${target.slice(pathOf(target).length)}`
}

/** What is quick to see as plain: most paths. */
const NEEDS_WORK = /%|\/\//
const WELL_KNOWN = "/.well-known/"

function decodeSegment(text: string): string {
  if (!text.includes("%")) return text
  try {
    const decoded = decodeURIComponent(text)
    return decoded.includes("/") ? IMPOSSIBLE : decoded
  } catch {
    return IMPOSSIBLE
  }
}

/** No dotfiles, so no `..` either; what begins at `at` is below the folder. RFC 8615's folder is the exception. */
function isServable(path: string, at: number): boolean {
  if (path.includes(IMPOSSIBLE)) return false
  const dot = path.indexOf("/.", at)
  if (dot === -1) return true
  if (dot !== 0 || !path.startsWith(WELL_KNOWN)) return false
  return !path.includes("/.", WELL_KNOWN.length - 1)
}
