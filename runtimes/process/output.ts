/**
 * Cuts a stream of an app's output into lines and gives them to a sink. Bounded: a line longer than 16 KiB is cut into
 * pieces, and when the sink is full the stream is paused, so that a flood waits in the app's own pipe and not here.
 */
import type { Readable } from "node:stream"
import { StringDecoder } from "node:string_decoder"
import type { OutputSink } from "../runtime.ts"

const MAX_LINE = 16 * 1024

export function readLines(stream: Readable, name: "stdout" | "stderr", sink: OutputSink): void {
  const decoder = new StringDecoder("utf8")
  let rest = ""

  stream.on("data", (chunk: Buffer) => {
    const text = rest + decoder.write(chunk)
    let at = 0
    let open = true
    while (true) {
      const end = text.indexOf("\n", at)
      if (end === -1) break
      const line = text.slice(at, text[end - 1] === "\r" ? end - 1 : end)
      at = end + 1
      open = emit(line) && open
    }
    rest = text.slice(at)
    while (rest.length > MAX_LINE) {
      open = emit(rest.slice(0, MAX_LINE)) && open
      rest = rest.slice(MAX_LINE)
    }
    if (!open) {
      stream.pause()
      sink.onDrain(() => stream.resume())
    }
  })
  stream.on("end", () => {
    rest += decoder.end()
    if (rest !== "") emit(rest)
    rest = ""
  })
  stream.on("error", () => undefined)

  function emit(line: string): boolean {
    let open = true
    for (let at = 0; at === 0 || at < line.length; at += MAX_LINE) {
      open = sink.line(name, line.slice(at, at + MAX_LINE)) && open
    }
    return open
  }
}
