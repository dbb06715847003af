/** Folders with small apps, written for tests and removed after them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"

export type Files = Readonly<Record<string, string | Uint8Array>>

/** Where temporary folders go, before any test host changes it. */
const TEMP = tmpdir()

/** A folder with these files, by path; removed when the test has finished. */
export function writeApp(files: Files): string {
  const apps = temporaryApps()
  onTestFinished(() => apps.remove())
  return apps.write(files)
}

export function temporaryApps(): { write(files: Files): string; remove(): void } {
  const dirs: string[] = []
  return {
    write(files) {
      const dir = mkdtempSync(join(TEMP, "phi-"))
      dirs.push(dir)
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(dir, path)), { recursive: true })
        writeFileSync(join(dir, path), content)
      }
      return dir
    },
    remove() {
      for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
    },
  }
}
