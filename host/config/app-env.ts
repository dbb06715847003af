/** Variables of an app: its own, over those of its file, over the host config's defaults. */
import { resolve } from "node:path"
import { parseEnv } from "node:util"
import type { AppSource, BuildContext } from "./app-source.ts"
import { problemAt } from "./document.ts"
import type { Problem } from "./problem.ts"
import type { AppManifestInput } from "./schema.ts"

const DEFAULT_ENV_FILE = ".env"

export async function envOf(
  given: AppManifestInput,
  source: AppSource,
  context: BuildContext,
): Promise<{ env: Readonly<Record<string, string>>; problems: readonly Problem[] }> {
  const problems: Problem[] = []
  let fromFile: NodeJS.Dict<string> = {}
  if (given.envFile !== false) {
    const path = resolve(source.dir, given.envFile ?? DEFAULT_ENV_FILE)
    const isFile = (await context.files.kind(path)) === "file"
    const text = isFile ? await context.files.text(path) : null
    if (text !== null) fromFile = parseEnv(text.replace(/^\uFEFF/, ""))
    else if (given.envFile !== undefined) {
      const message = `"envFile" is "${given.envFile}", but there is no file ${path}`
      problems.push(problemAt(source.document, [...source.at, "envFile"], message))
    }
  }
  const env: Record<string, string> = {}
  for (const [key, value] of Object.entries({ ...context.defaults.env, ...fromFile, ...given.env }))
    env[key] = String(value)
  return { env, problems }
}
