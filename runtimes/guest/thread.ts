/**
 * What is different for a guest in a worker thread: output goes through its channel, for the standard streams belong to the cell and
 * all its instances; and what only a process can do says so. Does nothing elsewhere.
 */
import { parentPort } from "node:worker_threads"
import type { GuestConnection } from "../../protocol/guest-connection.ts"

/** Output before the channel is open goes by the thread's parent, so that it is not lost with the thread; so much of it at most. */
const MOST_EARLY_CHARACTERS = 256 * 1024

export interface ThreadOutput {
  /** From now on by the channel, whose socket is connected. */
  use(connection: GuestConnection): void
}

/** The end of an instance with its own name, so that its parent can tell whose output it is. */
export function redirectOutput(instance: string): ThreadOutput {
  let connection: GuestConnection | null = null
  let early = 0
  const write = (stream: "stdout" | "stderr", bytes: Uint8Array): void => {
    if (connection !== null) return connection.output(stream, bytes)
    early += bytes.length
    if (early > MOST_EARLY_CHARACTERS) return
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    parentPort?.postMessage({ polyhost: "output", id: instance, stream, text })
  }
  for (const name of ["stdout", "stderr"] as const) {
    const stream = process[name] as unknown as {
      _write: (chunk: Uint8Array | string, encoding: string, done: () => void) => void
      _writev: null
    }
    stream._writev = null
    stream._write = (chunk, encoding, done) => {
      write(name, typeof chunk === "string" ? Buffer.from(chunk, encoding as BufferEncoding) : chunk)
      done()
    }
  }
  return {
    use(it) {
      connection = it
    },
  }
}

/** Says once, for each thing that only a process can do, what to do instead. Node's own error is thrown as ever. */
export function explainLimits(log: (level: "warn", message: string) => void): void {
  const said = new Set<string>()
  const say = (name: string, what: string): void => {
    if (said.has(name)) return
    said.add(name)
    log("warn", `${what} in a worker thread: use runtime "node" for this app, or do without`)
  }
  const target = process as unknown as Record<string, unknown>
  for (const name of PROCESS_ONLY) {
    const original = target[name]
    if (typeof original !== "function") continue
    target[name] = function (this: unknown, ...args: unknown[]): unknown {
      try {
        return original.apply(this, args)
      } catch (error) {
        if ((error as { code?: unknown } | null)?.code === "ERR_WORKER_UNSUPPORTED_OPERATION")
          say(name, `process.${name}() does not work`)
        throw error
      }
    }
  }
  process.on("newListener", (event: unknown) => {
    if (typeof event === "string" && SIGNAL.test(event))
      say("signals", `process.on("${event}") is never called`)
  })
}

const SIGNAL = /^SIG[A-Z]+\d?$/

const PROCESS_ONLY = [
  "abort",
  "chdir",
  "initgroups",
  "setegid",
  "seteuid",
  "setgid",
  "setgroups",
  "setuid",
  "umask",
] as const
