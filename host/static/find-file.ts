/**
 * Finds the file that a path names, as the disk is now: index, precompressed variant, no way out of the folder by a symbolic link,
 * nothing but plain files. Sends nothing and remembers nothing (`look-ups.ts` does).
 */
import { constants, type Stats } from "node:fs"
import { access, type FileHandle, lstat, open, readlink, realpath, stat } from "node:fs/promises"
import { platform } from "node:os"
import { dirname, sep } from "node:path"
import compressible from "compressible"
import type { ContentCoding } from "../../runtimes/app-spec.ts"
import { type Identity, inspect, sameFile, typeOf, UNKNOWN_TYPE, type Validators } from "./library.ts"

export interface Sought {
  /** Absolute; ends with "/" when a folder is meant. */
  readonly path: string
  /** What the file must lie in, whatever links there are; null: anywhere. */
  readonly root: string | null
  readonly index: string | null
  /** Codings of precompressed variants that the client takes, best first; null: none is ever sent. */
  readonly codings: readonly ContentCoding[] | null
}

/** What was seen at a path when the file was found: while it stays so, the finding stays right. Null: nothing was there. */
export interface Probe {
  readonly path: string
  readonly seen: Identity | null
}

export interface FoundFile {
  /** Without links. */
  readonly path: string
  readonly identity: Identity
  readonly type: string
  readonly coding: ContentCoding | null
  /** There are variants: the answer varies. */
  readonly varies: boolean
  readonly validators: Validators
  readonly probes: readonly Probe[]
}

export type Finding =
  | { readonly kind: "file"; readonly file: FoundFile }
  /** A folder named without its `/`, with an index. */
  | { readonly kind: "folder" }
  | { readonly kind: "missing" }
  | { readonly kind: "failed"; readonly code: "FILE_FORBIDDEN" | "FILE_UNREADABLE"; readonly detail: string }

/**
 * Never rejects. `opened` gets the file while it is open, to read it; what it returns is waited for.
 */
export async function findFile(
  sought: Sought,
  opened: (file: FoundFile, handle: FileHandle) => Promise<void>,
): Promise<Finding> {
  try {
    // A file that changes between two looks is looked at again.
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const name = await named(sought)
      if (name === "missing" || name === "folder") return { kind: name }
      const finding = await openNamed(name, sought, opened)
      if (finding !== "changed") return finding
    }
    return { kind: "failed", code: "FILE_UNREADABLE", detail: `${sought.path} changes all the time` }
  } catch (error) {
    return failure(error, sought.path)
  }
}

/** Opens a file that was found. Null: another is there now, or none. */
export async function openFound(file: FoundFile): Promise<FileHandle | null> {
  const handle = await openPlain(file.path)
  if (sameFile(await handle.stat(), file.identity)) return handle
  await handle.close()
  return null
}

/** What an error of the file system means to a client. */
export function failure(error: unknown, path: string): Finding {
  const code = (error as NodeJS.ErrnoException).code ?? ""
  if (MISSING.has(code)) return { kind: "missing" }
  const forbidden = code === "EACCES" || code === "EPERM"
  const detail = `${path}: ${error instanceof Error ? error.message : String(error)}`
  return { kind: "failed", code: forbidden ? "FILE_FORBIDDEN" : "FILE_UNREADABLE", detail }
}

const ATTEMPTS = 3
const MISSING: ReadonlySet<string> = new Set([
  "ENOENT",
  "ENOTDIR",
  "ENAMETOOLONG",
  "ELOOP",
  "ENXIO",
  "ERR_INVALID_ARG_VALUE",
])
const EXTENSIONS: Readonly<Record<ContentCoding, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" }

interface Named {
  readonly path: string
  readonly stat: Stats
}

async function named({ path, index }: Sought): Promise<Named | "missing" | "folder"> {
  const isFolder = path.endsWith("/")
  if (isFolder && index === null) return "missing"
  const name = isFolder ? path + index : path
  const seen = await stat(name)
  if (seen.isFile()) return { path: name, stat: seen }
  if (isFolder || index === null || !seen.isDirectory()) return "missing"
  return (await stat(`${name}/${index}`)).isFile() ? "folder" : "missing"
}

