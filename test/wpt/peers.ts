/** The counts of another runtime for the same files, from its expectation files: a folder in the suite's layout, `FILE.json` with the status of each subtest. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { grouped } from "./grouped.ts"
import type { FileResult } from "./messages.ts"

export interface PeerFile {
  readonly path: string
  readonly theirs: number
  readonly ours: number
  /** What passes there and does not here. */
  readonly missing: readonly string[]
}

/** One entry a file that both ran; variants of a file are one file there. */
export function comparePeer(folder: string, results: readonly FileResult[]): PeerFile[] {
  const byPath = grouped(results, ({ name }) => name.replace(/\?.*$/, ""))
  return [...byPath].flatMap(([path, files]) => {
    const theirs = readPeer(folder, path)
    if (theirs === null) return []
    const passed = new Set(
      files.flatMap(({ subtests }) =>
        subtests.filter(({ status }) => status === "pass").map(({ name }) => name),
      ),
    )
    const ours = files.reduce(
      (sum, { subtests }) => sum + subtests.filter(({ status }) => status === "pass").length,
      0,
    )
    return [{ path, theirs: theirs.length, ours, missing: theirs.filter((name) => !passed.has(name)) }]
  })
}

function readPeer(folder: string, path: string): string[] | null {
  // Files are renamed when a proposal becomes the standard.
  const names = [
    path,
    path.replace(".any.js", ".tentative.any.js"),
    path.replace(".window.js", ".tentative.window.js"),
  ]
  const file = names.map((name) => join(folder, `${name}.json`)).find((name) => existsSync(name))
  if (file === undefined) return null
  const statuses = JSON.parse(readFileSync(file, "utf8")) as Record<string, { status: string }>
  return Object.keys(statuses).filter((name) => statuses[name]!.status === "PASS")
}
