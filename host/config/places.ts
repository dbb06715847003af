/** Where the configuration of a host stands: host configs and apps that PATH arguments name, or an object. */
import { dirname, join, resolve } from "node:path"
import { messageOf } from "../../protocol/errors.ts"
import type { AppSource } from "./app-source.ts"
import { APP_MANIFEST_NAME, folderApp, HOST_CONFIG_NAME, manifestApp } from "./discover.ts"
import { type Document, documentOf } from "./document.ts"
import type { FileView } from "./files.ts"
import type { Problem } from "./problem.ts"
import type { HostConfigInput } from "./schema.ts"
import { valueAt } from "./validate.ts"

export interface HostPlace {
  readonly document: Document
  readonly root: string
}

export interface Places {
  readonly hosts: readonly HostPlace[]
  readonly apps: readonly AppSource[]
  readonly problems: readonly Problem[]
}

export function objectPlaces(config: HostConfigInput, cwd: string): Places {
  return { hosts: [{ document: documentOf("config", config), root: cwd }], apps: [], problems: [] }
}

export async function pathPlaces(paths: readonly string[], cwd: string, files: FileView): Promise<Places> {
  const hosts = new Map<string, HostPlace>()
  const apps = new Map<string, AppSource>()
  const problems: Problem[] = []
  const add = async (given: string): Promise<void> => {
    const path = resolve(cwd, given)
    const kind = await files.kind(path)
    if (kind === null) {
      problems.push(placeless(path, `there is no folder or file "${given}"`))
    } else if (kind === "dir") {
      const names = await files.list(path)
      if (names.has(HOST_CONFIG_NAME)) await add(join(path, HOST_CONFIG_NAME))
      else {
        const source = await folderApp(path, null, files)
        apps.set(source.manifest ?? path, source)
      }
    } else {
      const document = (await files.document(path)) ?? documentOf(path, undefined)
      if (isHostConfig(path, document)) hosts.set(path, { document, root: dirname(path) })
      else apps.set(path, await manifestApp(path, files))
    }
  }
  for (const given of paths.length === 0 ? ["."] : paths) {
    try {
      await add(given)
    } catch (error) {
      problems.push(placeless(resolve(cwd, given), messageOf(error)))
    }
  }
  return { hosts: [...hosts.values()], apps: [...apps.values()], problems }
}

function isHostConfig(path: string, document: Document): boolean {
  if (path.endsWith(APP_MANIFEST_NAME)) return false
  if (path.endsWith(HOST_CONFIG_NAME)) return true
  return valueAt(document.value, ["apps"]) !== undefined || valueAt(document.value, ["listen"]) !== undefined
}

export function placeless(file: string, message: string): Problem {
  return { file, line: 0, column: 0, severity: "error", path: "", message }
}
