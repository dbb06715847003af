/** Reads and checks the header block of a response: what an app says must be valid HTTP before a client sees it. */
import { PolyhostError } from "../../protocol/errors.ts"
import { responseHeaderKind } from "./header-names.ts"

export interface ResponseHead {
  /** Names and values in turn, as `writeHead` takes them. */
  readonly list: readonly string[]
  /** The declared length of the body, or -1. */
  readonly contentLength: number
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 9110 5.5 excludes control characters from values
const BAD_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/

/** Blocks that are remembered: an app says the same of most of its answers. Longer ones are rarely said twice. */
const MOST_REMEMBERED = 128
const LONGEST_REMEMBERED = 512

/** Reads response heads and remembers the last ones that were valid, so that the same lines are checked once. */
export class ResponseHeads {
  readonly #known = new Map<string, ResponseHead>()

  /**
   * The result may be shared: do not change it.
   * @throws PolyhostError APP_RESPONSE_INVALID naming the first thing that is wrong.
   */
  read(status: number, block: Uint8Array): ResponseHead {
    if (status < 200 || status > 999) throw invalid(`status ${status} is not between 200 and 999`)
    const text = Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString("latin1")
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const head = readLines(text)
    if (text.length <= LONGEST_REMEMBERED) {
      if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
      this.#known.set(text, head)
    }
    return head
  }
}

function readLines(text: string): ResponseHead {
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
