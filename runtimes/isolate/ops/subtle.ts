/**
 * One isolate's operations on the cell's threads: WebCrypto, by Node's own implementation, and brotli. Keys come with each operation
 * and are forgotten after it. Bounds: so many operations at once, so many bytes, iterations and bits of modulus as one isolate may
 * ask of the threads that all isolates of the cell share.
 */
import { webcrypto } from "node:crypto"
import type { AlgorithmRecord, KeyMaterial, SubtleAnswer, SubtleRequest } from "../web/ops.ts"
import { compressBrotli, decompressBrotli } from "./brotli.ts"

type NodeKey = webcrypto.CryptoKey
type Method = (request: SubtleRequest) => Promise<unknown>

/** The isolate queues beyond 4; more than this is somebody who does not. */
const MOST_AT_ONCE = 8
/** The isolate's own bound is 16 MiB; tags, padding and wrapped keys come on top. */
const MOST_BYTES = 16 * 1024 * 1024 + 64 * 1024
const MOST_MODULUS_BITS = 4096
/** PBKDF2: iterations times blocks of the hash; about two seconds of one thread. */
const MOST_ITERATIONS = 4_000_000
const MOST_DERIVED_BITS = 8 * 1024 * 1024
const HASH_BITS: Readonly<Record<string, number>> = {
  "SHA-1": 160,
  "SHA-256": 256,
  "SHA-384": 384,
  "SHA-512": 512,
}

/** Refused by a bound; answers as OperationError. */
class BoundError extends Error {
  override readonly name = "OperationError"
}

export function createSubtle(): (method: unknown, request: unknown) => Promise<SubtleAnswer> {
  const state = { running: 0 }
  return async (method, request) => {
    if (state.running >= MOST_AT_ONCE) return failure("OperationError", "Too many operations at once")
    state.running++
    try {
      const run = METHODS.get(String(method))
      if (run === undefined) return failure("NotSupportedError", `There is no operation ${String(method)}`)
      const checked = request as SubtleRequest
      checkSizes(checked)
      return { ok: true, value: await run(checked) }
    } catch (error) {
      return failureOf(error)
    } finally {
      state.running--
    }
  }
}

const { subtle } = webcrypto

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["digest", (request) => subtle.digest(params(request), request.data!)],
  [
    "encrypt",
    async (request) => subtle.encrypt(params(request), await keyFor(request, "encrypt"), request.data!),
  ],
  [
    "decrypt",
    async (request) => subtle.decrypt(params(request), await keyFor(request, "decrypt"), request.data!),
  ],
  ["sign", async (request) => subtle.sign(params(request), await keyFor(request, "sign"), request.data!)],
  [
    "verify",
    async (request) =>
      subtle.verify(params(request), await keyFor(request, "verify"), request.signature!, request.data!),
  ],
  ["wrapKey", wrap],
  ["unwrapKey", unwrap],
  ["deriveBits", deriveBits],
  ["generateKey", generate],
  ["importKey", importKey],
  ["exportKey", exportKey],
  ["brotli.compress", ({ data }) => compressBrotli(data!)],
  ["brotli.decompress", ({ data }) => decompressBrotli(data!)],
])

async function deriveBits(request: SubtleRequest): Promise<ArrayBuffer> {
  const { algorithm, publicKey, length } = request
  checkDerivation(algorithm, length ?? null)
  const key = await keyFor(request, "deriveBits")
  const other = publicKey === undefined ? {} : { public: await toNodeKey(publicKey, []) }
  const given = { ...toNodeAlgorithm(algorithm), ...other } as webcrypto.EcdhKeyDeriveParams
  return await subtle.deriveBits(given, key, length ?? null)
}

async function generate({ algorithm, usages }: SubtleRequest): Promise<unknown> {
  if (Number(algorithm["modulusLength"] ?? 0) > MOST_MODULUS_BITS) throw modulusTooLong()
  checkDerivation(algorithm, Number(algorithm["length"] ?? 0))
  const made = (await subtle.generateKey(
    toNodeAlgorithm(algorithm) as unknown as webcrypto.EcKeyGenParams,
    true,
    [...usages!] as webcrypto.KeyUsage[],
  )) as unknown as NodeKey | webcrypto.CryptoKeyPair
  if (!("publicKey" in made)) return { key: await fromNodeKey(made) }
  const [publicKey, privateKey] = [await fromNodeKey(made.publicKey), await fromNodeKey(made.privateKey)]
  return { publicKey, privateKey }
}

async function importKey(request: SubtleRequest): Promise<unknown> {
  const { format, data, jwk, algorithm, extractable, usages } = request
  const isDeriving = derives(algorithm)
  // The material has to be read below, so the key is made extractable; what the standard checks for that stays as it was asked.
  const webKey = extractable === true ? jwk : withoutExt(jwk)
  const key = await subtle.importKey(
    format as "raw",
    (format === "jwk" ? webKey : data) as ArrayBuffer,
    toNodeAlgorithm(algorithm) as unknown as webcrypto.Algorithm,
    isDeriving ? extractable === true : true,
    [...usages!] as webcrypto.KeyUsage[],
  )
  const { modulusLength } = key.algorithm as { modulusLength?: number }
  if (modulusLength !== undefined && modulusLength > MOST_MODULUS_BITS) throw modulusTooLong()
  if (!isDeriving) return await fromNodeKey(key)
  return { type: key.type, algorithm: fromNodeAlgorithm(key.algorithm), data, usages: [...key.usages] }
}

