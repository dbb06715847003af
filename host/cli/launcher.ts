/** The host's end of the tie to the launcher (polyhost.js), when another Node started this one. */
import { fstatSync } from "node:fs"
import { Socket } from "node:net"

const LAUNCHER_FD = "POLYHOST_LAUNCHER_FD"

/**
 * Aborted when the launcher is gone, whatever ended it; never when there is none. The mark is taken out of the
 * environment, so that nothing started from here mistakes its own descriptor 3 for it.
 */
export function launcherGone(env: NodeJS.ProcessEnv): AbortSignal {
  const gone = new AbortController()
  const fd = Number(env[LAUNCHER_FD])
  delete env[LAUNCHER_FD]
  if (!Number.isInteger(fd) || fd < 3 || !isSocket(fd)) return gone.signal
  const pipe = new Socket({ fd, readable: true, writable: false })
  pipe.on("error", () => undefined)
  pipe.on("close", () => gone.abort())
  pipe.resume()
  pipe.unref()
  return gone.signal
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket()
  } catch {
    return false
  }
}
