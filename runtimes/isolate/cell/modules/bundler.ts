/**
 * Makes one module of an app's modules. esbuild does it: resolution with conditions, CommonJS, TypeScript, JSON, source maps are what a
 * well-kept bundler has right, and one module is what isolated-vm can load (it has no hook for `import()`). A file that imports nothing
 * needs no bundler. Bundles are kept while their files stay as they are: an app that starts again starts at once.
 */
import { readFile, realpath, stat } from "node:fs/promises"
import { extname, join, relative } from "node:path"
import { parse } from "es-module-lexer/js"
import type { BuildFailure, BuildOptions, Message, Metafile } from "esbuild"
import { PolyhostError } from "../../../../protocol/errors.ts"
import { resolvePlugin } from "./resolve-plugin.ts"

export interface Bundle {
  readonly code: string
  /** How V8 calls it in stacks. */
  readonly filename: string
  /** A source map, JSON; null: the code is the file itself. */
  readonly map: string | null
}

/** The service of esbuild is a process with some 15 MB: it ends when nothing was bundled for so long. */
const SERVICE_IDLE_MS = 5000
const MOST_KEPT = 256
const OUTPUT = "__polyhost_bundle.js"
const MOST_BYTES = 16 * 1024 * 1024

interface Kept {
  readonly bundle: Bundle
  /** Path, and what it was when it was read. */
  readonly files: ReadonlyMap<string, string>
}

export class Bundler {
  readonly #kept = new Map<string, Kept>()
  #building = 0
  #idle: NodeJS.Timeout | undefined

  /** @throws PolyhostError RUNTIME_LOAD_FAILED with file, line and column */
  async bundle(dir: string, entry: string): Promise<Bundle> {
    const key = `${dir}\0${entry}`
    const kept = this.#kept.get(key)
    if (kept !== undefined && (await isCurrent(kept))) return kept.bundle
    this.#kept.delete(key)
    const root = await realpath(dir)
    const made = (await single(root, entry)) ?? (await this.#build(root, entry))
    if (this.#kept.size >= MOST_KEPT)
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest)
        break
      }
    this.#kept.set(key, made)
    return made.bundle
  }

  async #build(dir: string, entry: string): Promise<Kept> {
    const esbuild = await import("esbuild")
    clearTimeout(this.#idle)
    this.#building++
    try {
      const paths = new Set<string>()
      const build = (thorough: boolean) =>
        esbuild.build({
          ...OPTIONS,
          absWorkingDir: dir,
          entryPoints: [entry],
          outfile: join(dir, OUTPUT),
          plugins: [resolvePlugin({ dir, thorough, read: (path) => paths.add(path) })],
        })
      const quick = await build(false).catch(() => null)
      const result = quick !== null && isWhole(quick.metafile) ? quick : await build(true)
      const text = (ending: string): string =>
        result.outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? ""
      const files = new Map<string, string>()
      for (const path of paths) files.set(path, await stamp(path))
      return { bundle: { code: text(".js"), filename: `app:///${OUTPUT}`, map: text(".map") }, files }
    } catch (error) {
      throw loadError(error)
    } finally {
      this.#building--
      if (this.#building === 0) this.#idle = setTimeout(() => void esbuild.stop(), SERVICE_IDLE_MS).unref()
    }
  }
}

/** Nothing was left outside: what an app may lack (`require` in a try) is a matter of looking thoroughly. */
function isWhole({ inputs }: Metafile): boolean {
  return Object.values(inputs).every(({ imports }) => imports.every(({ external }) => external !== true))
}

const OPTIONS = {
  write: false,
  metafile: true,
  bundle: true,
  format: "esm",
  // What a package says in the field "browser" of its package.json is read for this platform only.
  platform: "browser",
  target: "es2024",
  mainFields: ["browser", "module", "main"],
  conditions: ["workerd", "worker", "browser", "module"],
  define: { "process.env.NODE_ENV": '"production"' },
  sourcemap: "external",
  sourcesContent: false,
  legalComments: "none",
  charset: "utf8",
  jsx: "automatic",
  logLevel: "silent",
} satisfies BuildOptions

/** A file of plain JavaScript that imports nothing is a bundle already. */
async function single(dir: string, entry: string): Promise<Kept | undefined> {
  if (extname(entry) !== ".js" && extname(entry) !== ".mjs") return undefined
  const path = await realpath(entry).catch(() => undefined)
  // What cannot be read, or lies elsewhere, is the bundler's to complain about.
  if (path === undefined || !path.startsWith(dir)) return undefined
  const before = await stamp(path)
  if ((await stat(path)).size > MOST_BYTES) return undefined
  const code = await readFile(path, "utf8")
  let imports: number
  try {
    const [found, exports] = parse(code)
    imports = exports.length === 0 ? 1 : found.length
  } catch {
    return undefined
  }
  // Positions in another file, which the bundler reads; and what it replaces.
  if (imports > 0 || /sourceMappingURL=|process\.env\.NODE_ENV/.test(code)) return undefined
  const filename = `app:///${relative(dir, path).replaceAll("\\", "/")}`
  return { bundle: { code, filename, map: null }, files: new Map([[path, before]]) }
}

async function stamp(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path)
  return `${mtimeMs} ${size} ${ino}`
}

async function isCurrent({ files }: Kept): Promise<boolean> {
  for (const [path, was] of files) {
    if ((await stamp(path).catch(() => "")) !== was) return false
  }
  return true
}

function loadError(error: unknown): Error {
  const errors: readonly Message[] | undefined = (error as Partial<BuildFailure>).errors
  if (errors === undefined || errors.length === 0)
    return error instanceof Error ? error : new Error(String(error))
  const lines = errors
    .slice(0, 5)
    .map(({ text, location }) =>
      location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`,
    )
  return new PolyhostError("RUNTIME_LOAD_FAILED", lines.join("\n"))
}
