/**
 * Cuts output that comes in pieces, by a channel and not by a pipe, into lines for a sink. There is nothing to pause here: while
 * the sink is full lines are dropped, and it is told how many.
 */
import { StringDecoder } from "node:string_decoder"
import type { OutputSink } from "../runtime.ts"

const MAX_LINE = 16 * 1024

export class OutputLines {
  readonly #sink: OutputSink
  readonly #stream: "stdout" | "stderr"
  readonly #decoder = new StringDecoder("utf8")
  #text = ""
  #full = false
  #dropped = 0

  constructor(stream: "stdout" | "stderr", sink: OutputSink) {
    this.#stream = stream
    this.#sink = sink
  }

  push(piece: string | Uint8Array): void {
    let text = this.#text + (typeof piece === "string" ? piece : this.#decoder.write(piece as Buffer))
    while (true) {
      const end = text.indexOf("\n")
      if (end === -1 && text.length <= MAX_LINE) break
      const length = end === -1 || end > MAX_LINE ? MAX_LINE : end
      this.#line(text.slice(0, length).replace(/\r$/, ""))
      text = text.slice(length === end ? end + 1 : length)
    }
    this.#text = text
  }

  /** Nothing more comes: what is left without a line end is a line. */
  end(): void {
    if (this.#text !== "") this.#line(this.#text)
    this.#text = ""
  }

  #line(line: string): void {
    if (this.#full) {
      this.#dropped++
      return
    }
    if (this.#sink.line(this.#stream, line)) return
    this.#full = true
    this.#sink.onDrain(() => {
      const dropped = this.#dropped
      this.#full = false
      this.#dropped = 0
      if (dropped > 0)
        this.#sink.line("log", `warn: ${dropped} lines of output were dropped: the log is slow`)
    })
  }
}
