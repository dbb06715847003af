/** The text of answers as it goes out on HTTP/1.1 (RFC 9112 4 and 7.1). Each code unit is one byte. */
import { usualReason } from "../response-head.ts"

/** `HTTP/1.1 200 OK\r\n`. */
export class StatusLines {
  readonly #usual = new Map<number, string>()

  of(status: number, reason: string): string {
    if (reason !== "") return `HTTP/1.1 ${status} ${reason}\r\n`
    let line = this.#usual.get(status)
    if (line === undefined) {
      line = `HTTP/1.1 ${status} ${usualReason(status)}\r\n`
      this.#usual.set(status, line)
    }
    return line
  }
}

/** `Date: …\r\n`, made once a second (RFC 9110 6.6.1). */
export class DateLine {
  #second = 0
  #line = ""

  get text(): string {
    const second = Math.floor(Date.now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#line = `Date: ${new Date(second * 1000).toUTCString()}\r\n`
    }
    return this.#line
  }
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
}
