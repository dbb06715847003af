/**
 * The rules of DESIGN sections 3 and 9 that a program can check: who imports whom, no circles, who reads the
 * environment, who knows the names of runtimes, lengths, names. Reads sources as text; `layers.test.ts` runs it.
 */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

/** Path from the root of the checkout, with `/`, and the text. */
export type Sources = ReadonlyMap<string, string>

const FOLDERS = ["protocol", "runtimes", "host", "test"]
const SKIPPED = new Set(["node_modules", "fixtures", "dist"])
const MOST_LINES = 300

export function readSources(root: string): Sources {
  const sources = new Map<string, string>()
  for (const folder of FOLDERS) collect(root, folder, sources)
  return sources
}

/** A sentence for every breach, with the file first. */
export function findBreaches(sources: Sources): string[] {
  const imports = new Map<string, string[]>()
  const breaches: string[] = []
  for (const [file, text] of sources) {
    const code = withoutComments(text)
    const specifiers = readImports(code)
    imports.set(file, ours(file, specifiers))
    if (file.startsWith("test/")) continue
    const found = [...importBreaches(file, specifiers), ...textBreaches(file, code), ...lengthBreaches(text)]
    breaches.push(...found.map((breach) => `${file}: ${breach}`))
  }
  return [...breaches, ...findCircles(imports).map((circle) => `circle: ${circle.join(" → ")}`)]
}

function importBreaches(file: string, specifiers: readonly string[]): string[] {
  const breaches: string[] = []
  for (const target of ours(file, specifiers)) {
    const rule = forbidden(file, target)
    if (rule !== null) breaches.push(`imports ${target}: ${rule}`)
  }
  const platform = specifiers.filter((specifier) => specifier.startsWith("node:"))
  if (folderOf(file) === "protocol" && file !== "protocol/write-spec.ts" && platform.length > 0)
    breaches.push(`imports ${platform.join(", ")}: protocol/ knows no platform`)
  const bare = specifiers.filter(
    (specifier) => specifier.startsWith(".") && !/\.(ts|js|cjs|mjs|json)$/.test(specifier),
  )
  if (bare.length > 0) breaches.push(`imports ${bare.join(", ")} without a file's ending`)
  return breaches
}

const RUNTIMES_FOR_HOST = new Set([
  "runtimes/index.ts",
  "runtimes/runtime.ts",
  "runtimes/app-spec.ts",
  // How a manifest writes what an isolate may reach: checked by the config, read by the cell.
  "runtimes/outbound.ts",
  "runtimes/toolchain/index.ts",
])

function forbidden(file: string, target: string): string | null {
  const from = folderOf(file)
  const to = folderOf(target)
  if (to === "test" || to === "examples") return "nothing imports tests or examples"
  if (from === "protocol" && to !== "protocol") return "protocol/ imports nothing of ours"
  if (from === "runtimes" && to === "host") return "runtimes/ imports protocol/ only"
  if (from === "host" && to === "runtimes" && !RUNTIMES_FOR_HOST.has(target))
    return "host/ imports runtimes/ by its index and types"
  if (from === "runtimes" && isGuest(file) !== isGuest(target) && isHalf(file) && isHalf(target))
    return "host half and guest half never import each other"
  return null
}

/** What host and cell say to each other. */
const SHARED_BY_HALVES = new Set([
  "runtimes/cell/cell-messages.ts",
  "runtimes/cell/message-lines.ts",
  "runtimes/isolate/border.ts",
])

/** Files directly in runtimes/ are shared by both halves. */
function isHalf(file: string): boolean {
  return file.startsWith("runtimes/") && file.split("/").length > 2 && !SHARED_BY_HALVES.has(file)
}

/** What runs where apps run: guests, and all that is in a cell's process. */
function isGuest(file: string): boolean {
  return (
    file.startsWith("runtimes/guest/") ||
    /^runtimes\/[^/]+\/(guest[/.]|inside\/)/.test(file) ||
    /^runtimes\/isolate\/(web|ops|egress|cell)\//.test(file)
  )
}

interface TextRule {
  readonly pattern: RegExp
  readonly where: (file: string) => boolean
  readonly rule: string
}

