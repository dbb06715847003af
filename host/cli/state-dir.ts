/**
 * The state directory: made for its owner alone, and one live host at a time. The lock is a file with the number and
 * the start time of the host's process; a dead host's lock is taken over.
 */
import { randomBytes } from "node:crypto"
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { messageOf, PolyhostError } from "../../protocol/errors.ts"
import { processIdentity } from "./process-identity.ts"

export interface StateDir {
  readonly path: string
  /** Gives the lock up. The folder stays. */
  release(): Promise<void>
}

/** @throws PolyhostError HOST_BUSY when a live host has it */
export async function openStateDir(path: string): Promise<StateDir> {
  try {
    const made = await mkdir(path, { recursive: true, mode: 0o700 })
    // Nothing in it is for version control.
    if (made !== undefined) await writeFile(join(path, ".gitignore"), "*\n", { flag: "wx" })
    return await lock(path)
  } catch (error) {
    if (error instanceof PolyhostError) throw error
    throw new PolyhostError(
      "CONFIG_INVALID",
      `the state directory ${path} cannot be used: ${messageOf(error)}. Name another with --state-dir.`,
      { cause: error },
    )
  }
}

/** How often a lock that changes under our eyes is looked at again. */
const TRIES = 10

async function lock(dir: string): Promise<StateDir> {
  const path = join(dir, "host.lock")
  const mine = JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) })
  const draft = join(dir, `host.lock.${process.pid}.${randomBytes(4).toString("hex")}`)
  await writeFile(draft, mine, { mode: 0o600 })
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      // A link appears whole or not at all, and never over another.
      if (await linked(draft, path)) return { path: dir, release: () => release(path, mine) }
      const seen = await textOf(path)
      if (seen === null) continue
      const owner = liveOwner(seen)
      if (owner !== null) throw busy(dir, owner)
      await removeStale(path, seen)
    }
    throw busy(dir, null)
  } finally {
    await rm(draft, { force: true })
  }
}

async function release(path: string, mine: string): Promise<void> {
  if ((await textOf(path)) === mine) await rm(path, { force: true })
}

/** Number of the live process that the lock names, or null. */
function liveOwner(text: string): number | null {
  try {
    const { pid, identity } = JSON.parse(text) as { pid?: unknown; identity?: unknown }
    if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 0) return null
    const seen = processIdentity(pid)
    return seen !== null && (identity === null || seen === identity) ? pid : null
  } catch {
    // Not a lock of ours.
    return null
  }
}

/** Takes a dead host's lock away, and puts it back when another host was faster and it is a live one's by now. */
async function removeStale(path: string, stale: string): Promise<void> {
  const aside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return
    throw error
  }
  if ((await textOf(aside)) !== stale) await linked(aside, path)
  await rm(aside, { force: true })
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  }
}

function textOf(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch(() => null)
}

function busy(dir: string, pid: number | null): PolyhostError {
  const who = pid === null ? "another host" : `a host with process id ${pid}`
  return new PolyhostError(
    "HOST_BUSY",
    `${who} uses the state directory ${dir}. Stop it first, or name another with --state-dir.`,
  )
}
