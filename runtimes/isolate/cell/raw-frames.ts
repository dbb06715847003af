/** Frames as they are, header and payload in one piece, cut out of a stream of bytes: to be passed on, not to be read. */
import { HEADER_BYTES, readUint32, readUint48, writeUint32, writeUint48 } from "../../../protocol/frames.ts"

export interface RawFrame {
  readonly type: number
  readonly flags: number
  readonly id: number
  /** A copy of the whole frame. */
  readonly bytes: Uint8Array
}

export class RawFrames {
  readonly #onFrame: (frame: RawFrame) => void
  #rest: Uint8Array = new Uint8Array(0)

  constructor(onFrame: (frame: RawFrame) => void) {
    this.#onFrame = onFrame
  }

  push(chunk: Uint8Array): void {
    let bytes = chunk
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + chunk.length)
      bytes.set(this.#rest)
      bytes.set(chunk, this.#rest.length)
    }
    let at = 0
    while (bytes.length - at >= HEADER_BYTES) {
      const total = HEADER_BYTES + readUint32(bytes, at)
      if (bytes.length - at < total) break
      const frame = bytes.slice(at, at + total)
      at += total
      this.#onFrame({
        type: frame[4] as number,
        flags: frame[5] as number,
        id: readUint48(frame, 6),
        bytes: frame,
      })
    }
    this.#rest = bytes.slice(at)
  }
}

export function frameOf(
  { type, flags, id }: { type: number; flags: number; id: number },
  payload: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length)
  writeUint32(bytes, 0, payload.length)
  bytes[4] = type
  bytes[5] = flags
  writeUint48(bytes, 6, id)
  bytes.set(payload, HEADER_BYTES)
  return bytes
}
