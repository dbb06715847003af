/**
 * Names of files and folders that belong to one live process: `LABEL~PID~HOST~RANDOM`. Whoever finds one can tell
 * whether its owner still lives, so nothing needs to be cleaned by the one who was killed.
 */
import { randomBytes } from "node:crypto"
import { hostname } from "node:os"

export interface OwnerMark {
  readonly label: string
  readonly pid: number
  readonly host: string
}

export function ownedName(label: string): string {
  return [label, process.pid, thisHost(), randomBytes(4).toString("hex")].join("~")
}

export function parseOwnedName(name: string): OwnerMark | null {
  const match = /^(.+)~(\d+)~([^~]*)~[0-9a-f]+$/.exec(name)
  return match ? { label: match[1]!, pid: Number(match[2]), host: match[3]! } : null
}

/** Whether the owner may still be at work. On another machine (a shared cache) only age can tell. */
export function ownerMayLive(mark: OwnerMark, ageMs: number): boolean {
  return mark.host === thisHost() ? isAlive(mark.pid) : ageMs < FOREIGN_MARK_KEPT_MS
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, as somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

const FOREIGN_MARK_KEPT_MS = 24 * 60 * 60_000

function thisHost(): string {
  return hostname().replace(/[^A-Za-z0-9.-]/g, "-")
}
