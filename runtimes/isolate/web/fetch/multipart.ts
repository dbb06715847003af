/** FormData as `multipart/form-data` (RFC 7578), out and in. */
import { decodeUtf8 } from "../encoding/text-decoder.ts"
import { encodeUtf8 } from "../encoding/text-encoder.ts"
import { bytesOfBlob, joined, makeBlob } from "../file/blob.ts"
import { fileOfBlob } from "../file/file.ts"
import { entriesOf, FormData } from "./form-data.ts"
import { trimmed } from "./header-list.ts"

export function encodeMultipart(form: FormData, boundary: string): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = []
  // Not even the last boundary: the Web Platform Tests want nothing for an empty form.
  if (entriesOf(form).length === 0) return joined(pieces)
  for (const [name, value] of entriesOf(form)) {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(withLineBreaks(name))}"`
    if (typeof value === "string") {
      pieces.push(encodeUtf8(`${head}\r\n\r\n${withLineBreaks(value)}\r\n`))
      continue
    }
    const type = value.type === "" ? "application/octet-stream" : value.type
    pieces.push(encodeUtf8(`${head}; filename="${quoted(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`))
    pieces.push(bytesOfBlob(value), CRLF)
  }
  pieces.push(encodeUtf8(`--${boundary}--\r\n`))
  return joined(pieces)
}

/** Throws a TypeError when the bytes are no form of this boundary. */
export function parseMultipart(bytes: Uint8Array<ArrayBuffer>, boundary: string): FormData {
  const form = new FormData()
  const dashes = encodeUtf8(`--${boundary}`)
  const delimiter = encodeUtf8(`\r\n--${boundary}`)
  if (!startsWith(bytes, dashes, 0)) throw malformed("it does not begin with its boundary")
  let at = dashes.length
  while (true) {
    // What the last boundary ends with; anything may follow.
    if (bytes[at] === DASH && bytes[at + 1] === DASH) return form
    if (bytes[at] !== CR || bytes[at + 1] !== LF)
      throw malformed("a boundary is not followed by a line break")
    const part = readPartHead(bytes, at + 2)
    const end = indexOf(bytes, delimiter, part.bodyAt)
    if (end === -1) throw malformed("its end is missing")
    append(form, part, bytes.slice(part.bodyAt, end))
    at = end + delimiter.length
  }
}

interface PartHead {
  readonly name: string
  readonly filename: string | null
  readonly type: string | null
  readonly bodyAt: number
}

const CR = 13
const LF = 10
const DASH = 45
const CRLF = new Uint8Array([CR, LF])

function append(form: FormData, { name, filename, type }: PartHead, body: Uint8Array<ArrayBuffer>): void {
  if (filename === null) form.append(name, decodeUtf8(body))
  else form.append(name, fileOfBlob(makeBlob(body, type ?? "text/plain"), filename))
}

function readPartHead(bytes: Uint8Array, start: number): PartHead {
  let name: string | null = null
  let filename: string | null = null
  let type: string | null = null
  let at = start
  while (true) {
    const end = indexOf(bytes, CRLF, at)
    if (end === -1) throw malformed("the head of a part has no end")
    if (end === at) break
    const line = decodeUtf8(bytes.subarray(at, end))
    const colon = line.indexOf(":")
    const key = line.slice(0, Math.max(colon, 0)).trimEnd()
    const value = trimmed(line.slice(colon + 1))
    if (key === "" || /\s/.test(key)) throw malformed("a line in the head of a part is no header")
    if (key.toLowerCase() === "content-type") type = value
    if (key.toLowerCase() === "content-disposition") {
      if (!/^form-data[ \t]*(;|$)/i.test(value)) throw malformed("a part is not of form-data")
      name = parameter(value, "name")
      filename = parameter(value, "filename")
    }
    at = end + 2
  }
  if (name === null) throw malformed("a part has no name")
  return { name, filename, type, bodyAt: at + 2 }
}

/** A quoted or bare parameter of Content-Disposition, or null. */
function parameter(value: string, name: string): string | null {
  const found = new RegExp(`;[ \\t]*${name}=(?:"([^"]*)"|([^;\\s]*))`, "i").exec(value)
  if (found === null) return null
  return (found[1] ?? found[2] ?? "").replace(/%0A/gi, "\n").replace(/%0D/gi, "\r").replace(/%22/g, '"')
}

function quoted(text: string): string {
  return text.replace(/\n/g, "%0A").replace(/\r/g, "%0D").replace(/"/g, "%22")
}

function withLineBreaks(text: string): string {
  return text.replace(/\r\n?|\n/g, "\r\n")
}

function startsWith(bytes: Uint8Array, pattern: Uint8Array, at: number): boolean {
  for (let i = 0; i < pattern.length; i++) if (bytes[at + i] !== pattern[i]) return false
  return true
}

function indexOf(bytes: Uint8Array, pattern: Uint8Array, from: number): number {
  let at = bytes.indexOf(pattern[0]!, from)
  while (at !== -1 && !startsWith(bytes, pattern, at)) at = bytes.indexOf(pattern[0]!, at + 1)
  return at
}

function malformed(why: string): TypeError {
  return new TypeError(`The body is no multipart form: ${why}`)
}
