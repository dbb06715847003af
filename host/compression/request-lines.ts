/** RequestLines: the two fields of a request that matter here, out of its header block. Owns a block to read them from. */
import { readLatin1 } from "../../protocol/bytes.ts"
import type { RequestHead } from "../../protocol/exchange.ts"
import { COLON, equalsIgnoringCase, LF } from "../../protocol/http1/syntax.ts"

export interface RequestFields {
  /** Values of all lines of the name, joined by commas; "" where there is none. */
  readonly acceptEncoding: string
  readonly ifNoneMatch: string
}

export class RequestLines {
  #block: Uint8Array = new Uint8Array(4096)

  read(head: RequestHead): RequestFields {
    if (head.headerBytes > this.#block.length) this.#block = new Uint8Array(2 * head.headerBytes)
    const bytes = this.#block
    const end = head.writeHeaders(bytes, 0)
    let acceptEncoding = ""
    let ifNoneMatch = ""
    for (let at = 0; at < end; ) {
      const next = bytes.indexOf(LF, at) + 1
      if (isNamed(bytes, at, ACCEPT_ENCODING)) {
        acceptEncoding += readValue(bytes, at + ACCEPT_ENCODING.length + 1, next, acceptEncoding)
      } else if (isNamed(bytes, at, IF_NONE_MATCH)) {
        ifNoneMatch += readValue(bytes, at + IF_NONE_MATCH.length + 1, next, ifNoneMatch)
      }
      at = next
    }
    return { acceptEncoding, ifNoneMatch }
  }
}

const ACCEPT_ENCODING = "accept-encoding"
const IF_NONE_MATCH = "if-none-match"

function isNamed(bytes: Uint8Array, at: number, name: string): boolean {
  const nameEnd = at + name.length
  return bytes[nameEnd] === COLON && equalsIgnoringCase(bytes, at, nameEnd, name)
}

/** With a comma before it where others came before. */
function readValue(bytes: Uint8Array, start: number, next: number, before: string): string {
  return (before === "" ? "" : ",") + readLatin1(bytes, start, next - 2).trim()
}