const inside =
  (...starts: string[]) =>
  (file: string): boolean =>
    starts.some((start) => file.startsWith(start))

/** Programs of the build, that people run by hand. */
const isScript = (file: string): boolean => /\/write-[a-z-]+\.ts$/.test(file)

const TEXT_RULES: readonly TextRule[] = [
  {
    pattern: /["'](node|bun|deno|thread|isolate|python|ruby|command)["']/,
    where: (file) => file.startsWith("host/") && !inside("host/config/")(file),
    rule: "host/ never names a runtime kind",
  },
  {
    pattern: /\bprocess\.(argv|exit|exitCode)\b/,
    where: (file) => !inside("host/cli/")(file) && !isGuest(file) && !isScript(file),
    rule: "argv and exit codes only in host/cli/",
  },
  {
    pattern: /\bprocess\.env\b/,
    where: (file) => !inside("host/cli/", "host/config/")(file) && !isGuest(file),
    rule: "environment only in host/cli/ and host/config/",
  },
  {
    pattern: /\bconsole\.\w+\(/,
    where: (file) => !inside("host/cli/")(file) && !isScript(file),
    rule: "console nowhere but the CLI",
  },
  {
    pattern:
      /^export (?:abstract |async )?(?:class|function|const|interface|type) \w*(?:Manager|Helper|Util|Base)s?\b/m,
    where: () => true,
    rule: "no Manager, Helper, Util or Base",
  },
  { pattern: /^export default/m, where: () => true, rule: "no default exports" },
  { pattern: /(?::|\bas|<)\s*any\s*(?:[,;)=\]>|[{]|$)/m, where: () => true, rule: "no any" },
  { pattern: /^(?:export )?let /m, where: () => true, rule: "no module-level mutable state" },
]

function textBreaches(file: string, code: string): string[] {
  const breaches: string[] = []
  for (const { pattern, where, rule } of TEXT_RULES) {
    const match = where(file) ? pattern.exec(code) : null
    if (match !== null) breaches.push(`line ${lineOf(code, match.index)} has ${match[0].trim()}: ${rule}`)
  }
  return breaches
}

/** A longer file says why in its first comment: `Longer than 300 lines: …`. */
function lengthBreaches(text: string): string[] {
  const lines = text.trimEnd().split("\n").length
  const head = /^\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? ""
  if (lines <= MOST_LINES || /Longer than 300 lines: /.test(head)) return []
  return [`${lines} lines: at most ${MOST_LINES}, or a head that says "Longer than 300 lines: " and why`]
}

/** Every circle once, by a walk in depth. */
function findCircles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = []
  const done = new Set<string>()
  const walk = (file: string, path: string[]): void => {
    const at = path.indexOf(file)
    if (at >= 0) circles.push([...path.slice(at), file])
    if (at >= 0 || done.has(file)) return
    for (const target of imports.get(file) ?? []) walk(target, [...path, file])
    done.add(file)
  }
  for (const file of imports.keys()) walk(file, [])
  return circles
}

function readImports(code: string): string[] {
  const pattern =
    /^(?:import|export)\s(?:(?:type\s)?[\w$*{][\w$*{},\s]*\sfrom\s*)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/gm
  return [...code.matchAll(pattern)].map(([, fixed, dynamic]) => fixed ?? dynamic ?? "")
}

function ours(file: string, specifiers: readonly string[]): string[] {
  const local = specifiers.filter((specifier) => specifier.startsWith("."))
  return local.map((specifier) => normalize(join(dirname(file), specifier)).replaceAll("\\", "/"))
}

/** The same lines with comments blank. A `//` in a string is safe after a colon or a quote. */
function withoutComments(text: string): string {
  const blank = (comment: string): string => comment.replace(/[^\n]/g, " ")
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, blank).replace(/(?<![:"'`/])\/\/ .*$/gm, blank)
}

function folderOf(file: string): string {
  return file.slice(0, Math.max(0, file.indexOf("/")))
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length
}

function collect(root: string, folder: string, sources: Map<string, string>): void {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) collect(root, path, sources)
    else if (entry.isFile() && entry.name.endsWith(".ts"))
      sources.set(path, readFileSync(join(root, path), "utf8"))
  }
}
