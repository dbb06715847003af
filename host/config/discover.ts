/**
 * From the "apps" of a host config, or a PATH of the command line, to the places where apps stand. Owns which folders
 * count as apps; reads manifests and checks their shape; builds nothing.
 */
import { basename, dirname, join, resolve } from "node:path"
import { messageOf } from "../../protocol/errors.ts"
import type { AppSource } from "./app-source.ts"
import { nameOfFolder } from "./app-spec.ts"
import { detectRuntime } from "./detect.ts"
import { type Document, documentOf, problemAt, unusableDocument } from "./document.ts"
import type { FileView } from "./files.ts"
import { expandGlob, isGlob } from "./glob.ts"
import { displayPath, formatSeen, type PathSegment, type Problem } from "./problem.ts"
import { appManifestSchema } from "./schema.ts"
import { didYouMean } from "./suggest.ts"
import { type Fault, validate, valueAt } from "./validate.ts"

export const HOST_CONFIG_NAME = "polyhost.json"
export const APP_MANIFEST_NAME = "polyhost.app.json"
const LOCK_FILE_NAME = "polyhost.lock.json"

export interface BrokenApp {
  readonly name: string
  readonly dir: string
  readonly problems: readonly Problem[]
}

export interface Discovered {
  readonly sources: readonly AppSource[]
  readonly broken: readonly BrokenApp[]
  /** About the list itself. */
  readonly problems: readonly Problem[]
}

/** Apps of a host config. `faults` are those of its schema; the ones inside an inline app belong to that app. */
export async function discoverApps(
  document: Document,
  faults: readonly Fault[],
  options: { root: string; files: FileView },
): Promise<Discovered> {
  const { root, files } = options
  const list = valueAt(document.value, ["apps"])
  const entries: readonly unknown[] = Array.isArray(list) ? list : []
  const named: AppSource[] = []
  const matched: AppSource[] = []
  const broken: BrokenApp[] = []
  const problems: Problem[] = []
  const read = async (entry: unknown, index: number): Promise<void> => {
    const at = ["apps", index]
    if (isInlineApp(entry)) {
      const own = faults.filter((one) => one.path[0] === "apps" && one.path[1] === index)
      const inline = await inlineApp(document, at, { own, root, files })
      if ("source" in inline) named.push(inline.source)
      else broken.push(inline)
      return
    }
    if (typeof entry !== "string" || entry === "") return
    const path = resolve(root, entry)
    const kind = await files.kind(path)
    if (kind === "dir") named.push(await folderApp(path, { document, at }, files))
    else if (kind !== null) named.push(await manifestApp(path, files))
    else if (isGlob(entry)) {
      const apps = await globApps(entry, { document, at }, options)
      matched.push(...apps)
      if (apps.length > 0) return
      const message = `"apps[${index}]" is ${formatSeen(entry)}, which matches no folder with an app below ${root}`
      problems.push(problemAt(document, at, message, { severity: "warning" }))
    } else broken.push(await absentApp(document, at, { path, root, files }))
  }
  for (const [index, entry] of entries.entries()) {
    try {
      await read(entry, index)
    } catch (error) {
      // A folder or manifest that cannot be read fails this entry alone.
      const name = typeof entry === "string" ? nameOfFolder(entry) : `apps-${index}`
      broken.push({ name, dir: root, problems: [problemAt(document, ["apps", index], messageOf(error))] })
    }
  }
  return { sources: withoutRepeats(named, matched), broken, problems }
}

/** True for an entry of "apps" that is an app of its own: what is wrong inside it is that app's trouble alone. */
export function isInlineApp(entry: unknown): boolean {
  return typeof entry === "object" && entry !== null && !Array.isArray(entry)
}

/** The app in a folder. Without a manifest its problems are shown at `place`, where the folder is named. */
export async function folderApp(
  dir: string,
  place: { document: Document; at: readonly PathSegment[] } | null,
  files: FileView,
): Promise<AppSource> {
  const manifest = join(dir, APP_MANIFEST_NAME)
  if ((await files.list(dir)).has(APP_MANIFEST_NAME)) return manifestApp(manifest, files)
  const { document, at } = place ?? { document: documentOf(dir, {}), at: [] }
  return { document, at, faults: [], dir, manifest: null }
}

export async function manifestApp(path: string, files: FileView): Promise<AppSource> {
  const isFolder = (await files.kind(path)) === "dir"
  const document = isFolder
    ? unusableDocument(path, "this is a folder; expected a file: the manifest of an app")
    : await manifestDocument(path, files)
  // A document that is not JSON has one trouble, not one a missing key.
  const isJson = document.problems.every((problem) => problem.path !== "")
  const faults = isJson ? validate(appManifestSchema, document) : []
  return { document, at: [], faults, dir: dirname(path), manifest: path }
}

