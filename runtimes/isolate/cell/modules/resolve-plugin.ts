/**
 * How the bundler finds and reads an isolate's modules: as it does for browsers, but from the app's own files only, with texts and
 * WebAssembly as modules, and a word about what an isolate cannot import.
 */
import { readFile, realpath, stat } from "node:fs/promises"
import { basename, dirname, extname, relative, resolve as resolvePath, sep } from "node:path"
import type { Loader, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild"
import {
  builtinNames,
  builtinRefusal,
  isBuiltin,
  outsideRefusal,
  packageAt,
  ReadableFolders,
} from "./refusals.ts"

const MOST_BYTES = 16 * 1024 * 1024

/** In the syntax of the bundler's regular expressions. */
const UNUSUAL = new RegExp(`^(?:node|bun|deno|cloudflare):|^(?:${builtinNames().join("|")})$|\\.wasm$`)

const LOADERS: ReadonlyMap<string, Loader> = new Map([
  [".js", "jsx"],
  [".mjs", "js"],
  [".cjs", "js"],
  [".jsx", "jsx"],
  [".ts", "ts"],
  [".mts", "ts"],
  [".cts", "ts"],
  [".tsx", "tsx"],
  [".json", "json"],
  [".txt", "text"],
  [".html", "text"],
  [".sql", "text"],
  [".md", "text"],
  [".css", "text"],
  [".svg", "text"],
])

const NOTHING: OnLoadResult = { contents: "module.exports = {}", loader: "js" }

export interface PluginParts {
  /** A real path. */
  readonly dir: string
  /**
   * Looks at every import, which takes tens of times longer than the bundler alone. False: at those of builtins and WebAssembly only;
   * what cannot be found is then an error, or left outside.
   */
  readonly thorough: boolean
  /** Is told the path of every file that becomes a part. */
  read(path: string): void
}

export function resolvePlugin({ dir, thorough, read }: PluginParts): Plugin {
  return {
    name: "polyhost-isolate",
    async setup(build) {
      const app: AppFolders = { dir, readable: await ReadableFolders.of(dir), found: new Set() }
      const filter = thorough ? /.*/ : UNUSUAL
      build.onResolve({ filter }, (args) => resolve(build, app, args))
      if (!thorough) build.onResolve({ filter: /.*/, namespace: "wasm" }, (args) => resolve(build, app, args))
      build.onLoad({ filter: /.*/, namespace: "file" }, async ({ path, with: attributes }) => {
        if (await isSwitchedOff(path)) return NOTHING
        read(path)
        return load(app, path, attributes["type"])
      })
      build.onLoad({ filter: /.*/, namespace: "empty" }, () => NOTHING)
      build.onLoad({ filter: /.*/, namespace: "refused" }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(path)})`,
        loader: "js",
      }))
      build.onLoad({ filter: /.*/, namespace: "untouchable" }, ({ path }) => ({
        contents: untouchable(path),
        loader: "js",
      }))
      build.onLoad({ filter: /.*/, namespace: "wasm" }, ({ path }) => {
        read(path)
        return wasmModule(path)
      })
      build.onLoad({ filter: /.*/, namespace: "bytes" }, ({ path }) => load(app, path, "bytes"))
    },
  }
}

interface AppFolders {
  readonly dir: string
  readonly readable: ReadableFolders
  /** Imports that lead to a file which may be read. */
  readonly found: Set<string>
}

async function resolve(
  build: PluginBuild,
  { dir, readable, found }: AppFolders,
  args: OnResolveArgs,
): Promise<OnResolveResult | null> {
  const { path, kind, resolveDir, namespace } = args
  if (args.pluginData === RESOLVING) return null
  // Packages of hundreds of files import the same ones over and over.
  const key = `${kind} ${args.with["type"] ?? ""} ${namespace} ${resolveDir} ${path}`
  if (found.has(key)) return null
  if (namespace === "wasm") return { path, namespace: "bytes" }
  const importer = args.importer === "" ? "the manifest" : relative(dir, args.importer)
  const file = await build.resolve(path, {
    importer: args.importer,
    kind,
    resolveDir,
    with: args.with,
    pluginData: RESOLVING,
  })
  if (file.errors.length > 0 || file.external) {
    if (isBuiltin(path)) return refuse(args, builtinRefusal(path, importer))
    if (file.external) return refuse(args, `"${path}" (imported by ${importer}) is no file of the app`)
    return kind === "import-statement" || kind === "entry-point"
      ? { errors: file.errors }
      : refuse(args, file.errors[0]?.text ?? `cannot resolve ${path}`)
  }
  if (file.namespace !== "file" || (await isSwitchedOff(file.path))) return { path, namespace: "empty" }
  if (extname(file.path) === ".wasm" && args.with["type"] === undefined)
    return { path: file.path, namespace: "wasm" }
  if (!readable.has(file.path)) return refuse(args, outsideRefusal(dir, file.path))
  found.add(key)
  // Resolved once more by the bundler itself, which knows the tsconfig.json of what it found (JSX, decorators).
  return null
}

/** `"browser": {"./a.js": false}`. The bundler tells plugins nothing of it, and a path that has no extension yet. */
async function isSwitchedOff(path: string): Promise<boolean> {
  if ((await stat(path).catch(() => null)) === null) return true
  for (let at = dirname(path); basename(at) !== "node_modules" && dirname(at) !== at; at = dirname(at)) {
    const found = await packageAt(at)
    if (found === null) continue
    const rules = Object(found["browser"]) as Record<string, unknown>
    return rules[`./${relative(at, path).replaceAll("\\", "/")}`] === false
  }
  return false
}

const RESOLVING = { isResolving: true }

/**
 * What is imported when it runs, or may be missing (`require` in a try), fails when it runs; what a package imports and perhaps never
 * uses, when it is used.
 */
function refuse({ kind, importer }: OnResolveArgs, text: string): OnResolveResult {
  if (kind === "dynamic-import" || kind === "require-call" || kind === "require-resolve")
    return { path: text, namespace: "refused" }
  if (kind === "import-statement" && importer.includes(`${sep}node_modules${sep}`))
    return { path: text, namespace: "untouchable", sideEffects: false }
  return { errors: [{ text }] }
}

/** A module whose exports say `text` when they are touched. The bundler's glue takes the prototype over, and asks for `__esModule`. */
function untouchable(text: string): string {
  return `const say = () => { throw new Error(${JSON.stringify(text)}) }
module.exports = Object.create(new Proxy(function () {}, {
  get: (target, key) => key === "__esModule" || key === "then" || typeof key === "symbol" ? undefined : say(),
  set: say, defineProperty: say, has: () => false,
}))`
}

async function load(app: AppFolders, path: string, type: string | undefined): Promise<OnLoadResult> {
  const { dir, readable } = app
  const real = await realpath(path)
  if (!readable.has(real)) return { errors: [{ text: outsideRefusal(dir, real) }] }
  const { size } = await stat(real)
  if (size > MOST_BYTES)
    return {
      errors: [{ text: `${relative(dir, path)} has ${size} bytes; a module has at most ${MOST_BYTES}` }],
    }
  const extension = extname(path)
  if (type === "bytes") return { contents: await readFile(real), loader: "binary" }
  if (type === "text") return { contents: await readFile(real), loader: "text" }
  const loader = type === "json" ? "json" : LOADERS.get(extension)
  if (loader === undefined)
    return {
      errors: [
        { text: `${relative(dir, path)} is no module: import it with { type: "text" } or { type: "json" }` },
      ],
    }
  const contents = await readFile(real, "utf8")
  if (loader === "json" || loader === "text") return { contents, loader }
  return { contents: withMeta(await withMap(contents, path, app), relative(dir, path)), loader }
}

const SOURCE_MAP = /(\/\/[#@] sourceMapping)URL(=(?!data:)(\S+))/g

/** The bundler reads the map that a comment names, wherever it lies, and takes no bad one: then there is no comment. */
async function withMap(code: string, path: string, { readable }: AppFolders): Promise<string> {
  const name = [...code.matchAll(SOURCE_MAP)].at(-1)?.[3]
  if (name === undefined) return code
  try {
    const real = await realpath(resolvePath(dirname(path), decodeURIComponent(name)))
    if (!readable.has(real) || (await stat(real)).size > MOST_BYTES) throw new Error("not to be read")
    JSON.parse(await readFile(real, "utf8"))
    return code
  } catch {
    return code.replace(SOURCE_MAP, "$1...$2")
  }
}

/** The path is the module's own, in a namespace that no app can name. */
function wasmModule(path: string): OnLoadResult {
  return {
    contents: `import bytes from ${JSON.stringify(path)}\nexport default new WebAssembly.Module(bytes)`,
    loader: "js",
    resolveDir: dirname(path),
  }
}

/**
 * `import.meta` of each file as it was before all became one: a call of a function with as many characters, so that positions hold.
 */
function withMeta(code: string, file: string): string {
  if (!code.includes("import.meta")) return code
  const url = JSON.stringify(`app:///${file.replaceAll("\\", "/")}`)
  const declaration = `;function __imeta__(){return __imeta__.it??={__proto__:null,url:${url},main:false}}`
  return `${code.replace(/\bimport\.meta\b/g, "__imeta__()")}\n${declaration}`
}
