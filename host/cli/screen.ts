/**
 * Standard output that is shared by the log, the list of apps, and lines that are redrawn: on a terminal the redrawn
 * lines stay at the bottom and everything else appears above them. Elsewhere there are none.
 */
import type { LogWriter } from "../log/log-writer.ts"

export interface Screen extends LogWriter {
  /** Shows `text` as a redrawn line, or takes it away. */
  setLine(key: string, text: string | null): void
}

export function createScreen(writer: LogWriter, columns: number): Screen {
  const lines = new Map<string, string>()
  const erase = (): string => (lines.size === 0 ? "" : `\x1b[${lines.size}A\x1b[J`)
  const draw = (): string => [...lines.values()].map((line) => `${line}\n`).join("")
  return {
    write: (text) => writer.write(lines.size === 0 ? text : erase() + text + draw()),
    onDrain: (resume) => writer.onDrain(resume),
    flush: (deadlineMs) => writer.flush(deadlineMs),
    setLine(key, text) {
      const before = erase()
      if (text === null) lines.delete(key)
      // A line that wraps would be erased by half.
      else lines.set(key, text.slice(0, columns - 1))
      writer.write(before + draw())
    },
  }
}
