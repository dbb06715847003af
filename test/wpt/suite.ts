/** The test files in a folder of the suite's own layout: what to run, with which scripts, under which address. Reads files, runs nothing. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, posix, relative, resolve, sep } from "node:path"
import { areaOf, holdsArea } from "./areas.ts"
import { readPage } from "./html.ts"
import { parseMeta, scopeOf } from "./meta.ts"
import { reasonNotToRun } from "./not-applicable.ts"

export interface TestFile {
  /** Path from the suite's root, with the variant's query where it has one: the name in expectations. */
  readonly name: string
  readonly path: string
  readonly query: string
  readonly scope: "worker" | "window"
  readonly title: string | null
  readonly long: boolean
  readonly scripts: readonly TestScript[]
  /** Why it is not run; null where it is. */
  readonly notApplicable: string | null
}

/** A script from a file (path from the root), or of a page (text). */
export type TestScript =
  | { readonly path: string }
  | { readonly path: string; readonly text: string; readonly line: number }

/** The suite's root: the nearest folder, upwards from the given one, with its harness. */
export function findRoot(folder: string): string | null {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, "resources/testharness.js"))) return at
    if (dirname(at) === at) return null
  }
}

/** Every test under the prefixes (paths from the root; none = every area), in order of name. */
export function listTests(root: string, prefixes: readonly string[]): TestFile[] {
  const paths = walk(root, root)
    .filter((path) => areaOf(path) !== null && /[.-]any\.js$|\.(?:window|worker)\.js$|\.html$/.test(path))
    .filter((path) => !/(?:^|\/)(?:resources|support|crashtests|tools)\//.test(path))
    .filter((path) => prefixes.length === 0 || prefixes.some((prefix) => path.startsWith(prefix)))
  return paths.sort().flatMap((path) => readTests(root, path))
}

function readTests(root: string, path: string): TestFile[] {
  const text = readFileSync(join(root, path), "utf8")
  return path.endsWith(".html") ? readPageTests(root, path, text) : readScriptTests(root, path, text)
}

function readScriptTests(root: string, path: string, text: string): TestFile[] {
  const meta = parseMeta(text)
  const kind = /[.-](any|window|worker)\.js$/.exec(path)![1]
  const scope = kind === "any" ? scopeOf(meta.globals) : kind === "worker" ? "worker" : "window"
  const scripts = [...meta.scripts.map((script) => ({ path: fromRoot(path, script) })), { path }]
  const reason =
    scope === null
      ? `asks for ${meta.globals.join(", ")} only`
      : (missingOf(root, scripts) ?? reasonNotToRun(path, withScripts(root, text, scripts), scope))
  return variantsOf(meta.variants).map((query) => ({
    name: path + query,
    path,
    query,
    scope: scope ?? "worker",
    title: meta.title,
    long: meta.long,
    scripts,
    notApplicable: reason,
  }))
}

function readPageTests(root: string, path: string, html: string): TestFile[] {
  const page = readPage(html)
  // A page that does not load the harness is part of another test, or looked at by eye.
  if (!/testharness\.js/.test(html)) return []
  const scripts = page.scripts
    .filter(({ src }) => src === null || !/resources\/testharness(?:report)?\.js/.test(src))
    .map(({ src, text }) =>
      src === null
        ? { path, text, line: html.slice(0, html.indexOf(text)).split("\n").length }
        : { path: fromRoot(path, src) },
    )
  return variantsOf(page.variants).map((query) => ({
    name: path + query,
    path,
    query,
    scope: "window",
    title: page.title,
    long: page.long,
    scripts,
    notApplicable:
      page.needs ??
      missingOf(root, scripts) ??
      reasonNotToRun(
        path,
        withScripts(root, page.scripts.map(({ text }) => text).join("\n"), scripts),
        "window",
      ),
  }))
}

/** Folders of other areas may not be here. */
function missingOf(root: string, scripts: readonly TestScript[]): string | null {
  const missing = scripts.find((script) => !("text" in script) && !existsSync(join(root, script.path)))
  return missing === undefined ? null : "needs a script that is not in the folder"
}

/** A test's text with that of the scripts it loads: what they ask for, it asks for. Those for every test are left out. */
function withScripts(root: string, text: string, scripts: readonly TestScript[]): string {
  const files = scripts.filter(
    (script) => !("text" in script) && !/^(?:resources|common)\//.test(script.path),
  )
  const texts = files.map(({ path }) =>
    existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "",
  )
  return [text, ...texts].join("\n")
}

function variantsOf(variants: readonly string[]): readonly string[] {
  return variants.length === 0 ? [""] : variants
}

/** Where a script named by a test lies. */
export function fromRoot(path: string, script: string): string {
  const bare = script.replace(/[?#].*$/, "")
  // The suite's server gives the parser under this older name.
  if (bare === "/resources/WebIDLParser.js") return "resources/webidl2/lib/webidl2.js"
  return bare.startsWith("/") ? bare.slice(1) : posix.join(posix.dirname(path), bare)
}

function walk(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return mayHoldTests(relative(root, path)) ? walk(root, path) : []
    return entry.isFile() ? [relative(root, path).split(sep).join("/")] : []
  })
}

/** The whole suite has 100,000 files: folders of other areas are not read. */
function mayHoldTests(folder: string): boolean {
  const path = `${folder.split(sep).join("/")}/`
  return areaOf(path) !== null || holdsArea(path)
}
