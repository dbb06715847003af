/** Tells whether a process is still the one that was noted down, although numbers of processes are used again. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"

/** When the process began, as text that no other process of this number has; null when it has ended. */
export function processIdentity(pid: number): string | null {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is somebody else's, and alive.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return null
  }
  return existsSync("/proc/self/stat") ? fromProc(pid) : fromPs(pid)
}

function fromProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    // The name in brackets may hold anything: fields are counted from the last bracket. Field 22 is the start time.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    // A zombie has ended; its parent has not looked yet.
    if (fields[0] === "Z") return null
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()} ${fields[19]}`
  } catch {
    return null
  }
}

/** macOS: to the second, which is enough. */
function fromPs(pid: number): string | null {
  const { status, stdout } = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], {
    env: { PATH: "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" },
    encoding: "utf8",
  })
  return status === 0 && stdout.trim() !== "" ? stdout.trim() : null
}
