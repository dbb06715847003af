/**
 * RequestWriter: request heads as the bytes that a server app gets. They are written into one block that is used again
 * and again; a head is valid until the next one is written, unless `keep` says that the system still reads it.
 */
import { writeLatin1 } from "../../../protocol/bytes.ts"
import type { RequestHead } from "../../../protocol/exchange.ts"

const BLOCK_BYTES = 16 * 1024

export class RequestWriter {
  #block: Uint8Array = new Uint8Array(0)

  /** Returns null when method or target have bytes that would end the request line: nobody should have let them in. */
  write(head: RequestHead): Uint8Array | null {
    const most =
      head.method.length + head.target.length + head.upgrade.length + head.headerBytes + FIXED_BYTES
    if (this.#block.length < most) this.#block = new Uint8Array(Math.max(most, BLOCK_BYTES))
    const block = this.#block
    let at = writeVisible(block, 0, head.method)
    if (at <= 0) return null
    block[at++] = SP
    at = writeVisible(block, at, head.target)
    if (at === -1) return null
    at = writeLatin1(block, at, " HTTP/1.1\r\n")
    at = head.writeHeaders(block, at)
    if (head.bodyBytes === -1) at = writeLatin1(block, at, "Transfer-Encoding: chunked\r\n")
    if (head.expectsContinue) at = writeLatin1(block, at, "Expect: 100-continue\r\n")
    if (head.upgrade !== "")
      at = writeLatin1(block, at, `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`)
    block[at++] = CR
    block[at++] = LF
    return block.subarray(0, at)
  }

  /** The last head is not sent yet: the next goes elsewhere. */
  keep(): void {
    this.#block = new Uint8Array(0)
  }
}

/** Returns the position after the text, or -1 when it has white space, control characters or others than Latin-1. */
function writeVisible(into: Uint8Array, start: number, text: string): number {
  let at = start
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code <= SP || code === 127 || code > 255) return -1
    into[at++] = code
  }
  return at
}

const SP = 32
const CR = 13
const LF = 10
/** What is added to method, target, protocol and header block at most. */
const FIXED_BYTES = 128
