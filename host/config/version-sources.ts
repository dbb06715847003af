/**
 * Where a folder says which runtime and version it wants: package.json `devEngines.runtime`, version files, the files
 * of tools that manage many runtimes, `volta`. Owns their syntax; which one counts is `detect.ts`.
 */
import { join } from "node:path"
import { type Convention, DETECTABLE, TOOL_FILES } from "./conventions.ts"
import { type Document, problemAt } from "./document.ts"
import type { FileView } from "./files.ts"
import type { PathSegment, Problem } from "./problem.ts"
import { valueAt } from "./validate.ts"
import { parseVersion } from "./versions.ts"

export interface VersionSource {
  readonly convention: Convention
  /** As in RuntimeRequest; "" when the source names no version, or none that is understood. */
  readonly version: string
  readonly file: string
  readonly line: number
  readonly column: number
  /** For messages: `.nvmrc says "20"`. */
  readonly label: string
}

export interface FoundSources {
  readonly sources: readonly VersionSource[]
  readonly problems: readonly Problem[]
}

/** Sources in one folder, strongest first. */
export async function versionSources(dir: string, files: FileView): Promise<FoundSources> {
  const sources: VersionSource[] = []
  const problems: Problem[] = []
  const add = (place: Place, convention: Convention, written: string): void => {
    const version = parseVersion(written)
    const { file, line, column, label } = place
    if (version === null) {
      const message = `${label} says "${written.slice(0, 60)}", which is no version or range; any version of ${convention.name} is used`
      problems.push({ file, line, column, severity: "warning", path: "", message })
    }
    sources.push({
      convention,
      version: version ?? "",
      file,
      line,
      column,
      label: `${label} says "${written.slice(0, 60)}"`,
    })
  }

  const names = await files.list(dir)
  const packageJson = names.has("package.json") ? await files.document(join(dir, "package.json")) : null
  if (packageJson !== null) addDevEngines(packageJson, add)
  for (const convention of DETECTABLE) {
    for (const name of convention.versionFiles) {
      const text = names.get(name) === "file" ? await files.text(join(dir, name)) : null
      const line = firstLine(text ?? "")
      if (line !== null)
        add({ file: join(dir, name), line: line.number, column: 1, label: name }, convention, line.text)
    }
  }
  for (const { file: name, form } of TOOL_FILES) {
    const text = names.get(name) === "file" ? await files.text(join(dir, name)) : null
    for (const tool of toolLines(text ?? "", form)) {
      const convention = conventionOf(tool.name)
      if (convention !== null)
        add({ file: join(dir, name), line: tool.line, column: 1, label: name }, convention, tool.version)
    }
  }
  if (packageJson !== null) addVolta(packageJson, add)
  return { sources, problems }
}

/** `engines` of a package.json for one runtime: what the package says it works with. */
export function enginesOf(
  packageJson: Document,
  convention: Convention,
): { range: string; path: readonly string[] } | null {
  for (const tool of convention.toolNames) {
    const range = valueAt(packageJson.value, ["engines", tool])
    if (typeof range === "string" && range.trim() !== "") return { range, path: ["engines", tool] }
  }
  return null
}

interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly label: string
}

type Add = (place: Place, convention: Convention, written: string) => void

function addDevEngines(packageJson: Document, add: Add): void {
  const given = valueAt(packageJson.value, ["devEngines", "runtime"])
  const entries: readonly unknown[] = Array.isArray(given) ? given : [given]
  for (const [index, entry] of entries.entries()) {
    const name = valueAt(entry, ["name"])
    const version = valueAt(entry, ["version"])
    const convention = typeof name === "string" ? conventionOf(name) : null
    if (convention === null) continue
    const path: PathSegment[] = ["devEngines", "runtime", ...(Array.isArray(given) ? [index] : [])]
    const { file, line, column } = problemAt(packageJson, path, "")
    const written = typeof version === "string" ? version : ""
    add(
      { file, line, column, label: `package.json "devEngines.runtime" (${convention.name})` },
      convention,
      written,
    )
  }
}

function addVolta(packageJson: Document, add: Add): void {
  for (const convention of DETECTABLE) {
    const version = valueAt(packageJson.value, ["volta", convention.name])
    if (typeof version !== "string") continue
    const { file, line, column } = problemAt(packageJson, ["volta", convention.name], "")
    add({ file, line, column, label: `package.json "volta.${convention.name}"` }, convention, version)
  }
}

function conventionOf(tool: string): Convention | null {
  return DETECTABLE.find((one) => one.toolNames.includes(tool)) ?? null
}

function firstLine(text: string): { text: string; number: number } | null {
  for (const [index, line] of lines(text).entries()) {
    const word = line.replace(/#.*$/, "").trim()
    if (word !== "") return { text: word, number: index + 1 }
  }
  return null
}

interface ToolLine {
  readonly name: string
  readonly version: string
  readonly line: number
}

function* toolLines(text: string, form: "words" | "toml" | "toml-tools"): Generator<ToolLine> {
  let section = ""
  for (const [index, raw] of lines(text).entries()) {
    const line = raw.trim()
    if (line === "" || line.startsWith("#")) continue
    if (form === "words") {
      const [name, version] = line.replace(/\s+#.*$/, "").split(/\s+/)
      if (version !== undefined) yield { name: name!, version, line: index + 1 }
      continue
    }
    const header = /^\[([^[\]]+)\]/.exec(line)
    if (header !== null) section = header[1]!.trim()
    const pair = /^["']?(?:core:)?([\w.-]+)["']?\s*=\s*(.+)$/.exec(line)
    if (pair === null || section !== (form === "toml" ? "" : "tools")) continue
    const version = tomlVersion(pair[2]!)
    if (version !== null) yield { name: pair[1]!, version, line: index + 1 }
  }
}

/** `"22"`, `["22", "20"]` (the first) or `{ version = "22" }`. */
function tomlVersion(value: string): string | null {
  const text = value.startsWith("{") ? (/\bversion\s*=\s*(.+)$/.exec(value)?.[1] ?? "") : value
  return /^\[?\s*["']([^"']*)["']/.exec(text)?.[1] ?? null
}

function lines(text: string): readonly string[] {
  return text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)
}
