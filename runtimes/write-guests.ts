/**
 * Builds what runs where apps run: the guest, and the programs of cells. `npm run build:guest`. Built: `dist/guest/guest.cjs`,
 * `dist/cell/thread.mjs` and its worker, and for isolates `dist/cell/isolate.mjs`, `dist/isolate/inside.js` and the tables that it asks for.
 */
import { existsSync } from "node:fs"
import { copyFile } from "node:fs/promises"
import { join } from "node:path"
import { type BuildOptions, build, type Plugin } from "esbuild"

const root = join(import.meta.dirname, "..")

/** The cell keeps the tables of legacy encodings for all its isolates: `isolate/web/encoding/tables.ts`. */
const tablesApart: Plugin = {
  name: "tables-apart",
  setup(it) {
    it.onResolve({ filter: /\/multi-byte\.encodings\.cjs$/ }, () => ({
      path: join(root, "runtimes/isolate/web/encoding/tables.ts"),
    }))
  },
}

/** crossws' classes without its adapters: see `guest/websocket/libraries.d.ts`. */
const crossws = Object.fromEntries(
  ["peer", "adapter", "error"].map((name) => [
    `crossws/dist/_chunks/${name}.mjs`,
    `./node_modules/crossws/dist/_chunks/${name}.mjs`,
  ]),
)

const programs: readonly BuildOptions[] = [
  {
    entryPoints: ["runtimes/guest/main.ts"],
    outfile: "dist/guest/guest.cjs",
    format: "cjs",
    target: "node14.17",
    alias: crossws,
  },
  // Piscina finds its own worker file beside itself: it stays a package.
  {
    entryPoints: ["runtimes/thread/inside/main.ts"],
    outfile: "dist/cell/thread.mjs",
    format: "esm",
    target: "node20",
    external: ["piscina"],
  },
  {
    entryPoints: ["runtimes/thread/inside/worker.ts"],
    outfile: "dist/cell/thread-worker.cjs",
    format: "cjs",
    target: "node20",
  },
  {
    entryPoints: ["runtimes/isolate/cell/main.ts"],
    outfile: "dist/cell/isolate.mjs",
    format: "esm",
    target: "node24",
    external: ["isolated-vm", "esbuild"],
  },
  {
    entryPoints: ["runtimes/isolate/inside/main.ts"],
    outfile: "dist/isolate/inside.js",
    format: "iife",
    platform: "neutral",
    target: "es2024",
    mainFields: ["module", "main"],
    // Its tables are two thirds of what a snapshot would hold; the cell does IDNA.
    alias: { ...crossws, tr46: "./runtimes/isolate/web/url/idna.ts" },
    plugins: [tablesApart],
    // Nothing of it shows its callers to the app.
    banner: { js: '"use strict";' },
    minify: true,
    // Classes and functions are named by their text: `TypeError`, `ReadableStream`.
    keepNames: false,
  },
]

for (const program of programs) {
  const [entry] = program.entryPoints as string[]
  if (!existsSync(join(root, entry as string))) continue
  await build({
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    logLevel: "warning",
    ...program,
  })
}

await copyFile(
  join(root, "node_modules/@exodus/bytes/fallback/multi-byte.encodings.json"),
  join(root, "dist/isolate/encodings.json"),
)
