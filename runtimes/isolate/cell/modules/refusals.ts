/** What an isolate's modules may not import, and how that is said. */
import { realpath } from "node:fs/promises"
import { builtinModules } from "node:module"
import { basename, dirname, join, relative, sep } from "node:path"

const BUILTINS = new Set(builtinModules.filter((name) => !name.startsWith("_")))

/** `node:fs`, or `fs` where no package of that name is found; also what other runtimes have of their own. */
export function isBuiltin(specifier: string): boolean {
  return /^(?:node|bun|deno|cloudflare):/.test(specifier) || BUILTINS.has(specifier)
}

export function builtinRefusal(specifier: string, importer: string): string {
  return `"${specifier}" (imported by ${importer}) is not there in an isolate, which has web APIs only: import something else, or give the app the runtime "thread" or "node"`
}

/**
 * What an app's modules may be read from, by real paths: its folder, and the node_modules folders that Node would look into. One of those
 * may be a link to another node_modules folder, and nothing else.
 */
export class ReadableFolders {
  readonly #roots: readonly string[]

  private constructor(roots: readonly string[]) {
    this.#roots = roots
  }

  /** `dir`: a real path. */
  static async of(dir: string): Promise<ReadableFolders> {
    const roots = [dir]
    for (let at = dir; ; at = dirname(at)) {
      const real = await realpath(join(at, "node_modules")).catch(() => "")
      if (basename(real) === "node_modules") roots.push(real)
      if (dirname(at) === at) return new ReadableFolders(roots)
    }
  }

  has(realPath: string): boolean {
    return this.#roots.some((root) => realPath.startsWith(root + sep))
  }
}

export function outsideRefusal(dir: string, path: string): string {
  return `${relative(dir, path)} lies outside of the app's folder and its node_modules: an isolate's modules come from there only`
}
