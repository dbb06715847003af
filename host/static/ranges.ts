/**
 * Range (RFC 9110 14): what a client asks for, as parts of a file of a known size. The library decides whether a range is given at
 * all (conditions, If-Range) and how one looks; several are made a multipart/byteranges answer here, which it has not.
 */
import { randomUUID } from "node:crypto"

export interface Part {
  readonly start: number
  /** Not included. */
  readonly end: number
}

/** A piece of an answer's body: bytes of its own, or a part of the file. */
export type Piece = Buffer | Part

/** More than any client asks for; with more it gets the whole file. */
const MOST_RANGES = 64

/**
 * The parts, in the order asked for, overlapping ones as one. Empty: none of them is in the file, or it is no range. Null: the
 * field is to be ignored.
 */
export function readRanges(value: string, size: number): readonly Part[] | null {
  const unit = /^bytes=/i.exec(value)
  // An empty file has no parts, and is what there is of it.
  if (unit === null || unit[0].length === value.length || size === 0) return null
  const parts: Part[] = []
  let bytes = 0
  const specs = value.slice(unit[0].length).split(",")
  if (specs.length > MOST_RANGES) return null
  for (const spec of specs) {
    const match = /^[ \t]*(\d{0,15})[ \t]*-[ \t]*(\d{0,15})[ \t]*$/.exec(spec)
    if (match === null) return []
    const part = partOf(match[1]!, match[2]!, size)
    if (part === "invalid") return []
    if (part === null) continue
    parts.push(part)
    bytes += part.end - part.start
  }
  // As nginx: who asks for more than there is gets what there is (and nobody can make much of little).
  return parts.length > 1 && bytes > size ? null : merged(parts)
}

/** The body of an answer with several parts, and what its head says of it. */
export function multipart(
  parts: readonly Part[],
  size: number,
  type: string,
): { pieces: Piece[]; contentType: string; length: number } {
  const boundary = randomUUID()
  const pieces: Piece[] = []
  let length = 0
  const text = (it: string): void => {
    const bytes = Buffer.from(it, "latin1")
    pieces.push(bytes)
    length += bytes.length
  }
  for (const part of parts) {
    const range = `Content-Range: bytes ${part.start}-${part.end - 1}/${size}\r\n`
    text(`\r\n--${boundary}\r\n${type === "" ? "" : `Content-Type: ${type}\r\n`}${range}\r\n`)
    pieces.push(part)
    length += part.end - part.start
  }
  text(`\r\n--${boundary}--\r\n`)
  return { pieces, length, contentType: `multipart/byteranges; boundary=${boundary}` }
}

function partOf(first: string, last: string, size: number): Part | "invalid" | null {
  if (first === "") {
    if (last === "") return "invalid"
    const start = Math.max(0, size - Number(last))
    return start < size ? { start, end: size } : null
  }
  const start = Number(first)
  if (start >= size || (last !== "" && Number(last) < start)) return null
  return { start, end: last === "" ? size : Math.min(size, Number(last) + 1) }
}

/** Overlapping parts become one, in the place of the first (RFC 9110 15.3.7.2). */
function merged(parts: readonly Part[]): readonly Part[] {
  const kept: Part[] = []
  for (const part of parts) {
    let one = part
    let place = kept.length
    for (let i = kept.length - 1; i >= 0; i--) {
      const other = kept[i]!
      if (other.start >= one.end || one.start >= other.end) continue
      one = { start: Math.min(one.start, other.start), end: Math.max(one.end, other.end) }
      kept.splice(i, 1)
      place = i
    }
    kept.splice(place, 0, one)
  }
  return kept
}
