/**
 * Cuts a stream of an app's output into lines and gives them to a sink. Bounded: a line longer than 16 KiB is cut into
 * pieces; when the sink is full the stream is paused, so that a flood waits in the app's own pipe and not here; and a
 * flood takes a tenth of the host's time at most, whatever the app writes, because the loop that reads it serves clients.
 */
import type { Readable } from "node:stream"
import { StringDecoder } from "node:string_decoder"
import type { OutputSink } from "../runtime.ts"

const MAX_LINE = 16 * 1024
/** Longest stretch of work on one stream, in milliseconds, and how many times as long it rests then. */
const STRETCH_MS = 4
const REST_FACTOR = 9
/** How many lines are handled between two looks at the clock. */
const LINES_A_LOOK = 32

export interface LineReader {
  /** The process has ended: what is left is read without rests. */
  hurry(): void
}

export function readLines(stream: Readable, name: "stdout" | "stderr", sink: OutputSink): LineReader {
  const decoder = new StringDecoder("utf8")
  let text = ""
  let at = 0
  let hurried = false
  let resting: NodeJS.Timeout | null = null

  stream.on("data", (chunk: Buffer) => {
    text = (at === 0 ? text : text.slice(at)) + decoder.write(chunk)
    at = 0
    work()
  })
  stream.on("end", () => {
    text += decoder.end()
    hurry()
    if (at < text.length) emit(text.slice(at))
    text = ""
    at = 0
  })
  stream.on("error", () => undefined)
  stream.on("close", () => {
    if (resting !== null) clearTimeout(resting)
  })

  function hurry(): void {
    hurried = true
    if (resting !== null) clearTimeout(resting)
    if (resting !== null || at > 0) work()
  }

  function work(): void {
    resting = null
    const startMs = performance.now()
    let open = true
    let lines = 0
    while (true) {
      const line = nextLine()
      if (line === null) break
      open = emit(line) && open
      if (++lines % LINES_A_LOOK !== 0 || hurried) continue
      const tookMs = performance.now() - startMs
      if (tookMs < STRETCH_MS) continue
      stream.pause()
      resting = setTimeout(work, tookMs * REST_FACTOR)
      return
    }
    text = text.slice(at)
    at = 0
    if (open) stream.resume()
    else {
      stream.pause()
      sink.onDrain(() => {
        if (resting === null) stream.resume()
      })
    }
  }

  /** A whole line, or a piece of one that is too long; null when more must be read first. */
  function nextLine(): string | null {
    const end = text.indexOf("\n", at)
    if (end === -1 || end - at > MAX_LINE) {
      if (text.length - at <= MAX_LINE) return null
      const piece = text.slice(at, at + MAX_LINE)
      at += MAX_LINE
      return piece
    }
    const line = text.slice(at, end > at && text[end - 1] === "\r" ? end - 1 : end)
    at = end + 1
    return line
  }

  function emit(line: string): boolean {
    return sink.line(name, line)
  }

  return { hurry }
}
