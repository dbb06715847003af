/**
 * Whether isolated-vm, which has a native part, is there for a Node and can be loaded by it. The host itself never loads it: only cells do.
 */
import { execFile } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { messageOf } from "../../protocol/errors.ts"

/** Versions of Node that isolated-vm has builds for, with the number of their native interface. */
export const BUILDS: ReadonlyMap<string, string> = new Map([
  ["24", "137"],
  ["26", "147"],
])

const LOAD_MS = 10_000

/** Why the cells' `program` would not find isolated-vm, or none for this version of Node; null: it is there. */
export function whyMissing(program: string, version: string): string | null {
  let folder: string
  try {
    folder = folderFor(program)
  } catch (error) {
    return `the package isolated-vm is not installed (${firstLine(messageOf(error))})`
  }
  if (existsSync(join(folder, "build", "Release"))) return null
  const platform = `${process.platform}-${process.arch}`
  const builds = join(folder, "prebuilds", platform)
  const abi = BUILDS.get(version.split(".")[0] as string)
  const found = existsSync(builds) ? readdirSync(builds) : []
  if (abi !== undefined && found.some((name) => name.includes(`.abi${abi}.`))) return null
  return `isolated-vm has no build for ${platform} and node ${version}`
}

/** Why the Node at `file` cannot load isolated-vm for `program`, tried in a process of its own; null: it can. */
export function whyUnloadable(
  program: string,
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<string | null> {
  return new Promise((resolve) => {
    const args = ["--no-node-snapshot", "-e", `require(${JSON.stringify(folderFor(program))})`]
    execFile(file, args, { env, timeout: LOAD_MS, killSignal: "SIGKILL" }, (error, _, stderr) => {
      if (error === null) return resolve(null)
      const thrown = /^\w*Error: .*$/m.exec(stderr)?.[0]
      resolve(`isolated-vm cannot be loaded by ${file} (${thrown ?? firstLine(messageOf(error))})`)
    })
  })
}

function folderFor(program: string): string {
  return dirname(createRequire(program).resolve("isolated-vm/package.json"))
}

function firstLine(text: string): string {
  return text.split("\n")[0] as string
}
