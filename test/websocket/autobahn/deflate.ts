/** The client's side of permessage-deflate (RFC 7692), with what was agreed on. */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib"

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff])
const WINDOW_BYTES = 32 * 1024

export class ClientDeflate {
  readonly #windowBits: number
  readonly #serverKeepsContext: boolean
  #history = Buffer.alloc(0)

  /** `extension`: value of the server's Sec-WebSocket-Extensions. */
  constructor(extension: string) {
    this.#windowBits = Number(/client_max_window_bits=(\d+)/.exec(extension)?.[1] ?? 15)
    this.#serverKeepsContext = !/server_no_context_takeover/.test(extension)
  }

  /** Each message for itself, as a client may at any time. */
  compress(payload: Buffer): Buffer {
    const bytes = deflateRawSync(payload, {
      windowBits: this.#windowBits,
      finishFlush: constants.Z_SYNC_FLUSH,
    })
    return bytes.subarray(0, bytes.length - TAIL.length)
  }

  decompress(payload: Buffer): Buffer {
    const plain = inflateRawSync(Buffer.concat([payload, TAIL]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(this.#history.length > 0 ? { dictionary: this.#history } : {}),
    })
    if (this.#serverKeepsContext)
      this.#history = Buffer.concat([this.#history, plain]).subarray(-WINDOW_BYTES)
    return plain
  }
}
