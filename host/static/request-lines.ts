/** The header fields of a request that decide on the answer with a file. Read from the block of bytes at once: it is not kept. */
import type { RequestHead } from "../../protocol/exchange.ts"

export interface FileFields {
  readonly accept: string
  readonly acceptEncoding: string
  /** If-… and Range by their names in lower case; null: the request asks for the file, whole and in any case. */
  readonly conditions: Readonly<Partial<Record<Condition, string>>> | null
}

export type Condition =
  | "if-match"
  | "if-none-match"
  | "if-modified-since"
  | "if-unmodified-since"
  | "if-range"
  | "range"

const CONDITIONS: ReadonlySet<string> = new Set<Condition>([
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "if-range",
  "range",
])

const LOWER_A = 97
const LOWER_I = 105
const LOWER_R = 114

export class FileFieldsReader {
  #scratch = Buffer.allocUnsafeSlow(4096)

  read(head: RequestHead): FileFields {
    if (head.headerBytes > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(2 * head.headerBytes)
    const text = this.#scratch.toString("latin1", 0, head.writeHeaders(this.#scratch, 0))
    let accept = ""
    let acceptEncoding = ""
    let conditions: Partial<Record<Condition, string>> | null = null
    for (let at = 0; at < text.length; ) {
      const first = text.charCodeAt(at) | 32
      let end = text.indexOf("\r\n", at)
      if (end === -1) end = text.length
      if (first === LOWER_A || first === LOWER_I || first === LOWER_R) {
        const colon = text.indexOf(":", at)
        const name = text.slice(at, colon).toLowerCase()
        if (name === "accept") accept = joined(accept, text.slice(colon + 1, end))
        else if (name === "accept-encoding")
          acceptEncoding = joined(acceptEncoding, text.slice(colon + 1, end))
        else if (CONDITIONS.has(name)) {
          conditions ??= {}
          const field = name as Condition
          conditions[field] = joined(conditions[field] ?? "", text.slice(colon + 1, end))
        }
      }
      at = end + 2
    }
    return { accept, acceptEncoding, conditions }
  }
}

/** Lines of one name are one list (RFC 9110 5.3). */
function joined(before: string, value: string): string {
  const text = value.trim()
  return before === "" ? text : `${before}, ${text}`
}
