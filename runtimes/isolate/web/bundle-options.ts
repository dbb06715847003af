/** How esbuild makes one script of what is in this folder. Whoever bundles it (the build, tests) uses these. */

export const WEB_BUNDLE = {
  bundle: true,
  format: "iife",
  platform: "neutral",
  mainFields: ["module", "main"],
  target: "es2023",
  // Identifiers too: 0.4 instead of 0.9 MB of source in the heap of each isolate.
  minify: true,
  // The tables of IDNA would be as much again: the cell does it.
  alias: { tr46: "./runtimes/isolate/web/url/idna.ts" },
} as const
