import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** Polyhost's own version, from the package.json above this file. */
export function hostVersion(): string {
  let dir = dirname(fileURLToPath(import.meta.url))
  while (dirname(dir) !== dir) {
    try {
      const manifest = JSON.parse(readFileSync(join(dir, "package.json"), "utf8")) as {
        name?: string
        version?: string
      }
      if (manifest.name === "polyhost") return manifest.version ?? ""
    } catch {
      // No package.json here: look one folder up.
    }
    dir = dirname(dir)
  }
  return ""
}
