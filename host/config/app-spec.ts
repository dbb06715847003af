/**
 * Makes the AppSpec of one app: manifest, over the host config's defaults, over what the folder shows, over our own
 * defaults. Reports everything that is wrong at once. Routes are completed by `load.ts`, which knows the other apps.
 */
import { basename, join, resolve } from "node:path"
import { messageOf } from "../../protocol/errors.ts"
import type { AppSpec, RuntimeRequest } from "../../runtimes/app-spec.ts"
import { envOf } from "./app-env.ts"
import type { AppSource, BuildContext } from "./app-source.ts"
import {
  AVAILABLE_RUNTIMES,
  COMMAND_CONVENTION,
  CONVENTIONS,
  type Convention,
  DEFAULT_CONVENTION,
} from "./conventions.ts"
import { completeVersion, type DetectedRuntime, detectRuntime } from "./detect.ts"
import { problemAt } from "./document.ts"
import { conventionalEntry, explicitEntry } from "./entry.ts"
import { readErrorPages } from "./error-pages.ts"
import type { FileView } from "./files.ts"
import { frontOf } from "./front.ts"
import { notEnforced, notHeeded } from "./not-enforced.ts"
import { isError, type Problem } from "./problem.ts"
import { whyNotRunnable } from "./program.ts"
import { uniqueRoutes } from "./routes.ts"
import { parseRuntimeText } from "./runtime-text.ts"
import type { AppManifestInput } from "./schema.ts"
import { bindingsOf, settingsOf } from "./settings.ts"
import { valueAt } from "./validate.ts"
import { parseVersion } from "./versions.ts"

export interface BuiltApp {
  readonly source: AppSource
  readonly name: string
  /** Null when the configuration is wrong. Its routes are the explicit ones only. */
  readonly spec: AppSpec | null
  /** False when the manifest names no routes. */
  readonly hasRoutes: boolean
  /** Null when the manifest does not say. */
  readonly stripPrefix: boolean | null
  readonly problems: readonly Problem[]
}

export async function buildApp(source: AppSource, context: BuildContext): Promise<BuiltApp> {
  const problems: Problem[] = [
    ...source.document.problems.filter(() => source.manifest !== null),
    ...source.faults.map((one) => one.problem),
  ]
  const given = soundPart(source)
  const name = given.name ?? nameOfFolder(source.dir)
  const built = {
    source,
    name,
    hasRoutes: given.routes !== undefined,
    stripPrefix: given.stripPrefix ?? null,
  }
  if (source.document.problems.some((one) => one.path === "") && source.manifest !== null)
    return { ...built, spec: null, problems }
  problems.push(...notEnforced(source.document, source.at, given))
  try {
    const program = await programOf(given, source, context)
    if (program.runtime !== null) {
      const kind = { value: given, convention: CONVENTIONS[program.runtime.name] }
      problems.push(...notHeeded(source.document, source.at, kind))
    }
    const variables = await envOf(given, source, context)
    const place = { document: source.document, at: source.at, dir: source.dir }
    const errors = await readErrorPages(given.errorPages, place)
    const front = await frontOf(given, { ...place, files: context.files })
    problems.push(...program.problems, ...variables.problems, ...errors.problems, ...front.problems)
    const searchPath = variables.env["PATH"] ?? context.env["PATH"]
    problems.push(...(await commandProblems(program.command, source, searchPath)))
    if (program.runtime === null || problems.some(isError)) return { ...built, spec: null, problems }
    const spec = {
      name,
      dir: source.dir,
      manifest: source.manifest,
      runtime: program.runtime,
      entry: program.entry,
      args: given.args ?? program.args,
      interface: given.interface ?? "auto",
      command: program.command,
      env: variables.env,
      routes: uniqueRoutes(given.routes ?? []),
      stripPrefix: given.stripPrefix ?? false,
      ...settingsOf(given, context.defaults),
      bindings: bindingsOf(given.bindings ?? {}, name),
      static: front.static,
      sendfile: front.sendfile,
      errorPages: errors.pages,
    }
    return { ...built, spec, problems }
  } catch (error) {
    // A file or folder that cannot be read fails this app alone.
    return {
      ...built,
      spec: null,
      problems: [...problems, problemAt(source.document, source.at, messageOf(error))],
    }
  }
}

/** A name from a folder's: lower case, other characters as "-", at most 63. */
export function nameOfFolder(dir: string): string {
  const name = basename(dir)
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replace(/^-+|-+$/g, "")
  return name === "" ? "app" : name
}

/** What is right in a document with faults: its top-level keys that have none, so that all else is still checked. */
function soundPart(source: AppSource): AppManifestInput {
  const value = valueAt(source.document.value, source.at)
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {}
  const bad = new Set(source.faults.map((fault) => fault.path[0]))
  return Object.fromEntries(Object.entries(value).filter(([key]) => !bad.has(key))) as AppManifestInput
}

interface Program {
  readonly runtime: RuntimeRequest | null
  readonly entry: string | null
  readonly args: readonly string[]
  readonly command: readonly string[] | null
  readonly problems: readonly Problem[]
}

