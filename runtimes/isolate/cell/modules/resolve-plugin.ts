/**
 * How the bundler finds and reads an isolate's modules: as it does for browsers, but from the app's own files only, with texts and
 * WebAssembly as modules, and a word about what an isolate cannot import.
 */
import { readFile, realpath, stat } from "node:fs/promises"
import { extname, relative } from "node:path"
import type { Loader, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild"
import { builtinRefusal, isBuiltin, outsideRefusal, ReadableFolders } from "./refusals.ts"

const MOST_BYTES = 16 * 1024 * 1024

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

/** `read` is told the path of every file that becomes a part. */
export function resolvePlugin(dir: string, read: (path: string) => void): Plugin {
  return {
    name: "polyhost-isolate",
    async setup(build) {
      const app: AppFolders = { dir, readable: await ReadableFolders.of(dir) }
      build.onResolve({ filter: /.*/ }, (args) => resolve(build, app, args))
      build.onLoad({ filter: /.*/, namespace: "file" }, ({ path, with: attributes }) => {
        read(path)
        return load(app, path, attributes["type"])
      })
      build.onLoad({ filter: /.*/, namespace: "refused" }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(path)})`,
        loader: "js",
      }))
      build.onLoad({ filter: /.*/, namespace: "bytes" }, async ({ path }) => ({
        contents: await readFile(path),
        loader: "binary",
      }))
    },
  }
}

interface AppFolders {
  readonly dir: string
  readonly readable: ReadableFolders
}

async function resolve(
  build: PluginBuild,
  { dir, readable }: AppFolders,
  args: OnResolveArgs,
): Promise<OnResolveResult | null> {
  if (args.pluginData === RESOLVING) return null
  if (args.namespace === "file" && args.path.startsWith("bytes:"))
    return { path: args.path.slice("bytes:".length), namespace: "bytes" }
  const importer = args.importer === "" ? "the manifest" : relative(dir, args.importer)
  if (/^(?:node|bun|deno|cloudflare):/.test(args.path))
    return refuse(args, builtinRefusal(args.path, importer))
  const { kind, resolveDir } = args
  const found = await build.resolve(args.path, {
    importer: args.importer,
    kind,
    resolveDir,
    with: args.with,
    pluginData: RESOLVING,
  })
  if (found.errors.length > 0) {
    if (isBuiltin(args.path)) return refuse(args, builtinRefusal(args.path, importer))
    return kind === "import-statement" || kind === "entry-point"
      ? { errors: found.errors }
      : refuse(args, found.errors[0]?.text ?? `cannot resolve ${args.path}`)
  }
  if (found.namespace !== "file" || found.external) return found
  if (readable.has(found.path)) return found
  return refuse(args, outsideRefusal(dir, found.path))
}

const RESOLVING = { isResolving: true }

/** What is imported when it runs, or may be missing (`require` in a try), fails when it runs. */
function refuse({ kind }: OnResolveArgs, text: string): OnResolveResult {
  if (kind === "dynamic-import" || kind === "require-call" || kind === "require-resolve")
    return { path: text, namespace: "refused" }
  return { errors: [{ text }] }
}

async function load(
  { dir, readable }: AppFolders,
  path: string,
  type: string | undefined,
): Promise<OnLoadResult> {
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
  if (extension === ".wasm") return wasmModule(path)
  const loader = type === "json" ? "json" : LOADERS.get(extension)
  if (loader === undefined)
    return {
      errors: [
        { text: `${relative(dir, path)} is no module: import it with { type: "text" } or { type: "json" }` },
      ],
    }
  const contents = await readFile(real, "utf8")
  return {
    contents: loader === "json" || loader === "text" ? contents : withMeta(contents, relative(dir, path)),
    loader,
  }
}

function wasmModule(path: string): OnLoadResult {
  return {
    contents: `import bytes from ${JSON.stringify(`bytes:${path}`)}\nexport default new WebAssembly.Module(bytes)`,
    loader: "js",
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
