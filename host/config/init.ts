/** What `polyhost init` writes: a manifest with what was found in a folder, and why. Never overwrites. */
import { writeFile } from "node:fs/promises"
import { dirname, join, relative, resolve } from "node:path"
import { PolyhostError } from "../../protocol/errors.ts"
import { nameOfFolder } from "./app-spec.ts"
import { DEFAULT_CONVENTION } from "./conventions.ts"
import { detectRuntime } from "./detect.ts"
import { APP_MANIFEST_NAME } from "./discover.ts"
import { documentOf, problemAt } from "./document.ts"
import { conventionalEntry } from "./entry.ts"
import { createFileView, type FileView } from "./files.ts"
import { isError, type Problem } from "./problem.ts"

export interface InitPlan {
  readonly path: string
  /** JSON with comments. */
  readonly text: string
  /** One sentence a value: what was chosen and why. */
  readonly reasons: readonly string[]
  /** What was odd in the folder. */
  readonly problems: readonly Problem[]
}

/** Rejects with CONFIG_INVALID when the folder has a manifest, CONFIG_NOT_FOUND when there is no folder. */
export async function planInit(folder: string): Promise<InitPlan> {
  const files = createFileView()
  const dir = resolve(folder)
  const path = join(dir, APP_MANIFEST_NAME)
  if ((await files.kind(dir)) !== "dir")
    throw new PolyhostError("CONFIG_NOT_FOUND", `There is no folder ${dir}`)
  if ((await files.kind(path)) !== null) throw alreadyThere(path)

  const detected = await detectRuntime(dir, { root: dir, files })
  const convention = detected?.convention ?? DEFAULT_CONVENTION
  const problem = (message: string): Problem => problemAt(documentOf(dir, {}), ["entry"], message)
  const found = await conventionalEntry(dir, convention, { files, problem })
  const name = nameOfFolder(dir)
  const version = detected?.version ?? ""
  const runtime = version === "" ? convention.name : `${convention.name}@${version}`
  const entry = found.entry === null ? "index.js" : relative(dir, found.entry).replaceAll("\\", "/")
  const values: readonly Choice[] = [
    { key: "name", value: name, why: "the folder's name" },
    { key: "runtime", value: runtime, why: detected?.reason ?? "nothing in the folder names another" },
    {
      key: "entry",
      value: entry,
      why: found.entry === null ? "no entry file was found: name yours" : found.reason,
    },
  ]
  return {
    path,
    text: manifestText(await schemaPath(dir, files), values),
    reasons: values.map(({ key, value, why }) => `${key}: ${JSON.stringify(value)} (${why})`),
    problems: [
      ...(detected?.problems ?? []),
      ...found.problems.map((one) => (isError(one) ? { ...one, severity: "warning" as const } : one)),
    ],
  }
}

/** Writes the manifest; rejects with CONFIG_INVALID when one has appeared meanwhile. */
export async function writeInit(plan: InitPlan): Promise<void> {
  try {
    await writeFile(plan.path, plan.text, { flag: "wx" })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw alreadyThere(plan.path)
    throw error
  }
}

interface Choice {
  readonly key: string
  readonly value: string
  readonly why: string
}

function manifestText(schema: string, values: readonly Choice[]): string {
  const lines = values.flatMap(({ key, value, why }, index) => {
    const comma = index < values.length - 1 ? "," : ""
    return [`  // ${why.replace(/\s+/g, " ")}`, `  ${JSON.stringify(key)}: ${JSON.stringify(value)}${comma}`]
  })
  return ["{", `  "$schema": ${JSON.stringify(schema)},`, ...lines, "}", ""].join("\n")
}

/** Path of the published schema as an editor finds it: in the nearest node_modules that has Polyhost. */
async function schemaPath(dir: string, files: FileView): Promise<string> {
  const inside = join("node_modules", "polyhost", "dist", "schema", "app.json")
  for (let folder = dir; ; folder = dirname(folder)) {
    const path = join(folder, inside)
    if ((await files.kind(path)) === "file") {
      const short = relative(dir, path).replaceAll("\\", "/")
      return short.startsWith(".") ? short : `./${short}`
    }
    if (folder === dirname(folder)) return `./${inside.replaceAll("\\", "/")}`
  }
}

function alreadyThere(path: string): PolyhostError {
  return new PolyhostError("CONFIG_INVALID", `${path} exists already; it is not overwritten`)
}
