/** What processes exist, as far as tests must know: who is alive, who is whose child, how much memory one holds. */
import { existsSync, readdirSync, readFileSync } from "node:fs"

/** True while the process exists and is not a zombie. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return statOf(pid)?.state !== "Z"
}

/** True while any process of the group exists. */
export function groupAlive(group: number): boolean {
  try {
    process.kill(-group, 0)
  } catch {
    return false
  }
  if (!existsSync("/proc/self/stat")) return true
  return allPids().some((pid) => {
    const stat = statOf(pid)
    return stat?.group === group && stat.state !== "Z"
  })
}

/** Direct children of a process. Empty where there is no /proc. */
export function childrenOf(parent: number): number[] {
  return allPids().filter((pid) => {
    const stat = statOf(pid)
    return stat?.parent === parent && stat.state !== "Z"
  })
}

/** Processes that have `text` in their environment or command line. Empty where there is no /proc. */
export function processesWith(text: string): number[] {
  return allPids().filter((pid) => {
    try {
      const told =
        readFileSync(`/proc/${pid}/environ`, "latin1") + readFileSync(`/proc/${pid}/cmdline`, "latin1")
      return pid !== process.pid && told.includes(text) && statOf(pid)?.state !== "Z"
    } catch {
      return false
    }
  })
}

export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()
  } catch {
    return ""
  }
}

/** Resident bytes of a process; 0 where there is no /proc. */
export function residentBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

function allPids(): number[] {
  if (!existsSync("/proc/self/stat")) return []
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function statOf(pid: number): { state: string; parent: number; group: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    const [state = "", parent, group] = text.slice(text.lastIndexOf(")") + 2).split(" ")
    return { state, parent: Number(parent), group: Number(group) }
  } catch {
    return undefined
  }
}
