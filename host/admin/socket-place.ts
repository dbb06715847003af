/**
 * Where the admin socket stands: `STATE_DIR/admin.sock`, or, when that path is too long for a unix socket, in a short
 * temporary folder that a symbolic link of that name points to.
 */
import { lstat, mkdtemp, readlink, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"

export interface SocketPlace {
  readonly bindPath: string
  /** Makes the socket findable. After it listens. */
  publish(): Promise<void>
  /** Leaves nothing behind. */
  remove(): Promise<void>
}

/** Longest path that both Linux (107) and macOS (103) take. */
const MAX_PATH_BYTES = 103
const TEMPORARY = "polyhost-admin-"

export function adminSocketPath(stateDir: string): string {
  return join(stateDir, "admin.sock")
}

/** The path to connect to: where the link points, if it is one. */
export async function connectPath(stateDir: string): Promise<string> {
  const path = adminSocketPath(stateDir)
  return readlink(path).catch(() => path)
}

/** Clears what a dead host left, and says where to listen. */
export async function claimSocket(stateDir: string): Promise<SocketPlace> {
  const path = adminSocketPath(stateDir)
  await removeOld(path)
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) {
    return { bindPath: path, publish: async () => undefined, remove: () => rm(path, { force: true }) }
  }
  const base = Buffer.byteLength(tmpdir()) > MAX_PATH_BYTES - 40 ? "/tmp" : tmpdir()
  const dir = await mkdtemp(join(base, TEMPORARY))
  const bindPath = join(dir, "s")
  return {
    bindPath,
    publish: () => symlink(bindPath, path),
    async remove() {
      await rm(path, { force: true })
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function removeOld(path: string): Promise<void> {
  const target = await readlink(path).catch(() => null)
  // Only a folder that one of us made: the name is all that is known of it.
  if (target !== null && basename(target) === "s" && basename(dirname(target)).startsWith(TEMPORARY)) {
    const stat = await lstat(dirname(target)).catch(() => null)
    if (stat?.isDirectory() && stat.uid === process.getuid?.()) {
      await rm(target, { force: true })
      await rm(dirname(target), { recursive: true, force: true })
    }
  }
  await rm(path, { force: true })
}
