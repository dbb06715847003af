/** Reads and checks the header block of a response: what an app says must be valid HTTP before a client sees it. */
import { PolyhostError } from "../../protocol/errors.ts"
import { responseHeaderKind } from "./header-names.ts"

export interface ResponseHead {
  /** Names and values in turn, as `writeHead` takes them. */
  readonly list: string[]
  /** The declared length of the body, or -1. */
  readonly contentLength: number
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 9110 5.5 excludes control characters from values
const BAD_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/

/** @throws PolyhostError APP_RESPONSE_INVALID naming the first thing that is wrong. */
export function readResponseHead(status: number, block: Uint8Array): ResponseHead {
  if (status < 200 || status > 999) throw invalid(`status ${status} is not between 200 and 999`)
  const text = Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString("latin1")
  const list: string[] = []
  let contentLength = -1
  let at = 0
  while (at < text.length) {
    const end = text.indexOf("\r\n", at)
    const colon = text.indexOf(":", at)
    if (end === -1 || colon === -1 || colon > end)
      throw invalid("a header line without a colon or a line end")
    const name = text.slice(at, colon)
    const value = text.slice(colon + 1, end).trim()
    at = end + 2
    if (!TOKEN.test(name)) throw invalid(`header name ${JSON.stringify(name)}`)
    if (BAD_VALUE.test(value)) throw invalid(`control characters in the value of header ${name}`)
    const kind = responseHeaderKind(name)
    if (kind === "drop") continue
    if (kind === "content-length") {
      const length = /^\d{1,15}$/.test(value) ? Number(value) : -1
      if (length === -1) throw invalid(`content-length ${JSON.stringify(value)}`)
      if (contentLength !== -1 && contentLength !== length) throw invalid("two different content-lengths")
      if (contentLength === length) continue
      contentLength = length
    }
    list.push(name, value)
  }
  return { list, contentLength }
}

function invalid(what: string): PolyhostError {
  return new PolyhostError("APP_RESPONSE_INVALID", `the app's response is not valid HTTP: ${what}`)
}
