/** What an isolate's modules may not import, and how that is said. */
import { builtinModules } from "node:module"
import { dirname, relative, sep } from "node:path"

const BUILTINS = new Set(builtinModules.filter((name) => !name.startsWith("_")))

/** `node:fs`, or `fs` where no package of that name is found; also what other runtimes have of their own. */
export function isBuiltin(specifier: string): boolean {
  return /^(?:node|bun|deno|cloudflare):/.test(specifier) || BUILTINS.has(specifier)
}

export function builtinRefusal(specifier: string, importer: string): string {
  return `"${specifier}" (imported by ${importer}) is not there in an isolate, which has web APIs only: import something else, or give the app the runtime "thread" or "node"`
}

/** Whether a file, by its real path, may be part of an app: of its folder, or of a node_modules folder at or above it. */
export function mayRead(realDir: string, realPath: string): boolean {
  if (realPath.startsWith(realDir + sep)) return true
  const marker = `${sep}node_modules${sep}`
  const at = realPath.indexOf(marker)
  if (at === -1) return false
  const owner = realPath.slice(0, at)
  for (let dir = realDir; ; dir = dirname(dir)) {
    if (dir === owner || (owner === "" && dir === sep)) return true
    if (dirname(dir) === dir) return false
  }
}

export function outsideRefusal(dir: string, path: string): string {
  return `${relative(dir, path)} lies outside of the app's folder and its node_modules: an isolate's modules come from there only`
}