async function manifestDocument(path: string, files: FileView): Promise<Document> {
  if (/\.jsonc?$/.test(path)) return (await files.document(path)) ?? documentOf(path, undefined)
  const message = 'this is no manifest (a .json file); name the folder of the app, and the file with "entry"'
  return unusableDocument(path, message)
}

async function inlineApp(
  document: Document,
  at: readonly PathSegment[],
  options: { own: readonly Fault[]; root: string; files: FileView },
): Promise<{ source: AppSource } | BrokenApp> {
  const { own, root, files } = options
  const faults = own.map((fault) => ({ path: fault.path.slice(at.length), problem: fault.problem }))
  const value = valueAt(document.value, [...at, "dir"])
  const given = valueAt(document.value, [...at, "name"])
  if (typeof value !== "string" || value === "") {
    const name = typeof given === "string" ? given : at.join("-")
    return { name, dir: root, problems: faults.map((fault) => fault.problem) }
  }
  const dir = resolve(root, value)
  if ((await files.kind(dir)) === "dir") return { source: { document, at, faults, dir, manifest: null } }
  const name = typeof given === "string" ? given : nameOfFolder(dir)
  const near = await neighbours(dir, root, files)
  const message = `"dir" is ${formatSeen(value)}, but there is no folder ${dir}${didYouMean(value, near)}`
  const problems = [...faults.map((fault) => fault.problem), problemAt(document, [...at, "dir"], message)]
  return { name, dir, problems }
}

async function globApps(
  pattern: string,
  place: { document: Document; at: readonly PathSegment[] },
  options: { root: string; files: FileView },
): Promise<readonly AppSource[]> {
  const { files } = options
  const apps: AppSource[] = []
  for (const path of await expandGlob(pattern, options.root, files)) {
    if ((await files.kind(path)) === "file") {
      if (isManifestOf(pattern, basename(path))) apps.push(await manifestApp(path, files))
      continue
    }
    if (await looksLikeApp(path, options)) apps.push(await folderApp(path, place, files))
  }
  return apps
}

/** `./*` means folders: the package.json and tsconfig.json that stand beside them are no manifests, `./*.json` says that they are. */
function isManifestOf(pattern: string, name: string): boolean {
  if (name === HOST_CONFIG_NAME || name === LOCK_FILE_NAME) return false
  return name === APP_MANIFEST_NAME || (/\.jsonc?$/.test(pattern) && /\.jsonc?$/.test(name))
}

async function looksLikeApp(dir: string, options: { root: string; files: FileView }): Promise<boolean> {
  try {
    if ((await options.files.list(dir)).has(APP_MANIFEST_NAME)) return true
    return (await detectRuntime(dir, options)) !== null
  } catch {
    // A file in it cannot be read: not silently left out; building it will say why. A closed folder is no app.
    return (await options.files.list(dir).catch(() => null)) !== null
  }
}

async function absentApp(
  document: Document,
  at: readonly PathSegment[],
  options: { path: string; root: string; files: FileView },
): Promise<BrokenApp> {
  const { path, root, files } = options
  const seen = String(valueAt(document.value, at))
  const near = await neighbours(path, root, files)
  const message = `there is no folder or file ${path}${didYouMean(seen, near)}`
  return { name: nameOfFolder(path), dir: path, problems: [problemAt(document, at, message)] }
}

async function neighbours(path: string, root: string, files: FileView): Promise<readonly string[]> {
  const parent = dirname(path)
  return [...(await files.list(parent)).keys()].map((name) => `./${displayPath(join(parent, name), root)}`)
}

/** A folder that is named counts once, and a pattern that matches it too adds nothing. */
function withoutRepeats(named: readonly AppSource[], matched: readonly AppSource[]): readonly AppSource[] {
  const claimed = new Set(named.map((source) => source.dir))
  const kept: AppSource[] = []
  const seen = new Set<string>()
  for (const source of [...named, ...matched.filter((one) => !claimed.has(one.dir))]) {
    const isInline =
      isInlineApp(valueAt(source.document.value, source.at)) &&
      source.manifest === null &&
      source.at.length > 0
    const key = source.manifest ?? source.dir
    if (!isInline && seen.has(key)) continue
    if (!isInline) seen.add(key)
    kept.push(source)
  }
  return kept
}
