/** A folder of files for one test, removed when the test ends. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"
import { formatProblem, type LoadedConfig, loadConfig } from "../../host/config/index.ts"

/** Keys are paths; a key that ends with "/" is an empty folder. Objects are written as JSON. */
export function tree(files: Readonly<Record<string, unknown>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "polyhost-config-")))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name)
    mkdirSync(name.endsWith("/") ? path : dirname(path), { recursive: true })
    if (!name.endsWith("/"))
      writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
  }
  return root
}

export async function load(
  files: Readonly<Record<string, unknown>>,
  paths: readonly string[] = [],
): Promise<LoadedConfig> {
  return loadConfig({ paths, cwd: tree(files) })
}

/** The problems as `polyhost check` prints them, without the temporary folder's path. */
export function report(config: LoadedConfig): readonly string[] {
  return config.problems.map((problem) => formatProblem(problem, config.root).replaceAll(config.root, "ROOT"))
}
