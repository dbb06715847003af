/** Folders with small apps, written for one test and removed after it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"

/** Where temporary folders go, before any test host changes it. */
const TEMP = tmpdir()

/** Files by path. Returns the folder. */
export function writeApp(files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = mkdtempSync(join(TEMP, "phi-"))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), content)
  }
  return dir
}