function withoutExt(jwk: SubtleRequest["jwk"]): SubtleRequest["jwk"] {
  if (jwk === undefined) return undefined
  const { ext: _, ...rest } = jwk
  return rest
}

/** Keys that are bytes to derive from: WebCrypto never lets them be extracted. */
function derives({ name }: AlgorithmRecord): boolean {
  return name === "HKDF" || name === "PBKDF2"
}

async function exportKey({ key, format, usages }: SubtleRequest): Promise<unknown> {
  const nodeKey = await toNodeKey(key!, usages!)
  return await subtle.exportKey(format as "raw", nodeKey)
}

/** AES-KW works on keys only: the bytes to wrap pass for those of an HMAC key. */
const BYTES_AS_KEY = { name: "HMAC", hash: "SHA-256" }

async function wrap(request: SubtleRequest): Promise<ArrayBuffer> {
  const wrapping = await keyFor(request, "wrapKey")
  if (request.data!.byteLength % 8 !== 0) throw new BoundError("AES-KW wraps multiples of 8 bytes")
  const content = await subtle.importKey("raw", request.data!, BYTES_AS_KEY, true, ["sign"])
  return await subtle.wrapKey("raw", content, wrapping, "AES-KW")
}

async function unwrap(request: SubtleRequest): Promise<ArrayBuffer> {
  const unwrapping = await keyFor(request, "unwrapKey")
  const content = await subtle.unwrapKey("raw", request.data!, unwrapping, "AES-KW", BYTES_AS_KEY, true, [
    "sign",
  ])
  return await subtle.exportKey("raw", content)
}

function keyFor(request: SubtleRequest, usage: string): Promise<NodeKey> {
  return toNodeKey(request.key!, [usage])
}

async function toNodeKey(
  { type, algorithm, data }: KeyMaterial,
  usages: readonly string[],
): Promise<NodeKey> {
  const format = { secret: "raw", public: "spki", private: "pkcs8" }[type]
  return await subtle.importKey(
    format as "raw",
    data,
    toNodeAlgorithm(algorithm) as unknown as webcrypto.Algorithm,
    !derives(algorithm),
    [...usages] as webcrypto.KeyUsage[],
  )
}

async function fromNodeKey(key: NodeKey): Promise<KeyMaterial & { readonly usages: readonly string[] }> {
  const format = { secret: "raw", public: "spki", private: "pkcs8" }[key.type]
  const data = (await subtle.exportKey(format as "raw", key)) as ArrayBuffer
  return { type: key.type, algorithm: fromNodeAlgorithm(key.algorithm), data, usages: [...key.usages] }
}

/** Small Buffers are parts of a pool that holds others' bytes. */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}

function params(request: SubtleRequest): webcrypto.AlgorithmIdentifier {
  return toNodeAlgorithm(request.algorithm) as unknown as webcrypto.AlgorithmIdentifier
}

function toNodeAlgorithm(algorithm: AlgorithmRecord): Record<string, unknown> {
  const { publicExponent } = algorithm
  if (publicExponent === undefined) return { ...algorithm }
  return { ...algorithm, publicExponent: new Uint8Array(publicExponent as ArrayBuffer) }
}

function fromNodeAlgorithm(algorithm: object): AlgorithmRecord {
  const { publicExponent, hash, ...plain } = algorithm as AlgorithmRecord & {
    publicExponent?: Uint8Array
    hash?: { name: string }
  }
  const more: Record<string, unknown> = {}
  if (publicExponent !== undefined) more["publicExponent"] = ownBuffer(publicExponent)
  if (hash !== undefined) more["hash"] = { name: hash.name }
  return { ...plain, ...more }
}

function checkSizes({ algorithm, data, signature }: SubtleRequest): void {
  if (Number(algorithm["outputLength"] ?? 0) > MOST_DERIVED_BITS)
    throw new BoundError(`At most ${MOST_DERIVED_BITS} bits`)
  if ((data?.byteLength ?? 0) > MOST_BYTES || (signature?.byteLength ?? 0) > MOST_BYTES)
    throw new BoundError(`At most ${MOST_BYTES} bytes at once`)
}

function checkDerivation(algorithm: AlgorithmRecord, bits: number | null): void {
  if ((bits ?? 0) > MOST_DERIVED_BITS) throw new BoundError(`At most ${MOST_DERIVED_BITS} bits`)
  const { iterations, hash } = algorithm as { iterations?: number; hash?: { name: string } }
  if (iterations === undefined) return
  const blocks = Math.max(1, Math.ceil((bits ?? 0) / (HASH_BITS[hash?.name ?? ""] ?? 160)))
  if (iterations * blocks > MOST_ITERATIONS)
    throw new BoundError(`PBKDF2: at most ${MOST_ITERATIONS} iterations for each block of the hash`)
}

function modulusTooLong(): BoundError {
  return new BoundError(`RSA: at most ${MOST_MODULUS_BITS} bits`)
}

function failureOf(error: unknown): SubtleAnswer {
  if (!(error instanceof Error)) return failure("OperationError", "The operation failed")
  const isNamed = error instanceof DOMException || error instanceof BoundError || error instanceof TypeError
  return failure(isNamed ? error.name : "OperationError", error.message)
}

function failure(name: string, message: string): SubtleAnswer {
  return { ok: false, name, message }
}
