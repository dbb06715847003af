/**
 * AnswerLines: the header lines of one answer, as far as they decide whether it can be compressed, and as they read when it is.
 * Owns no judgement of their validity: what is none goes on as it came, to the listener, which refuses it.
 */
import compressible from "compressible"
import type { ContentCoding } from "../../runtimes/app-spec.ts"

interface Line {
  /** Lower case. */
  readonly name: string
  /** Whole, with its line end. */
  readonly text: string
  readonly value: string
}

/** What is said of the bytes as they were, and would be wrong of others (RFC 9110 8.6, 14.3; RFC 9530; RFC 1864). */
const OF_THE_BYTES: ReadonlySet<string> = new Set([
  "content-length",
  "content-encoding",
  "accept-ranges",
  "content-md5",
  "digest",
  "content-digest",
  "repr-digest",
])

export class AnswerLines {
  readonly #lines: readonly Line[]

  private constructor(lines: readonly Line[]) {
    this.#lines = lines
  }

  /** Null: they are no header lines, or their Content-Length is none. */
  static read(block: Uint8Array): AnswerLines | null {
    const text = Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString("latin1")
    const lines: Line[] = []
    for (let at = 0; at < text.length; ) {
      const colon = text.indexOf(":", at)
      const end = text.indexOf("\r\n", at)
      if (colon === -1 || end < colon) return null
      const name = text.slice(at, colon).toLowerCase()
      lines.push({ name, text: text.slice(at, end + 2), value: text.slice(colon + 1, end).trim() })
      at = end + 2
    }
    const lengths = lines.filter((line) => line.name === "content-length")
    const isLength = lengths.length === 0 || (lengths.length === 1 && /^\d{1,15}$/.test(lengths[0]!.value))
    return isLength ? new AnswerLines(lines) : null
  }

  /** Declared length of the body, or -1. */
  get contentLength(): number {
    const value = this.#valueOf("content-length")
    return value === "" ? -1 : Number(value)
  }

  get hasType(): boolean {
    return this.#valueOf("content-type") !== ""
  }

  /** Of a type that gets smaller, and nobody says that its bytes stay as they are. Events are to arrive one by one. */
  get isCompressible(): boolean {
    const type = this.#valueOf("content-type")
    return compressible(type) === true && !/^text\/event-stream\b/i.test(type) && this.mayBeTransformed
  }

  /** Neither coded by the app itself, nor `no-transform` (RFC 9111 5.2.2.6). */
  get mayBeTransformed(): boolean {
    return this.#lines.every(({ name, value }) => {
      if (name === "content-encoding") return /^(identity)?$/i.test(value)
      return name !== "cache-control" || !/(^|[\s,])no-transform($|[\s,;=])/i.test(value)
    })
  }

  /** It is a part of something larger. */
  get isPart(): boolean {
    return this.#valueOf("content-range") !== ""
  }

  get etag(): string {
    return this.#valueOf("etag")
  }

  /** With Vary (RFC 9110 12.5.5). */
  varied(): string {
    return joined(withVary(this.#lines))
  }

  /** With Vary, and a strong validator made weak (RFC 9110 8.8.1): for bytes that are not always the same, but mean the same. */
  weakened(): string {
    return joined(withVary(this.#lines).map(weak))
  }

  /** As they are of the compressed answer, whose length is not known yet. */
  compressed(coding: ContentCoding): string {
    const kept = this.#lines.filter((line) => !OF_THE_BYTES.has(line.name))
    return `${joined(withVary(kept).map(weak))}Content-Encoding: ${coding}\r\n`
  }

  #valueOf(name: string): string {
    return this.#lines.find((line) => line.name === name)?.value ?? ""
  }
}

/** Trailers of an answer that was compressed: without those that say what its bytes were. */
export function compressedTrailers(trailers: Uint8Array): Uint8Array {
  const text = Buffer.from(trailers).toString("latin1")
  const lines = text.split(/(?<=\r\n)/)
  const kept = lines.filter((line) => !OF_THE_BYTES.has(line.slice(0, line.indexOf(":")).toLowerCase()))
  return Buffer.from(kept.join(""), "latin1")
}

function withVary(lines: readonly Line[]): Line[] {
  const named = lines.filter((line) => line.name === "vary").flatMap((line) => line.value.split(","))
  const has = named.some((it) => /^(\*|accept-encoding)$/i.test(it.trim()))
  if (has) return [...lines]
  const first = lines.findIndex((line) => line.name === "vary" && line.value !== "")
  if (first === -1) return [...lines, line("Vary", "Accept-Encoding")]
  const merged = line("Vary", `${lines[first]!.value}, Accept-Encoding`)
  return lines.map((it, index) => (index === first ? merged : it))
}

function weak(it: Line): Line {
  return it.name === "etag" && it.value.startsWith('"') ? line("ETag", `W/${it.value}`) : it
}

function line(name: string, value: string): Line {
  return { name: name.toLowerCase(), text: `${name}: ${value}\r\n`, value }
}

function joined(lines: readonly Line[]): string {
  let text = ""
  for (const it of lines) text += it.text
  return text
}
