/**
 * ChunkedDecoder: a body in the chunked coding (RFC 9112 7.1), read strictly and as it comes: any cut of the bytes gives the
 * same body. Owns the state between two reads; the bytes stay their owner's. It holds at most the trailer section.
 */
import { isHeaderBlock } from "../header-block.ts"
import { COLON, CR, equalsIgnoringCase, hexDigit, isFieldByte, LF, TOKEN } from "./syntax.ts"

/** Chunk extensions of one body together, in bytes: they mean nothing to us, and a sender must not live on them. */
const MOST_EXTENSION_BYTES = 4096
/** RFC 9110 6.5.1: fields that say where messages end, or whose they are, come too late in a trailer section; some readers obey them. */
const NO_TRAILERS = ["content-length", "transfer-encoding", "connection", "host"] as const
/** Digits of a chunk size: enough for 2^53, with some zeros before. */
const MOST_SIZE_DIGITS = 16

type State =
  | "size-first"
  | "size"
  | "extension-name-first"
  | "extension-name"
  | "extension-value-first"
  | "extension-value"
  | "extension-quoted"
  | "extension-escaped"
  | "extension-quoted-end"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailers"
  | "ended"

export class ChunkedDecoder {
  /** The piece of the body that the last `read` found: `bytes[pieceStart, pieceEnd)`; empty when it found none. */
  pieceStart = 0
  pieceEnd = 0
  /** What is malformed, or "". Nothing is read after it. */
  error = ""
  /** The trailer section is longer than allowed (with `error`). */
  trailersTooLong = false
  readonly #mostTrailerBytes: number
  #state: State = "size-first"
  /** Bytes of the chunk that are still to come; while its size is read, the size. */
  #left = 0
  #digits = 0
  #extensionBytes = 0
  #trailers = new Uint8Array(0)
  #trailerBytes = 0
  /** Where the line of the trailer section that is being read starts. */
  #lineAt = 0

  constructor(mostTrailerBytes: number) {
    this.#mostTrailerBytes = mostTrailerBytes
  }

  /** The size of the first chunk was read. */
  begun = false

  /** The whole body and its trailers were read. */
  get ended(): boolean {
    return this.#state === "ended"
  }

  /** The lines of the trailer section, each with its CRLF; empty before the end. */
  get trailers(): Uint8Array {
    return this.ended ? this.#trailers.subarray(0, this.#trailerBytes) : new Uint8Array(0)
  }

