/**
 * FileView: what a load sees of the disk. Each folder and file is read once, so that hundreds of apps below one root
 * cost little. Lives as long as one load; a new load sees the disk anew.
 */
import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { type Document, parseDocument } from "./document.ts"

export type EntryKind = "file" | "dir" | "other"

export interface FileView {
  /** Names in a folder and what they are; empty when there is no such folder. */
  list(dir: string): Promise<ReadonlyMap<string, EntryKind>>
  /** Text of a file, null when there is none. Rejects when it cannot be read. */
  text(path: string): Promise<string | null>
  /** The file as a document (JSON with comments), null when there is none. */
  document(path: string): Promise<Document | null>
  /** What is at a path; null for nothing. */
  kind(path: string): Promise<EntryKind | null>
}

export function createFileView(): FileView {
  const folders = new Map<string, Promise<ReadonlyMap<string, EntryKind>>>()
  const texts = new Map<string, Promise<string | null>>()
  const documents = new Map<string, Promise<Document | null>>()

  const view: FileView = {
    list: (dir) => once(folders, dir, () => listFolder(dir)),
    text: (path) => once(texts, path, () => readText(path)),
    document: (path) =>
      once(documents, path, async () => {
        const text = await view.text(path)
        return text === null ? null : parseDocument(path, text)
      }),
    kind: kindOf,
  }
  return view
}

function once<T>(memo: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = memo.get(key)
  if (known !== undefined) return known
  const made = make()
  memo.set(key, made)
  return made
}

async function listFolder(dir: string): Promise<ReadonlyMap<string, EntryKind>> {
  const found = new Map<string, EntryKind>()
  try {
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      if (entry.isFile()) found.set(entry.name, "file")
      else if (entry.isDirectory()) found.set(entry.name, "dir")
      else if (entry.isSymbolicLink()) found.set(entry.name, (await kindOf(join(dir, entry.name))) ?? "other")
    }
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
  return found
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8")
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

async function kindOf(path: string): Promise<EntryKind | null> {
  try {
    const found = await stat(path)
    return found.isFile() ? "file" : found.isDirectory() ? "dir" : "other"
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  if (code === "ERR_INVALID_ARG_VALUE") return true // A path with NUL names nothing.
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "ENAMETOOLONG"
}
