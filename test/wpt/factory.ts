/** Isolates from a snapshot, as the runtime makes them; one factory a process. */
import ivm from "isolated-vm"

/** As much as an app may reasonably have; some files make arrays of 100 MB. */
const MEMORY_MB = 512

export interface Factory {
  /** A new isolate, with the start function of `inside/` taken off its global object. */
  open(): { isolate: ivm.Isolate; context: ivm.Context; start: ivm.Reference }
}

export function createFactory(code: string): Factory {
  const snapshot = ivm.Isolate.createSnapshot([{ code, filename: "polyhost:wpt-inside.js" }])
  return {
    open() {
      // What cannot be contained costs the process, and the parent sees which file it was.
      const onCatastrophicError = (): void => void process.kill(process.pid, "SIGKILL")
      const isolate = new ivm.Isolate({ memoryLimit: MEMORY_MB, snapshot, onCatastrophicError })
      const context = isolate.createContextSync()
      const start = context.global.getSync("__wpt_start", { reference: true }) as unknown as ivm.Reference
      context.global.deleteSync("__wpt_start")
      return { isolate, context, start }
    },
  }
}
