/** What an isolate's modules may not import, and how that is said. */
import { readdir, readFile, realpath, stat } from "node:fs/promises"
import { builtinModules } from "node:module"
import { basename, dirname, join, relative, sep } from "node:path"

const BUILTINS = new Set(builtinModules.filter((name) => !name.startsWith("_")))

/** `node:fs`, or `fs` where no package of that name is found; also what other runtimes have of their own. */
export function isBuiltin(specifier: string): boolean {
  return /^(?:node|bun|deno|cloudflare):/.test(specifier) || BUILTINS.has(specifier)
}

export function builtinNames(): readonly string[] {
  return [...BUILTINS]
}

export function builtinRefusal(specifier: string, importer: string): string {
  return `"${specifier}" (imported by ${importer}) is not there in an isolate, which has web APIs only: import something else, or give the app the runtime "thread" or "node"`
}

/**
 * What an app's modules may be read from, by real paths: its folder, and the node_modules folders that Node would look into. One of those
 * may be a link to another node_modules folder, and in it may be links to packages of the
 * workspace that the app is a part of, or of the folder that holds it.
 */
export class ReadableFolders {
  readonly #roots: readonly string[]

  private constructor(roots: readonly string[]) {
    this.#roots = roots
  }

  /** `dir`: a real path. */
  static async of(dir: string): Promise<ReadableFolders> {
    const roots = new Set([dir])
    const workspace = await workspaceOf(dir)
    for (let at = dir; ; at = dirname(at)) {
      await addModules(roots, at, workspace)
      if (dirname(at) === at) return new ReadableFolders([...roots])
    }
  }

  has(realPath: string): boolean {
    return this.#roots.some((root) => realPath.startsWith(root + sep))
  }
}

/** The nearest folder above that declares workspaces, and so was made one thing with the app by whoever owns both. */
async function workspaceOf(dir: string): Promise<string | null> {
  for (let at = dirname(dir); dirname(at) !== at; at = dirname(at)) {
    if ((await packageAt(at))?.["workspaces"] !== undefined) return at
    if ((await stat(join(at, "pnpm-workspace.yaml")).catch(() => null)) !== null) return at
  }
  return null
}

/** The node_modules of a folder, what it links to, and what that links to. */
async function addModules(roots: Set<string>, holder: string, workspace: string | null): Promise<void> {
  const real = await realpath(join(holder, "node_modules")).catch(() => "")
  if (basename(real) !== "node_modules" || roots.has(real)) return
  roots.add(real)
  for (const linked of await linkedPackages(real, workspace)) {
    if (roots.has(linked)) continue
    roots.add(linked)
    await addModules(roots, linked, workspace)
  }
}

/** Links to folders which are packages of the links' names, and lie in the workspace or beside the node_modules. */
async function linkedPackages(modules: string, workspace: string | null): Promise<string[]> {
  const found: string[] = []
  const tops = [dirname(modules), ...(workspace === null ? [] : [workspace])]
  for (const name of await packageLinks(modules)) {
    const real = await realpath(join(modules, name)).catch(() => "")
    if (!tops.some((top) => real.startsWith(top + sep)) || real.includes(`${sep}node_modules${sep}`)) continue
    if ((await packageAt(real))?.["name"] === name) found.push(real)
  }
  return found
}

async function packageLinks(modules: string): Promise<string[]> {
  const names: string[] = []
  for (const entry of await readdir(modules, { withFileTypes: true }).catch(() => [])) {
    if (entry.isSymbolicLink()) names.push(entry.name)
    if (!entry.isDirectory() || !entry.name.startsWith("@")) continue
    for (const scoped of await readdir(join(modules, entry.name), { withFileTypes: true }).catch(() => []))
      if (scoped.isSymbolicLink()) names.push(`${entry.name}/${scoped.name}`)
  }
  return names
}

/** The package.json of a folder. */
export async function packageAt(dir: string): Promise<Record<string, unknown> | null> {
  try {
    const parsed: unknown = JSON.parse(await readFile(join(dir, "package.json"), "utf8"))
    return typeof parsed === "object" ? (parsed as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}

export function outsideRefusal(dir: string, path: string): string {
  return `${relative(dir, path)} lies outside of the app's folder and its node_modules: an isolate's modules come from there only`
}
