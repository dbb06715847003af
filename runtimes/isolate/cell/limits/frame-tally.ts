/**
 * Which requests are in flight in an isolate, told from the headers of the frames that pass between it and the host. Payloads are
 * jumped over; nothing is checked here: the host does that with its own eyes.
 */
import { FLAG_END, FrameType, HEADER_BYTES, readUint16, readUint32 } from "../../../../protocol/frames.ts"

export type OnFrame = (type: number, flags: number, stream: number) => void

/** Reads the headers of a stream of frames. */
export class FrameHeaders {
  readonly #onFrame: OnFrame
  readonly #header = new Uint8Array(HEADER_BYTES)
  #headerBytes = 0
  #payloadLeft = 0

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame
  }

  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, chunk.length - at)
        this.#payloadLeft -= skipped
        at += skipped
      } else if (this.#headerBytes === 0 && chunk.length - at >= HEADER_BYTES) {
        this.#read(chunk, at)
        at += HEADER_BYTES
      } else {
        const taken = Math.min(HEADER_BYTES - this.#headerBytes, chunk.length - at)
        this.#header.set(chunk.subarray(at, at + taken), this.#headerBytes)
        this.#headerBytes += taken
        at += taken
        if (this.#headerBytes === HEADER_BYTES) {
          this.#headerBytes = 0
          this.#read(this.#header, 0)
        }
      }
    }
  }

  #read(bytes: Uint8Array, at: number): void {
    this.#payloadLeft = readUint32(bytes, at)
    const stream = readUint16(bytes, at + 6) * 0x1_0000_0000 + readUint32(bytes, at + 8)
    this.#onFrame(bytes[at + 4]!, bytes[at + 5]!, stream)
  }
}

export interface RequestEvents {
  opened(stream: number): void
  closed(stream: number): void
  /** A message came, or the end of a WebSocket connection. */
  passed(stream: number): void
}

/** For the two directions of one channel: tells when a request came and when its answer ended. */
export function requestTally(events: RequestEvents): { fromHost: FrameHeaders; fromIsolate: FrameHeaders } {
  return {
    fromHost: new FrameHeaders((type, _flags, stream) => {
      if (type === FrameType.request || type === FrameType.socketConnect) events.opened(stream)
      else if (type === FrameType.disconnect) events.closed(stream)
      else if (type === FrameType.socketMessage || type === FrameType.socketClose) events.passed(stream)
    }),
    fromIsolate: new FrameHeaders((type, flags, stream) => {
      const ends = (type === FrameType.response || type === FrameType.body) && (flags & FLAG_END) !== 0
      // A connection that was accepted is no request any more: what its messages cost is counted by itself.
      if (ends || type === FrameType.disconnect || type === FrameType.socketAccept) events.closed(stream)
    }),
  }
}
