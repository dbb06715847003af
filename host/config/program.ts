/** Whether the program of a "command" can be run, as its start will look for it. */
import { constants } from "node:fs"
import { access, stat } from "node:fs/promises"
import { delimiter, resolve } from "node:path"

/** Why not, or null. A name without a slash is looked for in the folders of `searchPath`; undefined: it is not judged. */
export async function whyNotRunnable(
  program: string,
  dir: string,
  searchPath: string | undefined,
): Promise<string | null> {
  if (program.includes("/")) {
    const seen = await lookAt(resolve(dir, program))
    if (seen === "runnable") return null
    return seen === "nothing"
      ? `there is no file ${resolve(dir, program)}`
      : `${resolve(dir, program)} is not executable`
  }
  if (searchPath === undefined) return null
  for (const folder of searchPath.split(delimiter)) {
    if ((await lookAt(resolve(dir, folder, program))) === "runnable") return null
  }
  return `there is no program "${program}" on PATH`
}

async function lookAt(path: string): Promise<"runnable" | "other" | "nothing"> {
  try {
    if (!(await stat(path)).isFile()) return "other"
  } catch {
    return "nothing"
  }
  return access(path, constants.X_OK).then(
    () => "runnable",
    () => "other",
  )
}
