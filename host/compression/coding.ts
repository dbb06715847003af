/** The content codings, by node:zlib: their settings, a body in one go, and the stream of one that comes in pieces. */
import * as zlib from "node:zlib"
import type { ContentCoding } from "../../runtimes/app-spec.ts"

/** Up to here a body is compressed at once: handing it to another thread takes more of this one than the work. Measured: README. */
const AT_ONCE_BYTES = 8 * 1024

export type CodingStream = zlib.Gzip | zlib.BrotliCompress | zlib.ZstdCompress

export function isSupported(coding: ContentCoding): boolean {
  return coding !== "zstd" || "createZstdCompress" in zlib
}

/** Calls `done` within the call when the body is short, else later. */
export function compressWhole(coding: ContentCoding, body: Uint8Array, done: Done): void {
  if (body.length > AT_ONCE_BYTES) CODINGS[coding].later(body, done)
  else done(null, CODINGS[coding].atOnce(body))
}

/** Everything that is written comes out at once. */
export function createCodingStream(coding: ContentCoding): CodingStream {
  return CODINGS[coding].stream()
}

type Done = (error: Error | null, bytes: Uint8Array) => void

interface Coding {
  atOnce(body: Uint8Array): Uint8Array
  later(body: Uint8Array, done: Done): void
  stream(): CodingStream
}

const { constants } = zlib
const GZIP: zlib.ZlibOptions = { level: 6 }
/** Windows small enough for a hundred streams: the memory of each is in the README. */
const BROTLI: zlib.BrotliOptions = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 16 },
}
const ZSTD: zlib.ZstdOptions = {
  params: {
    [constants.ZSTD_c_compressionLevel]: 3,
    [constants.ZSTD_c_windowLog]: 17,
    [constants.ZSTD_c_hashLog]: 16,
    [constants.ZSTD_c_chainLog]: 15,
  },
}

const CODINGS: Readonly<Record<ContentCoding, Coding>> = {
  gzip: {
    atOnce: (body) => zlib.gzipSync(body, inOnePiece(GZIP, body)),
    later: (body, done) => zlib.gzip(body, inOnePiece(GZIP, body), done),
    stream: () => zlib.createGzip({ ...GZIP, flush: constants.Z_SYNC_FLUSH }),
  },
  br: {
    atOnce: (body) => zlib.brotliCompressSync(body, inOnePiece(BROTLI, body)),
    later: (body, done) => zlib.brotliCompress(body, inOnePiece(BROTLI, body), done),
    stream: () => zlib.createBrotliCompress({ ...BROTLI, flush: constants.BROTLI_OPERATION_FLUSH }),
  },
  zstd: {
    atOnce: (body) => zlib.zstdCompressSync(body, inOnePiece(ZSTD, body)),
    later: (body, done) => zlib.zstdCompress(body, inOnePiece(ZSTD, body), done),
    stream: () => zlib.createZstdCompress({ ...ZSTD, flush: constants.ZSTD_e_flush }),
  },
}

/** Nearly all that comes out is shorter than what went in: it fits into one piece of output. */
function inOnePiece<Options extends object>(
  options: Options,
  body: Uint8Array,
): Options & { chunkSize: number } {
  return { ...options, chunkSize: Math.min(MOST_PIECE_BYTES, Math.max(LEAST_PIECE_BYTES, body.length)) }
}

const LEAST_PIECE_BYTES = 1024
const MOST_PIECE_BYTES = 256 * 1024