async function programOf(
  given: AppManifestInput,
  source: AppSource,
  context: BuildContext,
): Promise<Program> {
  const none = { runtime: null, entry: null, args: [], command: null }
  const at = (key: string, message: string, severity: Problem["severity"] = "error"): Problem =>
    problemAt(source.document, [...source.at, key], message, { severity })
  if (source.faults.some((fault) => ["runtime", "entry", "command"].includes(String(fault.path[0]))))
    return { ...none, problems: [] }

  const wanted = await runtimeOf(given, source, context)
  if (wanted === null) {
    const message = `${source.dir} does not look like an app: no polyhost.app.json, package.json, deno.json, version file or entry file such as index.js. Run "polyhost init"`
    return { ...none, problems: [problemAt(source.document, source.at, message)] }
  }
  const { detected, path, args } = wanted
  const { convention } = detected
  const runtime = { name: convention.name, version: detected.version, path, args }
  if (!convention.available) {
    const message = `runtime "${convention.name}" is not available in this version of Polyhost (available: ${AVAILABLE_RUNTIMES.join(", ")})`
    return { ...none, problems: [at("runtime", message)] }
  }
  const problems = [
    ...detected.problems,
    ...(convention.hasEntry ? await packageProblems(source.dir, context.files) : []),
  ]
  if (path !== null && (await context.files.kind(path)) !== "file") {
    problems.push(
      problemAt(
        source.document,
        [...source.at, "runtime", "path"],
        `"runtime.path": there is no file ${path}`,
      ),
    )
  }
  if (!convention.hasEntry) {
    if (given.entry !== undefined)
      problems.push(at("entry", `runtime "${convention.name}" has no "entry"; it runs "command"`))
    const missing = `runtime "${convention.name}" needs "command", such as ["./bin/server"]`
    if (given.command === undefined) problems.push(at("runtime", missing))
    return { runtime, entry: null, args: [], command: given.command ?? null, problems }
  }
  if (given.command !== undefined) {
    const message = `"command" is not used: runtime "${convention.name}" runs "entry"; "command" is for runtime "command"`
    problems.push(at("command", message, "warning"))
  }
  const options = { files: context.files, problem: (message: string) => at("entry", message) }
  const found =
    given.entry === undefined
      ? await conventionalEntry(source.dir, convention, options)
      : await explicitEntry(source.dir, given.entry, options)
  return { runtime, ...found, command: null, problems: [...problems, ...found.problems] }
}

async function commandProblems(
  command: readonly string[] | null,
  source: AppSource,
  searchPath: string | undefined,
): Promise<readonly Problem[]> {
  const [program = ""] = command ?? []
  if (program === "") return []
  const why = await whyNotRunnable(program, source.dir, searchPath)
  if (why === null) return []
  return [problemAt(source.document, [...source.at, "command", 0], `"command" runs "${program}", but ${why}`)]
}

/** No runtime starts anything beside a package.json that it cannot read. */
async function packageProblems(dir: string, files: FileView): Promise<readonly Problem[]> {
  const document = (await files.list(dir)).has("package.json")
    ? await files.document(join(dir, "package.json"))
    : null
  return document?.problems.filter((problem) => problem.path === "") ?? []
}

interface WantedRuntime {
  readonly detected: DetectedRuntime
  readonly path: string | null
  readonly args: readonly string[]
}

async function runtimeOf(
  given: AppManifestInput,
  source: AppSource,
  context: BuildContext,
): Promise<WantedRuntime | null> {
  const stated = statedRuntime(given, source.dir)
  if (stated === null) {
    const detected = await detectRuntime(source.dir, context)
    if (detected !== null) return { detected, path: null, args: [] }
    // An entry that is named needs no other sign.
    if (given.entry === undefined) return null
    return {
      detected: { convention: DEFAULT_CONVENTION, version: "", reason: "", problems: [] },
      path: null,
      args: [],
    }
  }
  const { convention, version, path, args } = stated
  if (!convention.hasVersions || path !== null) {
    return { detected: { convention, version, reason: "the manifest", problems: [] }, path, args }
  }
  const problem = (message: string, severity: Problem["severity"]): Problem =>
    problemAt(source.document, [...source.at, "runtime"], message, { severity })
  return {
    detected: await completeVersion(source.dir, { convention, version, problem }, context),
    path,
    args,
  }
}

function statedRuntime(
  given: AppManifestInput,
  dir: string,
): { convention: Convention; version: string; path: string | null; args: readonly string[] } | null {
  const { runtime } = given
  if (runtime === undefined) {
    return given.command === undefined
      ? null
      : { convention: COMMAND_CONVENTION, version: "", path: null, args: [] }
  }
  if (typeof runtime !== "string") {
    const path = runtime.path === undefined ? null : resolve(dir, runtime.path)
    const version = parseVersion(runtime.version ?? "") ?? ""
    return { convention: CONVENTIONS[runtime.name], version, path, args: runtime.args ?? [] }
  }
  const parsed = parseRuntimeText(runtime)
  if ("problem" in parsed) return null
  return { convention: CONVENTIONS[parsed.name], version: parsed.version, path: null, args: [] }
}
