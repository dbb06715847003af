/** The folder of a host's private sockets: its own, mode 0700, with a path short enough for unix sockets. */
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Longest path of a unix socket: 107 bytes on Linux, 103 on macOS. Room is left for the names inside. */
const MAX_DIR_BYTES = 75

export function createRunDir(): Promise<string> {
  const base = Buffer.byteLength(tmpdir()) + "/polyhost-XXXXXX".length > MAX_DIR_BYTES ? "/tmp" : tmpdir()
  return mkdtemp(join(base, "polyhost-"))
}