async function openNamed(
  { path, stat: seen }: Named,
  { root, codings }: Sought,
  opened: (file: FoundFile, handle: FileHandle) => Promise<void>,
): Promise<Finding | "changed"> {
  const type = typeOf(path)
  const isSought = codings !== null && type !== UNKNOWN_TYPE && compressible(type) === true
  const probes: Probe[] = []
  const variants = isSought ? await variantsOf(path, root, probes) : NO_VARIANTS
  const variant = codings?.map((it) => variants.get(it)).find((it) => it !== undefined) ?? null
  if (variant !== null) probes.push({ path, seen })
  const coding = variant?.coding ?? null
  const handle = await openPlain(variant?.path ?? path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null
    throw error
  })
  if (handle === null) return "changed"
  try {
    const identity = await handle.stat()
    if (!identity.isFile()) return { kind: "missing" }
    const real = await realPathOf(handle, variant?.path ?? path)
    if (real === null) return "changed"
    if (root !== null && !(await isInside(real, root))) return { kind: "missing" }
    // The open file itself, whoever has its name by now.
    const looked = await inspect(ownPath(handle) ?? real, coding === null ? "" : `-${coding}`)
    if (looked === null || !sameFile(looked.stat, identity)) return "changed"
    if (variant === null) probes.push({ path, seen: identity })
    const { validators } = looked
    const varies = variants.size > 0
    const file: FoundFile = { path: real, identity, type, coding, varies, validators, probes }
    await opened(file, handle)
    return { kind: "file", file }
  } finally {
    await handle.close()
  }
}

interface Variant {
  readonly path: string
  readonly coding: ContentCoding
}

const NO_VARIANTS: ReadonlyMap<ContentCoding, Variant> = new Map()

/** All of them, also for a client that takes none: whether there are any is part of its answer (Vary). */
async function variantsOf(
  path: string,
  root: string | null,
  probes: Probe[],
): Promise<ReadonlyMap<ContentCoding, Variant>> {
  const codings = Object.keys(EXTENSIONS) as ContentCoding[]
  const variants = new Map<ContentCoding, Variant>()
  // One look at the folder tells that those that are not there have not come: taken first, so that it cannot miss one.
  const folder = { path: dirname(path), seen: await stat(dirname(path)) }
  let isAnyAbsent = false
  const looks = codings.map(async (coding) => {
    const name = path + EXTENSIONS[coding]
    const seen = await stat(name).catch(() => null)
    // What a link leads to may come without a trace in the folder.
    if (seen !== null || (await lstat(name).catch(() => null)) !== null) probes.push({ path: name, seen })
    else isAnyAbsent = true
    if (seen?.isFile() && (await isUsable(name, root))) variants.set(coding, { path: name, coding })
  })
  await Promise.all(looks)
  if (isAnyAbsent) probes.push(folder)
  return variants
}

/** One that may not be read, or leads out of the folder, does not stand in the way of the file itself. */
async function isUsable(path: string, root: string | null): Promise<boolean> {
  try {
    await access(path, constants.R_OK)
    return root === null || (await isInside(await realpath(path), root))
  } catch {
    return false
  }
}

/** Without waiting for the other end of a pipe. */
function openPlain(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
}

/** Where an open file lies. On Linux the system says it of the file itself; elsewhere the path is resolved and compared. Null: changed. */
async function realPathOf(handle: FileHandle, path: string): Promise<string | null> {
  const own = ownPath(handle)
  if (own !== null) return readlink(own)
  const real = await realpath(path)
  const [resolved, opened] = await Promise.all([lstat(real), handle.stat()])
  return resolved.ino === opened.ino && resolved.dev === opened.dev ? real : null
}

/** Stands for the open file itself, where the system has such a path. */
function ownPath(handle: FileHandle): string | null {
  return platform() === "linux" ? `/proc/self/fd/${handle.fd}` : null
}

async function isInside(real: string, root: string): Promise<boolean> {
  const folder = await realpath(root)
  return folder === dirname(real) || real.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
