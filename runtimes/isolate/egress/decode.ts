/**
 * Content codings of an answer, undone as `fetch` does. Decoders are streams that run only as fast as the app reads: a
 * small body that unpacks to terabytes costs the cell no more than a large one. Unknown codings are handed on as they are.
 */
import type { IncomingMessage } from "node:http"
import { pipeline, type Readable, type Transform } from "node:stream"
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib"
import type { Gate } from "./gate.ts"

/** More codings than this, one over the other, are no answer but an attack. */
const MOST_CODINGS = 5

/** `gate` bounds the decoders with large windows (brotli 16 MiB, zstd 8 MiB); of the others each has 32 KiB. */
export async function decoded(response: IncomingMessage, method: string, gate: Gate): Promise<Readable> {
  const codings = codingsOf(response)
  const isBodiless = method === "HEAD" || response.statusCode === 204 || response.statusCode === 304
  if (isBodiless || codings.length === 0 || !codings.every((coding) => CODINGS.has(coding))) return response
  if (codings.length > MOST_CODINGS) throw new Error(`the answer has ${codings.length} content codings`)
  const decoders: Transform[] = []
  try {
    // The last coding was applied last.
    for (const coding of codings.toReversed())
      decoders.push(await decoderOf(coding, decoders.length === 0 ? response : null, gate))
  } catch (error) {
    for (const decoder of decoders) decoder.destroy()
    throw error
  }
  // Errors of any part end the last one, whose reader learns of them.
  return pipeline([response, ...decoders], () => undefined) as unknown as Readable
}

const CODINGS: ReadonlySet<string> = new Set(["gzip", "x-gzip", "deflate", "br", "zstd"])

function codingsOf(response: IncomingMessage): string[] {
  const value = response.headers["content-encoding"] ?? ""
  const codings = value.split(",").map((it) => it.trim().toLowerCase())
  return codings.filter((it) => it !== "" && it !== "identity")
}

/** An end that comes early is none of the decoder's business, as in browsers: HTTP itself tells of a body cut short. */
const GZIP = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }
const BROTLI = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH }
/** Windows above 8 MiB are outside of what RFC 8878 lets a server expect. */
const ZSTD = {
  flush: constants.ZSTD_e_flush,
  finishFlush: constants.ZSTD_e_flush,
  params: { [constants.ZSTD_d_windowLogMax]: 23 },
}

async function decoderOf(coding: string, source: IncomingMessage | null, gate: Gate): Promise<Transform> {
  if (coding === "br") return guarded(() => createBrotliDecompress(BROTLI), gate)
  if (coding === "zstd") return guarded(() => createZstdDecompress(ZSTD), gate)
  if (coding !== "deflate") return createGunzip(GZIP)
  return source !== null && (await isRawDeflate(source)) ? createInflateRaw(GZIP) : createInflate(GZIP)
}

async function guarded(create: () => Transform, gate: Gate): Promise<Transform> {
  const leave = await gate.enter()
  return create().once("close", leave)
}

/** By its name "deflate" is the zlib format; some servers send bare deflate data, as all clients know. */
async function isRawDeflate(source: IncomingMessage): Promise<boolean> {
  if (source.readableLength === 0 && !source.readableEnded)
    await new Promise<void>((resolve) => {
      source.once("readable", resolve).once("close", resolve)
    })
  const first: Buffer | null = source.read(1)
  if (first === null) return false
  source.unshift(first)
  return ((first[0] ?? 0) & 0x0f) !== 0x08
}
