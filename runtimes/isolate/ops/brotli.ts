/**
 * Brotli for one isolate, whole texts at a time: no state stays in the cell between two calls, so nothing can be left behind there.
 * What an isolate may ask for is bounded, in and out.
 */
import { brotliCompress, brotliDecompress, constants } from "node:zlib"

/** Compressed data may be a thousand times smaller than what it stands for. */
const MOST_OUTPUT_BYTES = 32 * 1024 * 1024
/** Of 11; the highest takes a second a megabyte. */
const QUALITY = 5

/** `consumed` is less than was given where something follows the end of the compressed data; null: the end is not there yet. */
export interface Decompressed {
  readonly consumed: number
  readonly data: ArrayBuffer
}

export function compressBrotli(data: ArrayBuffer): Promise<ArrayBuffer> {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: data.byteLength,
  }
  return new Promise((resolve, reject) => {
    brotliCompress(data, { params }, (error, result) => {
      if (error === null) resolve(ownBuffer(result))
      else reject(error)
    })
  })
}

/** Rejects with a TypeError for what is no brotli. */
export function decompressBrotli(data: ArrayBuffer): Promise<Decompressed | null> {
  // `info` adds the engine, which knows how much it took.
  const options = { maxOutputLength: MOST_OUTPUT_BYTES, info: true }
  return new Promise((resolve, reject) => {
    brotliDecompress(data, options, (error, result) => {
      if (error === null) {
        const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
        resolve({ consumed: engine.bytesWritten, data: ownBuffer(buffer) })
      } else if ((error as NodeJS.ErrnoException).code === "Z_BUF_ERROR") resolve(null)
      else reject(new TypeError(`brotli: ${error.message}`))
    })
  })
}

/** Small Buffers are parts of a pool that holds others' bytes. */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
