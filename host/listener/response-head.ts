/** Reads and checks the header block of a response: what an app says must be valid HTTP before a client sees it. */
import { STATUS_CODES } from "node:http"
import { PolyhostError } from "../../protocol/errors.ts"
import type { ResponseHead } from "../../protocol/exchange.ts"
import { COLON, CR, isFieldByte, LF, TOKEN } from "../../protocol/http1/syntax.ts"
import { responseHeaderKind } from "./response-field.ts"

/** The header lines of a response as they go out, without those that belong to the connection. */
export interface ResponseLines {
  /** Lines `Name: value\r\n`, each code unit one byte. */
  readonly text: string
  /** The declared length of the body, or -1. */
  readonly contentLength: number
  readonly hasDate: boolean
  /** The app says itself how long browsers shall insist on https. */
  readonly hasHsts: boolean
}

/** Blocks that are remembered: an app says the same of most of its answers. Longer ones are rarely said twice. */
const MOST_REMEMBERED = 128
const LONGEST_REMEMBERED = 512

/** Reads response heads and remembers the last ones that were valid, so that the same lines are checked once. */
export class ResponseHeads {
  readonly #known = new Map<string, ResponseLines>()

  /** @throws PolyhostError APP_RESPONSE_INVALID naming the first thing that is wrong. */
  read({ status, reason, lines }: ResponseHead): ResponseLines {
    if (status < 200 || status > 999) throw invalid(`status ${status} is not between 200 and 999`)
    if (reason !== "") checkReason(reason)
    return this.readLines(lines)
  }

  /** Header lines alone: of an informational answer, of trailers. Throws as `read` does. */
  readLines(block: Uint8Array): ResponseLines {
    const text = latin1(block, 0, block.length)
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const read = readLines(block, text)
    if (text.length <= LONGEST_REMEMBERED) {
      if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
      this.#known.set(text, read)
    }
    return read
  }
}

/** The names and values of `text` in turn, as `node:http` takes them. */
export function listOfLines(text: string): string[] {
  const list: string[] = []
  for (let at = 0; at < text.length; ) {
    const colon = text.indexOf(":", at)
    const end = text.indexOf("\r\n", colon)
    list.push(text.slice(at, colon), text.slice(colon + 1, end).trim())
    at = end + 2
  }
  return list
}

/** The same for `writeEarlyHints`: the values by name. */
export function hintsOfLines(text: string): Record<string, string[]> {
  const list = listOfLines(text)
  const hints: Record<string, string[]> = {}
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] as string
    hints[name] = [...(hints[name] ?? []), list[i + 1] as string]
  }
  return hints
}

/** The reason phrase that a status has by itself (RFC 9110 15). */
export function usualReason(status: number): string {
  return STATUS_CODES[status] ?? ""
}

function readLines(block: Uint8Array, text: string): ResponseLines {
  let passed = ""
  let contentLength = -1
  let hasDate = false
  let hasHsts = false
  let runAt = 0
  let nominated: ReadonlySet<string> | null = null
  for (let at = 0; at < block.length; ) {
    const line = readLine(block, at)
    const kind = responseHeaderKind(text.slice(at, line.nameEnd))
    let passes = kind !== "drop"
    if (kind === "date") hasDate = true
    // `static/sendfile-filter.ts` has taken it from the answers of apps that may: it says where files lie, and no client shall see it.
    if (kind === "sendfile")
      throw invalid(`header ${text.slice(at, line.nameEnd)}, and the app has no "sendfile" in its manifest`)
    if (kind === "hsts") hasHsts = true
    if (kind === "connection") {
      nominated = nominatedBy(text.slice(line.nameEnd + 1, line.next - 2), nominated)
      passes = false
    }
    if (kind === "content-length") {
      const length = readLength(text.slice(line.nameEnd + 1, line.next - 2).trim())
      if (contentLength !== -1 && contentLength !== length) throw invalid("two different content-lengths")
      passes = contentLength === -1
      contentLength = length
    }
    if (!passes) {
      passed += text.slice(runAt, at)
      runAt = line.next
    }
    at = line.next
  }
  const lines = runAt === 0 ? text : passed + text.slice(runAt)
  return { text: nominated === null ? lines : without(lines, nominated), contentLength, hasDate, hasHsts }
}

/** Fields that `Connection` names belong to the connection too (RFC 9110 7.6.1), but those that the answer's meaning depends on. */
function nominatedBy(value: string, before: ReadonlySet<string> | null): ReadonlySet<string> | null {
  const names = value.split(",").map((name) => name.trim().toLowerCase())
  const others = names.filter((name) => !NEVER_NOMINATED.has(name))
  return others.length === 0 ? before : new Set([...(before ?? []), ...others])
}

const NEVER_NOMINATED: ReadonlySet<string> = new Set([
  "",
  "close",
  "keep-alive",
  "upgrade",
  "content-length",
  "date",
])

function without(lines: string, names: ReadonlySet<string>): string {
  return lines
    .split(/(?<=\r\n)/)
    .filter((line) => !names.has(line.slice(0, line.indexOf(":")).toLowerCase()))
    .join("")
}

function readLine(block: Uint8Array, start: number): { nameEnd: number; next: number } {
  let at = start
  while (at < block.length && TOKEN[block[at]!] === 1) at++
  const nameEnd = at
  if (at === start || block[at] !== COLON) {
    const seen = latin1(block, start, Math.min(block.length, at + 1))
    throw invalid(`header name ${JSON.stringify(seen.slice(-100))}`)
  }
  at++
  while (at < block.length && isFieldByte(block[at]!)) at++
  if (block[at] !== CR || block[at + 1] !== LF)
    throw invalid(`control characters in the value of header ${latin1(block, start, nameEnd).slice(0, 100)}`)
  return { nameEnd, next: at + 2 }
}

function readLength(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw invalid(`content-length ${JSON.stringify(value.slice(0, 100))}`)
  return Number(value)
}

function checkReason(reason: string): void {
  for (let i = 0; i < reason.length; i++) {
    const code = reason.charCodeAt(i)
    if (code > 255 || !isFieldByte(code)) throw invalid("control characters in the reason phrase")
  }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", start, end)
}

function invalid(what: string): PolyhostError {
  return new PolyhostError("APP_RESPONSE_INVALID", `the app's response is not valid HTTP: ${what}`)
}
