/**
 * Where log text goes. Bounded: past one MiB waiting it asks its sources to pause, so that a reader of the host's
 * output that stands still makes apps wait in their own pipes, and never the host.
 */
import { write } from "node:fs"

export interface LogWriter {
  /** Takes the text in any case. @returns false when sources should pause until `onDrain`. */
  write(text: string): boolean
  onDrain(resume: () => void): void
  /** Resolves when all that was written is out, or after `deadlineMs`. */
  flush(deadlineMs: number): Promise<void>
}

const HIGH_WATER_BYTES = 1024 * 1024
const LOW_WATER_BYTES = 256 * 1024

/** Writes to a file descriptor off the event loop: a blocked pipe blocks a thread of the pool and nothing else. */
export function createFdWriter(fd: number): LogWriter {
  let waiting: string[] = []
  let waitingBytes = 0
  let writing = false
  let broken = false
  let resumes: (() => void)[] = []
  let flushed: (() => void)[] = []

  function next(): void {
    if (waiting.length === 0 || broken) {
      for (const done of flushed.splice(0)) done()
      return
    }
    const bytes = Buffer.from(waiting.join(""))
    waiting = []
    writing = true
    writeAll(bytes, 0)
  }

  function writeAll(bytes: Buffer, at: number): void {
    write(fd, bytes, at, bytes.length - at, null, (error, written) => {
      if (error?.code === "EAGAIN") {
        // Somebody made the pipe non-blocking: ask again shortly.
        setTimeout(writeAll, 10, bytes, at)
        return
      }
      // Nobody reads any more (EPIPE): the host goes on without a log.
      if (error !== null) broken = true
      else if (at + written < bytes.length) return writeAll(bytes, at + written)
      writing = false
      waitingBytes -= bytes.length
      if (broken) waitingBytes = 0
      if (waitingBytes < LOW_WATER_BYTES) for (const resume of resumes.splice(0)) resume()
      next()
    })
  }

  return {
    write(text) {
      if (broken) return true
      waiting.push(text)
      waitingBytes += Buffer.byteLength(text)
      if (!writing) {
        writing = true
        setImmediate(next)
      }
      return waitingBytes < HIGH_WATER_BYTES
    },
    onDrain(resume) {
      if (waitingBytes < LOW_WATER_BYTES) resume()
      else resumes = [...resumes, resume]
    },
    flush(deadlineMs) {
      if (!writing && waiting.length === 0) return Promise.resolve()
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, deadlineMs)
        flushed = [
          ...flushed,
          () => {
            clearTimeout(timer)
            resolve()
          },
        ]
      })
    },
  }
}

/** Gives each text to a function: tests and embedders. */
export function createFunctionWriter(take: (text: string) => void): LogWriter {
  return {
    write(text) {
      take(text)
      return true
    },
    onDrain: (resume) => resume(),
    flush: () => Promise.resolve(),
  }
}
