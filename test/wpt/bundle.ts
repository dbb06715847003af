/** The script of the isolate, built as the runtime's own build does it. */
import { join } from "node:path"
import { build } from "esbuild"

export async function bundleInside(): Promise<string> {
  const built = await build({
    entryPoints: [join(import.meta.dirname, "inside/main.ts")],
    bundle: true,
    write: false,
    format: "iife",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2024",
    // As in the build of the runtime: the cell does IDNA.
    alias: { tr46: join(import.meta.dirname, "../../runtimes/isolate/web/url/idna.ts") },
    banner: { js: '"use strict";' },
    logLevel: "error",
  })
  return built.outputFiles[0]!.text
}
