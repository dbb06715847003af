/**
 * Which runtime, and which version of it, a folder asks for when its manifest does not say.
 * Order: package.json `devEngines.runtime`, version files, tool files, `volta` (the app's folder, then up to the root);
 * files that mean a runtime (`deno.json`, `bun.lock`); the start command; package.json or an entry file.
 * `engines` is a check, and the range when nothing else gives one. Sources that disagree give a warning naming both.
 */
import { dirname, join, relative, sep } from "node:path"
import { type Convention, DEFAULT_CONVENTION, DETECTABLE } from "./conventions.ts"
import { problemAt } from "./document.ts"
import { hasEntryHint, startCommandOf } from "./entry.ts"
import type { FileView } from "./files.ts"
import type { Problem } from "./problem.ts"
import { enginesOf, type FoundSources, type VersionSource, versionSources } from "./version-sources.ts"
import { canAgree, parseVersion, unsupportedVersion } from "./versions.ts"

export interface DetectedRuntime {
  readonly convention: Convention
  /** As in RuntimeRequest; "" for any. */
  readonly version: string
  /** Why, for people. */
  readonly reason: string
  readonly problems: readonly Problem[]
}

export interface DetectOptions {
  /** Folder up to which version files count. */
  readonly root: string
  readonly files: FileView
}

/** Null when the folder does not look like an app. */
export async function detectRuntime(dir: string, options: DetectOptions): Promise<DetectedRuntime | null> {
  const { files } = options
  const names = await files.list(dir)
  const markers = markersOf(names)
  const marked = markers[0] ?? null
  const { sources, problems } = await nearestSources(dir, options, (source, isOwn) => {
    return isOwn || marked === null || source.convention === marked.convention
  })
  const start = await startCommandOf(dir, files)
  const first = strongest(sources, marked?.convention ?? start?.convention ?? null)
  const convention = first?.convention ?? marked?.convention ?? start?.convention ?? DEFAULT_CONVENTION
  const isOwn = marked !== null || sources.some((source) => dirname(source.file) === dir)
  if (!isOwn && !(await hasEntryHint(dir, convention, files))) return null
  const found = [...problems, ...disagreements(first, sources, dir), ...tooOld(first)]

  const reason = first?.label ?? (marked === null ? null : `${marked.file} is present`)
  const others: [string, Convention][] = []
  for (const marker of first === null ? markers.slice(1) : markers)
    others.push([`${marker.file}, which is present, means ${marker.convention.name}`, marker.convention])
  if (start !== null && reason !== null)
    others.push([`"scripts.start" runs ${start.convention.name}`, start.convention])
  for (const [label, other] of others) {
    if (other === convention) continue
    const message = `${reason} (${convention.name}), but ${label}; ${convention.name} is used. Set "runtime" in polyhost.app.json to choose`
    found.push(place(first, dir, message))
  }
  const checked = await checkEngines(dir, { convention, version: first?.version ?? "" }, files)
  const byStart = start === null ? null : `"scripts.start" runs ${start.convention.name}`
  const byFile = names.has("package.json") ? "package.json is present" : "an entry file is present"
  const why = `${reason ?? byStart ?? byFile}${checked.reason}`
  return { convention, version: checked.version, reason: why, problems: [...found, ...checked.problems] }
}

/**
 * The version for a runtime that the manifest names: its own, else the nearest version file of that runtime.
 * `problem` makes a problem that points at the manifest.
 */
export async function completeVersion(
  dir: string,
  stated: {
    readonly convention: Convention
    readonly version: string
    readonly problem: (message: string, severity: Problem["severity"]) => Problem
  },
  options: DetectOptions,
): Promise<DetectedRuntime> {
  const { convention } = stated
  const found = await nearestSources(dir, options, (source) => source.convention === convention)
  const first = found.sources[0] ?? null
  if (stated.version === "") {
    const checked = await checkEngines(dir, { convention, version: first?.version ?? "" }, options.files)
    const problems = [
      ...found.problems,
      ...disagreements(first, found.sources, dir),
      ...tooOld(first),
      ...checked.problems,
    ]
    return {
      convention,
      version: checked.version,
      reason: `${first?.label ?? "the manifest"}${checked.reason}`,
      problems,
    }
  }
  const unsupported = unsupportedVersion(convention.name, stated.version)
  const problems: Problem[] = unsupported === null ? [] : [stated.problem(unsupported, "error")]
  for (const source of found.sources) {
    // A file further up is the default of many apps; a manifest that differs from it is meant to.
    if (dirname(source.file) !== dir || canAgree(stated.version, source.version)) continue
    problems.push(
      stated.problem(
        `"runtime" asks for ${convention.name}@${stated.version}, but ${source.label}; the manifest counts`,
        "warning",
      ),
    )
  }
  const checked = await checkEngines(dir, stated, options.files)
  return {
    convention,
    version: stated.version,
    reason: "the manifest",
    problems: [...problems, ...checked.problems],
  }
}