  /**
   * Reads on in `bytes[start, end)` until there is a piece of the body (at most `mostBytes`), the end, an error, or no more
   * bytes. Returns the position after what was read.
   */
  read(bytes: Uint8Array, start: number, end: number, mostBytes: number): number {
    this.pieceStart = start
    this.pieceEnd = start
    let at = start
    while (at < end && this.#state !== "ended" && this.error === "") {
      if (this.#state === "data") {
        const length = Math.min(this.#left, end - at, mostBytes)
        this.#left -= length
        if (this.#left === 0) this.#state = "data-cr"
        this.pieceStart = at
        this.pieceEnd = at + length
        return at + length
      }
      if (this.#state === "trailers") at = this.#readTrailers(bytes, at, end)
      else this.#step(bytes[at++]!)
    }
    return at
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size-first":
        this.#left = 0
        this.#digits = 0
        this.#size(byte)
        return
      case "size":
        if (byte === CR) this.#state = "size-lf"
        else if (byte === SEMICOLON) this.#state = "extension-name-first"
        else this.#size(byte)
        return
      case "size-lf":
        if (byte !== LF) return this.#fail("a line end in a chunk size")
        this.#state = this.#left === 0 ? "trailers" : "data"
        this.begun = true
        return
      case "data-cr":
        if (byte !== CR) this.#fail("no line end after a chunk")
        else this.#state = "data-lf"
        return
      case "data-lf":
        if (byte !== LF) this.#fail("no line end after a chunk")
        else this.#state = "size-first"
        return
      default:
        this.#extension(byte)
    }
  }

  #size(byte: number): void {
    const digit = hexDigit(byte)
    if (digit === -1) return this.#fail("a chunk size that is no hexadecimal number")
    this.#left = this.#left * 16 + digit
    if (++this.#digits > MOST_SIZE_DIGITS || this.#left > Number.MAX_SAFE_INTEGER)
      return this.#fail("a chunk size beyond all bounds")
    this.#state = "size"
  }

  /** `;name`, `;name=token`, `;name="quoted"`: read and dropped. */
  #extension(byte: number): void {
    if (++this.#extensionBytes > MOST_EXTENSION_BYTES) return this.#fail("chunk extensions that are too long")
    switch (this.#state) {
      case "extension-name-first":
      case "extension-name":
        if (TOKEN[byte] === 1) this.#state = "extension-name"
        else if (this.#state === "extension-name" && byte === EQUALS) this.#state = "extension-value-first"
        else this.#extensionEnd(byte, this.#state === "extension-name")
        return
      case "extension-value-first":
      case "extension-value":
        if (TOKEN[byte] === 1) this.#state = "extension-value"
        else if (this.#state === "extension-value-first" && byte === QUOTE) this.#state = "extension-quoted"
        else this.#extensionEnd(byte, this.#state === "extension-value")
        return
      case "extension-quoted":
        if (byte === QUOTE) this.#state = "extension-quoted-end"
        else if (byte === BACKSLASH) this.#state = "extension-escaped"
        else if (!isFieldByte(byte)) this.#fail("a malformed chunk extension")
        return
      case "extension-escaped":
        if (isFieldByte(byte)) this.#state = "extension-quoted"
        else this.#fail("a malformed chunk extension")
        return
      default:
        this.#extensionEnd(byte, true)
    }
  }

  #extensionEnd(byte: number, complete: boolean): void {
    if (complete && byte === CR) this.#state = "size-lf"
    else if (complete && byte === SEMICOLON) this.#state = "extension-name-first"
    else this.#fail("a malformed chunk extension")
  }

  /** Collects lines until an empty one; each line is checked once, when its LF is here. */
  #readTrailers(bytes: Uint8Array, start: number, end: number): number {
    const found = bytes.subarray(0, end).indexOf(LF, start)
    const lineEnd = found === -1 ? end : found + 1
    const most = this.#mostTrailerBytes + 2
    if (this.#trailerBytes + lineEnd - start > most) {
      this.trailersTooLong = true
      this.#fail("trailers that are too long")
      return lineEnd
    }
    this.#keep(bytes.subarray(start, lineEnd))
    if (found === -1) return lineEnd
    const lineBytes = this.#trailerBytes - this.#lineAt
    if (lineBytes === 2 && this.#trailers[this.#lineAt] === CR) {
      this.#trailerBytes = this.#lineAt
      this.#state = "ended"
    } else if (this.#isTrailer()) this.#lineAt = this.#trailerBytes
    else this.#fail("a malformed trailer line")
    return lineEnd
  }

  /** Whether the line that has come whole is a field that may stand here. */
  #isTrailer(): boolean {
    const [bytes, at] = [this.#trailers, this.#lineAt]
    if (!isHeaderBlock(bytes, at, this.#trailerBytes)) return false
    const nameEnd = bytes.indexOf(COLON, at)
    return !NO_TRAILERS.some((name) => equalsIgnoringCase(bytes, at, nameEnd, name))
  }

  #keep(piece: Uint8Array): void {
    const needed = this.#trailerBytes + piece.length
    if (needed > this.#trailers.length) {
      const grown = new Uint8Array(Math.max(256, 2 * needed))
      grown.set(this.#trailers)
      this.#trailers = grown
    }
    this.#trailers.set(piece, this.#trailerBytes)
    this.#trailerBytes = needed
  }

  #fail(what: string): void {
    this.error = what
  }
}

const SEMICOLON = 59
const EQUALS = 61
const QUOTE = 34
const BACKSLASH = 92
