/** Positions in a bundle, as positions in the files of the app: for stacks in the app's log and in errors of its start. */
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping"
import type { Bundle } from "./bundler.ts"

export class Positions {
  readonly #bundle: Bundle
  readonly #pattern: RegExp
  #map: TraceMap | undefined

  constructor(bundle: Bundle) {
    this.#bundle = bundle
    this.#pattern = new RegExp(`${escaped(bundle.filename)}:(\\d+):(\\d+)`, "g")
  }

  /** The text with every position in the bundle replaced. */
  mapped(text: string): string {
    const { map, filename } = this.#bundle
    if (map === null || !text.includes(filename)) return text
    this.#map ??= new TraceMap(map)
    const traces = this.#map
    return text.replace(this.#pattern, (all, line: string, column: string) => {
      const found = originalPositionFor(traces, {
        line: Number(line),
        column: Math.max(0, Number(column) - 1),
      })
      return found.source === null ? all : `app:///${found.source}:${found.line}:${found.column + 1}`
    })
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")
}
