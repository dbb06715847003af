/**
 * FrameBorders: where the frames of a WebSocket connection end (RFC 6455 5.2), so that the host can put one of its own between two
 * of the app's. Reads the headers of frames and nothing else: what the frames mean, and whether they are valid, is the client's.
 * Keeps a few numbers, whatever comes.
 */

const CLOSE = 0x8
/** First two bytes, at most eight of length, at most four of mask. */
const LONGEST_HEADER = 14

export class FrameBorders {
  /** A frame of the app that closes the connection has gone by. */
  closeSeen = false
  /** Bytes of the header that is being read, as far as they came. */
  readonly #header: number[] = []
  /** Bytes of the payload that are still to come. */
  #payloadLeft = 0

  /** Nothing of a frame has gone by that has not wholly. */
  get atBorder(): boolean {
    return this.#payloadLeft === 0 && this.#header.length === 0
  }

  /** All of `bytes` goes by. */
  pass(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) at = this.#step(bytes, at)
  }

  /** `bytes` go by up to the first border among them. @returns its position, or -1: there is none, and all of them went by. */
  passToBorder(bytes: Uint8Array): number {
    let at = 0
    while (at < bytes.length) {
      at = this.#step(bytes, at)
      if (this.atBorder) return at
    }
    return -1
  }

  /** Goes on to the end of a payload, or by a byte of a header. */
  #step(bytes: Uint8Array, at: number): number {
    if (this.#payloadLeft > 0) {
      const length = Math.min(this.#payloadLeft, bytes.length - at)
      this.#payloadLeft -= length
      return at + length
    }
    const header = this.#header
    header.push(bytes[at]!)
    if (header.length === headerBytes(header)) {
      this.#payloadLeft = payloadBytes(header)
      if ((header[0]! & 0x0f) === CLOSE) this.closeSeen = true
      header.length = 0
    }
    return at + 1
  }
}

/** How long the header is, as far as its first bytes tell. */
function headerBytes(header: readonly number[]): number {
  if (header.length < 2) return LONGEST_HEADER
  const second = header[1]!
  const length = second & 0x7f
  const lengthBytes = length === 127 ? 8 : length === 126 ? 2 : 0
  return 2 + lengthBytes + ((second & 0x80) === 0 ? 0 : 4)
}

function payloadBytes(header: readonly number[]): number {
  const length = header[1]! & 0x7f
  if (length < 126) return length
  let bytes = 0
  const lengthBytes = length === 126 ? 2 : 8
  for (let i = 2; i < 2 + lengthBytes; i++) bytes = bytes * 256 + header[i]!
  return bytes
}

/** A frame that closes the connection, as a server sends it: without mask, and without a reason. */
export function closeFrame(code: number): Uint8Array {
  return new Uint8Array([0x80 | CLOSE, 2, code >> 8, code & 0xff])
}
