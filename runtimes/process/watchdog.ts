/**
 * The watchdog: a shell of a few lines that holds one end of a pipe to the host. When the host is gone, whatever ended
 * it, the pipe closes and the shell kills every process group that the host had started and removes the run folder.
 * It works for guests that spin, for programs without a guest, and needs nothing but POSIX sh.
 */
import { type ChildProcess, spawn } from "node:child_process"

export interface Watchdog {
  /** A process group to end when the host is gone. */
  watch(pid: number): void
  /** The group has ended. */
  forget(pid: number): void
  close(): Promise<void>
}

const SCRIPT = `trap '' INT TERM HUP QUIT
groups=' '
while read -r verb group; do
  case $verb in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -KILL -"$group" 2>/dev/null; done
rm -rf "$1"`

/** `runDir` is removed when the host is gone. */
export function startWatchdog(runDir: string): Watchdog {
  const watched = new Set<number>()
  let closed = false
  let shell = start()

  function start(): ChildProcess {
    const child = spawn("/bin/sh", ["-c", SCRIPT, "polyhost-watchdog", runDir], {
      detached: true,
      env: {},
      cwd: "/",
      stdio: ["pipe", "ignore", "ignore"],
    })
    child.stdin?.on("error", () => undefined)
    child.on("error", () => undefined)
    child.once("exit", () => {
      // Somebody killed the watchdog alone. The guests need another.
      if (!closed) shell = start()
    })
    for (const pid of watched) child.stdin?.write(`+ ${pid}\n`)
    child.unref()
    ;(child.stdin as unknown as { unref?: () => void } | null)?.unref?.()
    return child
  }

  return {
    watch(pid) {
      watched.add(pid)
      shell.stdin?.write(`+ ${pid}\n`)
    },
    forget(pid) {
      if (watched.delete(pid)) shell.stdin?.write(`- ${pid}\n`)
    },
    close() {
      closed = true
      const { promise, settle } = exitOf(shell)
      shell.stdin?.end()
      if (shell.exitCode !== null || shell.signalCode !== null || shell.pid === undefined) settle()
      return promise
    },
  }
}

function exitOf(child: ChildProcess): { promise: Promise<void>; settle: () => void } {
  let settle: () => void = () => undefined
  const promise = new Promise<void>((resolve) => {
    settle = resolve
  })
  child.ref()
  child.once("exit", () => settle())
  return { promise, settle }
}
