/** Patterns in "apps": `*` and `?` within a name, `{a,b}`, `**` for any depth. Dotfolders and node_modules never match. */
import { join, resolve } from "node:path"
import type { FileView } from "./files.ts"

/** Depth of `**`: symbolic links may form circles. */
const MAX_DEPTH = 8

export function isGlob(text: string): boolean {
  return /[*?{]/.test(text)
}

/** Absolute paths that match, sorted. */
export async function expandGlob(pattern: string, root: string, files: FileView): Promise<readonly string[]> {
  const segments = pattern.replaceAll("\\", "/").split("/")
  const isAbsolute = segments[0] === ""
  let folders: readonly string[] = [isAbsolute ? "/" : root]
  for (const [index, segment] of segments.entries()) {
    if (segment === "" || segment === ".") continue
    const isLast = segments.slice(index + 1).every((rest) => rest === "")
    const next: string[] = []
    for (const folder of folders) next.push(...(await step(folder, segment, { files, isLast })))
    folders = next
  }
  return [...new Set(folders)].sort()
}

async function step(
  folder: string,
  segment: string,
  options: { files: FileView; isLast: boolean },
): Promise<readonly string[]> {
  const { files, isLast } = options
  if (segment === "**") return [folder, ...(await below(folder, files, 1))]
  if (!isGlob(segment)) {
    const path = segment === ".." ? resolve(folder, "..") : join(folder, segment)
    return (await files.kind(path)) === null ? [] : [path]
  }
  const form = toExpression(segment)
  const found: string[] = []
  for (const [name, kind] of await files.list(folder)) {
    if (isHidden(name) || !form.test(name)) continue
    if (kind === "dir" || (isLast && kind === "file")) found.push(join(folder, name))
  }
  return found
}

async function below(folder: string, files: FileView, depth: number): Promise<readonly string[]> {
  const found: string[] = []
  if (depth > MAX_DEPTH) return found
  // A folder that may not be read holds nothing that could be served.
  for (const [name, kind] of await files.list(folder).catch(() => new Map<string, never>())) {
    if (kind !== "dir" || isHidden(name)) continue
    found.push(join(folder, name), ...(await below(join(folder, name), files, depth + 1)))
  }
  return found
}

function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "node_modules"
}

function toExpression(segment: string): RegExp {
  let inBraces = false
  const source = segment.replace(/[*?{},]|[^\w*?{},]/g, (character) => {
    if (character === "*") return "[^/]*"
    if (character === "?") return "[^/]"
    if (character === "{" && !inBraces && segment.includes("}")) {
      inBraces = true
      return "(?:"
    }
    if (character === "}" && inBraces) {
      inBraces = false
      return ")"
    }
    return character === "," && inBraces ? "|" : `\\${character}`
  })
  try {
    return new RegExp(`^${source}${inBraces ? ")" : ""}$`)
  } catch {
    return /^(?!)/
  }
}
