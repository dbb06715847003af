/** The unix sockets that a guest makes for its app's servers, in the host's run folder under a name of its own. */
import { lstat, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { PolyhostError } from "../../protocol/errors.ts"

/** The private sockets that a guest uses at most before it asks for more than an app usually has. */
export function privateSocketPaths(runDir: string, prefix: string): string[] {
  return ["0", "1", "2", "3"].map((name) => join(runDir, `${prefix}${name}.sock`))
}

export async function removePrivateSockets(runDir: string, prefix: string): Promise<void> {
  const names = await readdir(runDir).catch(() => [])
  for (const name of names) if (name.startsWith(prefix)) await rm(join(runDir, name), { force: true })
}

/**
 * The path lies in the run folder under the guest's own name (P4 saw to that); it must also be a socket itself and not
 * a link to another, which the host would then talk to.
 */
export async function ownSocket(path: string): Promise<string> {
  if ((await lstat(path)).isSocket()) return path
  throw new PolyhostError(
    "PROTOCOL_VIOLATION",
    `the app's server path ${JSON.stringify(path)} is not a socket`,
  )
}
