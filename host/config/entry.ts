/**
 * Finds the entry file of an app: the one that the manifest names, else what package.json or deno.json say, else a
 * conventional name. Owns where to look; what the entry does is the guest's.
 */
import { dirname, join, relative, resolve } from "node:path"
import { CONVENTIONAL_ENTRIES, type Convention, ENTRY_EXTENSIONS } from "./conventions.ts"
import { type Document, problemAt } from "./document.ts"
import type { FileView } from "./files.ts"
import type { PathSegment, Problem } from "./problem.ts"
import { parsePackageCommand, parseStartCommand, type StartCommand } from "./start-command.ts"
import { didYouMean } from "./suggest.ts"
import { valueAt } from "./validate.ts"

export interface FoundEntry {
  /** Absolute path, null when none was found. */
  readonly entry: string | null
  /** Arguments that go with it. */
  readonly args: readonly string[]
  /** Why: `package.json "main"`, `found by name`. */
  readonly reason: string
  readonly problems: readonly Problem[]
}

/** The entry that a manifest names. `problem` makes an error that points at it. */
export async function explicitEntry(
  dir: string,
  text: string,
  options: { files: FileView; problem: (message: string) => Problem },
): Promise<FoundEntry> {
  const { files, problem } = options
  const entry = await resolveFile(dir, text, files)
  if (entry !== null) return { entry, args: [], reason: 'the manifest\'s "entry"', problems: [] }
  const neighbours = await filesNear(dir, text, files)
  const hasExtension = ENTRY_EXTENSIONS.some((extension) => text.endsWith(extension))
  const looked = hasExtension ? text : `${text}, ${text}{${ENTRY_EXTENSIONS.join(",")}}, ${text}/index.*`
  const message =
    `"entry" is "${text}", but there is no such file in ${dir} ` +
    `(looked for ${looked})` +
    didYouMean(text, neighbours)
  return { entry: null, args: [], reason: "", problems: [problem(message)] }
}

/** The entry of an app that names none. */
export async function conventionalEntry(
  dir: string,
  convention: Convention,
  options: { files: FileView; problem: (message: string) => Problem },
): Promise<FoundEntry> {
  const { files } = options
  const hints = await entryHints(dir, convention, files)
  const missing: EntryHint[] = []
  let chosen: { hint: EntryHint; entry: string } | null = null
  const problems: Problem[] = []
  for (const hint of hints.named) {
    const entry = await resolveFile(dir, hint.value, files)
    if (entry === null) missing.push(hint)
    else if (chosen === null) chosen = { hint, entry }
    else if (chosen.entry !== entry) {
      problems.push(
        warn(
          hint,
          `${chosen.hint.label} and ${hint.label} disagree; the entry is "${relative(dir, chosen.entry)}"`,
        ),
      )
    }
  }
  const entry = chosen?.entry ?? (await findByName(dir, files))
  if (entry === null)
    return { entry, args: [], reason: "", problems: [notFound(dir, hints, options.problem)] }
  const shown = relative(dir, entry)
  for (const hint of missing)
    problems.push(warn(hint, `${hint.label}: there is no such file; the entry is "${shown}"`))
  if (chosen === null && hints.otherStart !== null) {
    problems.push(
      warn(
        hints.otherStart,
        `${hints.otherStart.label} is not run; the entry is "${shown}", found by its name`,
      ),
    )
  }
  if (chosen !== null && chosen.hint.dropped.length > 0) {
    const words = chosen.hint.dropped.join(" ")
    problems.push(
      warn(
        chosen.hint,
        `${chosen.hint.label}: "${words}" is not taken over; use "env" and "runtime.args" of a manifest`,
      ),
    )
  }
  return { entry, args: chosen?.hint.args ?? [], reason: chosen?.hint.label ?? "found by its name", problems }
}

/** True when the folder says, or shows by a file's name, that there is something to run. */
export async function hasEntryHint(dir: string, convention: Convention, files: FileView): Promise<boolean> {
  const hints = await entryHints(dir, convention, files)
  return hints.named.length > 0 || hints.otherStart !== null || (await findByName(dir, files)) !== null
}

/** The start command of a folder's package.json, when it has a plain one. */
export async function startCommandOf(dir: string, files: FileView): Promise<StartCommand | null> {
  const packageJson = await documentIn(dir, "package.json", files)
  const start = valueAt(packageJson?.value, ["scripts", "start"])
  return typeof start === "string" ? parseStartCommand(start) : null
}

interface EntryHint {
  readonly value: string
  readonly label: string
  readonly args: readonly string[]
  readonly dropped: readonly string[]
  readonly document: Document
  readonly path: readonly PathSegment[]
}

interface EntryHints {
  readonly named: readonly EntryHint[]
  /** A start script that is not of the plain form. */
  readonly otherStart: EntryHint | null
}

