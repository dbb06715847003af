/** The bundled web APIs in a context that has ECMAScript only. What is run there gives back plain data. */
import { domainToASCII } from "node:url"
import { createContext, Script } from "node:vm"
import { build } from "esbuild"
import { WEB_BUNDLE } from "../../runtimes/isolate/web/bundle-options.ts"

/** The same options as the build of the isolate's script has. */
export async function bundleWebScript(): Promise<string> {
  const root = new URL("../..", import.meta.url).pathname
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["test/isolate-web/data-entry.ts"],
    ...WEB_BUNDLE,
    mainFields: [...WEB_BUNDLE.mainFields],
    write: false,
    logLevel: "warning",
  })
  return outputFiles[0]!.text
}

export interface BareContext {
  /** Runs the body of an async function; what it returns is copied out as JSON. */
  run<Result = unknown>(body: string): Promise<Result>
}

export async function bareContext(): Promise<BareContext> {
  const context = createContext({
    testOps: {
      domainToASCII: (host: string) => domainToASCII(host),
      random: (length: number) => new ArrayBuffer(length),
      wakeAfter: () => undefined,
      print: () => undefined,
      subtle: () => Promise.reject(new Error("no cell")),
    },
  })
  // As while a snapshot is made.
  new Script("delete globalThis.SharedArrayBuffer").runInContext(context)
  new Script(await bundleWebScript(), { filename: "inside.js" }).runInContext(context)
  return {
    async run<Result>(body: string) {
      const script = new Script(`(async () => { ${body} })().then((value) => JSON.stringify(value))`)
      return JSON.parse((await script.runInContext(context)) as string) as Result
    },
  }
}