interface Marker {
  readonly convention: Convention
  readonly file: string
}

/** One of each kind, the one that counts first. */
function markersOf(names: ReadonlyMap<string, unknown>): readonly Marker[] {
  // Later kinds first: a deno.json is about running, a bun.lock may be about installing only.
  return [...DETECTABLE].reverse().flatMap((convention) => {
    const file = convention.markers.find((name) => names.has(name))
    return file === undefined ? [] : [{ convention, file }]
  })
}

/** Sources of the nearest folder that has any, from `dir` up to the root. */
async function nearestSources(
  dir: string,
  options: DetectOptions,
  wants: (source: VersionSource, isOwn: boolean) => boolean,
): Promise<FoundSources> {
  for (const folder of foldersUpTo(dir, options.root)) {
    const found = await versionSources(folder, options.files)
    const sources = found.sources.filter((source) => wants(source, folder === dir))
    if (sources.length > 0) {
      return {
        sources,
        problems: found.problems.filter((problem) => sources.some((one) => one.file === problem.file)),
      }
    }
  }
  return { sources: [], problems: [] }
}

function foldersUpTo(dir: string, root: string): readonly string[] {
  const folders = [dir]
  if (!dir.startsWith(root.endsWith(sep) ? root : root + sep)) return folders
  for (let folder = dirname(dir); ; folder = dirname(folder)) {
    folders.push(folder)
    if (folder === root) return folders
  }
}

/** The first source; where its file lists several runtimes, the one that the folder's other files mean. */
function strongest(sources: readonly VersionSource[], marked: Convention | null): VersionSource | null {
  const first = sources[0]
  if (first === undefined) return null
  return sources.find((source) => source.file === first.file && source.convention === marked) ?? first
}

function disagreements(
  first: VersionSource | null,
  sources: readonly VersionSource[],
  dir: string,
): readonly Problem[] {
  if (first === null) return []
  const problems: Problem[] = []
  for (const source of sources) {
    if (source === first) continue
    const used = `${first.convention.name}${first.version === "" ? "" : `@${first.version}`} is used`
    const isOtherKind = source.convention !== first.convention
    if (!isOtherKind && canAgree(first.version, source.version)) continue
    // A file that lists many tools does not choose among them.
    const isList = sources.some((one) => one.file === source.file && one.convention === first.convention)
    if (isOtherKind && isList) continue
    const kinds = isOtherKind ? [` (${first.convention.name})`, ` (${source.convention.name})`] : ["", ""]
    problems.push(place(first, dir, `${first.label}${kinds[0]}, but ${source.label}${kinds[1]}; ${used}`))
  }
  return problems
}

async function checkEngines(
  dir: string,
  chosen: { readonly convention: Convention; readonly version: string },
  files: FileView,
): Promise<{ version: string; reason: string; problems: readonly Problem[] }> {
  const { convention, version } = chosen
  const names = await files.list(dir)
  const packageJson = names.has("package.json") ? await files.document(join(dir, "package.json")) : null
  const engines = packageJson === null ? null : enginesOf(packageJson, convention)
  if (packageJson === null || engines === null) return { version, reason: "", problems: [] }
  const label = `package.json "${engines.path.join(".")}"`
  const range = parseVersion(engines.range)
  if (range === null) {
    const message = `${label} is "${engines.range}", which is no range; it is not checked`
    return {
      version,
      reason: "",
      problems: [problemAt(packageJson, engines.path, message, { severity: "warning" })],
    }
  }
  if (version === "") {
    const unsupported = unsupportedVersion(convention.name, range)
    const problems =
      unsupported === null ? [] : [problemAt(packageJson, engines.path, `${label}: ${unsupported}`)]
    return { version: range, reason: `, version by ${label}`, problems }
  }
  if (canAgree(version, range)) return { version, reason: "", problems: [] }
  const message = `${label} is "${engines.range}", but the runtime is ${convention.name}@${version}; ${version} is used`
  return {
    version,
    reason: "",
    problems: [problemAt(packageJson, engines.path, message, { severity: "warning" })],
  }
}

/** The source that counts asks for what cannot be run. */
function tooOld(first: VersionSource | null): readonly Problem[] {
  const unsupported = first === null ? null : unsupportedVersion(first.convention.name, first.version)
  if (first === null || unsupported === null) return []
  const { file, line, column, label } = first
  return [{ file, line, column, severity: "error", path: "", message: `${label}; ${unsupported}` }]
}

function place(source: VersionSource | null, dir: string, message: string): Problem {
  const { file, line, column } = source ?? { file: dir, line: 0, column: 0 }
  return { file, line, column, severity: "warning", path: "", message }
}

/** For messages: `/srv/apps/shop` as seen from the root. */
export function shortPath(path: string, root: string): string {
  const short = relative(root, path)
  return short === "" ? "." : short.startsWith("..") ? path : short
}