async function entryHints(dir: string, convention: Convention, files: FileView): Promise<EntryHints> {
  const named: EntryHint[] = []
  let otherStart: EntryHint | null = null
  const note = (document: Document, path: readonly PathSegment[], value: unknown): void => {
    if (typeof value !== "string" || value === "") return
    const label = `${relative(dir, document.file)} "${path.join(".")}" ("${value}")`
    named.push({ value, label, args: [], dropped: [], document, path })
  }
  const start = (document: Document, path: readonly PathSegment[], script: unknown): void => {
    if (typeof script !== "string" || script.trim() === "") return
    const command = parseStartCommand(script)
    const label = `${relative(dir, document.file)} "${path.join(".")}" ("${script}")`
    const { file = "", args = [], dropped = [] } = command ?? {}
    const hint = { value: file, label, args, dropped, document, path }
    if (command === null) otherStart = hint
    else named.push(hint)
  }

  for (const marker of convention.markers.filter((name) => /\.jsonc?$/.test(name))) {
    const config = await documentIn(dir, marker, files)
    if (config === null) continue
    const task = valueAt(config.value, ["tasks", "start"])
    start(config, ["tasks", "start"], typeof task === "string" ? task : valueAt(task, ["command"]))
    note(config, ["exports"], exported(valueAt(config.value, ["exports"]), convention.conditions))
  }
  const packageJson = await documentIn(dir, "package.json", files)
  if (packageJson !== null) {
    start(packageJson, ["scripts", "start"], valueAt(packageJson.value, ["scripts", "start"]))
    // Where "start" is a development tool, "start:prod" is what runs the built app.
    const production = valueAt(packageJson.value, ["scripts", "start:prod"])
    if (otherStart !== null && named.length === 0) start(packageJson, ["scripts", "start:prod"], production)
    const script = valueAt(packageJson.value, ["scripts", "start"])
    if (otherStart !== null && named.length === 0 && typeof script === "string") {
      const program = await packageProgram(dir, script, files)
      if (program !== null) named.push({ ...(otherStart as EntryHint), ...program })
    }
    note(packageJson, ["main"], valueAt(packageJson.value, ["main"]))
    note(packageJson, ["module"], valueAt(packageJson.value, ["module"]))
    note(packageJson, ["exports"], exported(valueAt(packageJson.value, ["exports"]), convention.conditions))
  }
  return { named, otherStart }
}

/** The file of a program of a package, when that is JavaScript: `next start`. */
async function packageProgram(
  dir: string,
  script: string,
  files: FileView,
): Promise<Pick<EntryHint, "value" | "args"> | null> {
  const command = parsePackageCommand(script)
  if (command === null) return null
  const value = join("node_modules", ".bin", command.program)
  const text = await files.text(join(dir, value))
  // Some package managers put a shell script there.
  return text !== null && /^#!.*\bnode\b/.test(text) ? { value, args: command.args } : null
}

function notFound(dir: string, hints: EntryHints, problem: (message: string) => Problem): Problem {
  const tried = hints.named.map((hint) => `${hint.label}: no such file; `).join("")
  const start =
    hints.otherStart === null
      ? ""
      : `${hints.otherStart.label} is not of the form "node FILE", nor a program in node_modules/.bin; `
  const hint = hints.named[0] ?? hints.otherStart
  const message =
    `no entry file in ${dir}: ${tried}${start}looked for index, main, app, application, server, start, ` +
    `src/index, src/main, src/server, src/app (${ENTRY_EXTENSIONS.join(" ")}). Name it with "entry" and "args" in polyhost.app.json, or any program with "command"`
  return hint === null || hint === undefined ? problem(message) : problemAt(hint.document, hint.path, message)
}

function warn(hint: EntryHint, message: string): Problem {
  return problemAt(hint.document, hint.path, message, { severity: "warning" })
}

/** The file that package "exports" give for ".". */
function exported(value: unknown, conditions: readonly string[], depth = 0): string | null {
  if (typeof value === "string") return value
  if (typeof value !== "object" || value === null || depth > 8) return null
  if (Object.hasOwn(value, ".")) return exported(valueAt(value, ["."]), conditions, depth + 1)
  for (const condition of conditions) {
    const found = exported(valueAt(value, [condition]), conditions, depth + 1)
    if (found !== null) return found
  }
  return null
}

async function resolveFile(dir: string, text: string, files: FileView): Promise<string | null> {
  const path = resolve(dir, text)
  const kind = await files.kind(path)
  if (kind === "file") return path
  const siblings = await files.list(dirname(path))
  for (const extension of ENTRY_EXTENSIONS) {
    if (siblings.get(path.slice(dirname(path).length + 1) + extension) === "file") return path + extension
  }
  if (kind !== "dir") return null
  const inside = await files.list(path)
  const index = ENTRY_EXTENSIONS.map((extension) => `index${extension}`).find(
    (name) => inside.get(name) === "file",
  )
  return index === undefined ? null : join(path, index)
}

async function findByName(dir: string, files: FileView): Promise<string | null> {
  const top = await files.list(dir)
  const source = top.get("src") === "dir" ? await files.list(join(dir, "src")) : new Map<string, string>()
  for (const name of CONVENTIONAL_ENTRIES) {
    const kind = name.startsWith("src/") ? source.get(name.slice(4)) : top.get(name)
    if (kind === "file") return join(dir, name)
  }
  return null
}

async function filesNear(dir: string, text: string, files: FileView): Promise<readonly string[]> {
  const near: string[] = []
  for (const folder of new Set([dirname(resolve(dir, text)), dir, join(dir, "src")])) {
    for (const [name, kind] of await files.list(folder)) {
      if (kind === "file" && ENTRY_EXTENSIONS.some((extension) => name.endsWith(extension))) {
        near.push(relative(dir, join(folder, name)))
      }
    }
  }
  return near
}

async function documentIn(dir: string, name: string, files: FileView): Promise<Document | null> {
  return (await files.list(dir)).get(name) === "file" ? files.document(join(dir, name)) : null
}
