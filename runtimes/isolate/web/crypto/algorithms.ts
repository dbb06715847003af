/**
 * Algorithm normalisation of the WebCrypto standard: which operation knows which algorithm, with which dictionary; what a script
 * gave becomes plain data (bytes copied) that may travel.
 */
import { DOMException } from "../dom-exception.ts"
import { copyOfBytes, isObject, toDOMString, toEnforcedUnsigned } from "../idl.ts"
import type { AlgorithmRecord } from "../ops.ts"
import { type CryptoKey, isCryptoKey } from "./key.ts"

export type Operation =
  | "decrypt"
  | "deriveBits"
  | "digest"
  | "encrypt"
  | "exportKey"
  | "generateKey"
  | "get key length"
  | "importKey"
  | "sign"
  | "unwrapKey"
  | "verify"
  | "wrapKey"

export interface NormalizedAlgorithm extends AlgorithmRecord {
  readonly hash?: { readonly name: string }
  readonly length?: number
  readonly iterations?: number
  /** Only in key agreement; never travels as it is. */
  readonly public?: CryptoKey
}

type Convert = (value: unknown, what: string) => unknown

interface Member {
  readonly name: string
  readonly convert: Convert
  readonly required: boolean
}

const bytes: Convert = (value, what) => {
  const copy = copyOfBytes(value)
  if (copy === null) throw new TypeError(`${what} is not a BufferSource`)
  return copy.buffer
}
const bigInteger: Convert = (value, what) => {
  if (Object.prototype.toString.call(value) !== "[object Uint8Array]")
    throw new TypeError(`${what} is not a Uint8Array`)
  return bytes(value, what)
}
const unsigned =
  (bits: number): Convert =>
  (value, what) =>
    toEnforcedUnsigned(value, bits, what)
const text: Convert = (value) => toDOMString(value)
const hash: Convert = (value) => ({ name: normalizeAlgorithm("digest", value).name })
const key: Convert = (value, what) => {
  if (!isCryptoKey(value)) throw new TypeError(`${what} is not a CryptoKey`)
  return value
}

const must = (name: string, convert: Convert): Member => ({ name, convert, required: true })
const may = (name: string, convert: Convert): Member => ({ name, convert, required: false })

// Members in the order in which WebIDL reads them: an inherited dictionary's first, then by name.
const NONE: readonly Member[] = []
const AES_CBC = [must("iv", bytes)]
const AES_CTR = [must("counter", bytes), must("length", unsigned(8))]
const AES_GCM = [may("additionalData", bytes), must("iv", bytes), may("tagLength", unsigned(8))]
const AES_LENGTH = [must("length", unsigned(16))]
const HMAC = [must("hash", hash), may("length", unsigned(32))]
const HASHED = [must("hash", hash)]
const RSA_GENERATE = [
  must("modulusLength", unsigned(32)),
  must("publicExponent", bigInteger),
  must("hash", hash),
]
const CURVE = [must("namedCurve", text)]
const AGREEMENT = [must("public", key)]
const HKDF = [must("hash", hash), must("info", bytes), must("salt", bytes)]
const PBKDF2 = [must("hash", hash), must("iterations", unsigned(32)), must("salt", bytes)]

// The output's length had another name until 2026; either will do, and each Node knows its own.
const CSHAKE = [
  may("customization", bytes),
  may("functionName", bytes),
  may("length", unsigned(32)),
  may("outputLength", unsigned(32)),
]

/** The hashes, with the length of the block that each works on. */
export const BLOCK_BITS: Readonly<Record<string, number>> = {
  "SHA-1": 512,
  "SHA-256": 512,
  "SHA-384": 1024,
  "SHA-512": 1024,
  "SHA3-256": 1088,
  "SHA3-384": 832,
  "SHA3-512": 576,
}

type Table = Readonly<Record<string, readonly Member[]>>

const all = (names: readonly string[], members: readonly Member[]): Table =>
  Object.fromEntries(names.map((name) => [name, members]))

const AES_CIPHERS = ["AES-CBC", "AES-CTR", "AES-GCM"]
const AES = [...AES_CIPHERS, "AES-KW"]
const RSA = ["RSASSA-PKCS1-v1_5", "RSA-PSS", "RSA-OAEP"]
const EC = ["ECDSA", "ECDH"]
const CFRG = ["Ed25519", "X25519"]
const DERIVING = ["HKDF", "PBKDF2"]

const CIPHERS: Table = {
  "AES-CBC": AES_CBC,
  "AES-CTR": AES_CTR,
  "AES-GCM": AES_GCM,
  "RSA-OAEP": [may("label", bytes)],
}
const SIGNATURES: Table = {
  ECDSA: HASHED,
  "RSA-PSS": [must("saltLength", unsigned(32))],
  ...all(["Ed25519", "HMAC", "RSASSA-PKCS1-v1_5"], NONE),
}

const TABLES: Readonly<Record<Operation, Table>> = {
  encrypt: CIPHERS,
  decrypt: CIPHERS,
  sign: SIGNATURES,
  verify: SIGNATURES,
  digest: { ...all(Object.keys(BLOCK_BITS), NONE), ...all(["cSHAKE128", "cSHAKE256"], CSHAKE) },
  generateKey: {
    ...all(RSA, RSA_GENERATE),
    ...all(EC, CURVE),
    ...all(CFRG, NONE),
    ...all(AES, AES_LENGTH),
    HMAC,
  },
  importKey: {
    ...all(RSA, HASHED),
    ...all(EC, CURVE),
    ...all([...CFRG, ...AES, ...DERIVING], NONE),
    HMAC,
  },
  exportKey: all([...RSA, ...EC, ...CFRG, ...AES, "HMAC"], NONE),
  deriveBits: { ...all(["ECDH", "X25519"], AGREEMENT), HKDF, PBKDF2 },
  "get key length": { ...all(AES, AES_LENGTH), HMAC, ...all(DERIVING, NONE) },
  wrapKey: { "AES-KW": NONE },
  unwrapKey: { "AES-KW": NONE },
}

/** Throws what the standard says: TypeError for what is no such dictionary, NotSupportedError for names it does not know. */
export function normalizeAlgorithm(operation: Operation, given: unknown): NormalizedAlgorithm {
  if (!isObject(given)) return normalizeAlgorithm(operation, { name: toDOMString(given) })
  const wanted = nameOf(given)
  const table = TABLES[operation]
  const name = Object.keys(table).find((known) => sameName(known, wanted))
  if (name === undefined) throw notSupported(operation, wanted)
  // The dictionary of the algorithm is another conversion, and it reads the name again.
  if (table[name]!.length > 0) nameOf(given)
  const result: Record<string, unknown> = { name }
  for (const member of table[name]!) {
    const value = (given as Readonly<Record<string, unknown>>)[member.name]
    if (value !== undefined) result[member.name] = member.convert(value, `${name}: ${member.name}`)
    else if (member.required) throw new TypeError(`${name}: ${member.name} is required`)
  }
  if (name.startsWith("cSHAKE")) result["length"] = result["outputLength"] = outputLength(result)
  return result as unknown as NormalizedAlgorithm
}

function outputLength({ length, outputLength = length }: Readonly<Record<string, unknown>>): unknown {
  if (outputLength === undefined) throw new TypeError("cSHAKE: outputLength is required")
  return outputLength
}

export function isSupported(operation: Operation, name: string): boolean {
  return Object.hasOwn(TABLES[operation], name)
}

export function notSupported(operation: Operation, name: string): DOMException {
  return new DOMException(
    `${operation} does not know the algorithm ${JSON.stringify(name)}`,
    "NotSupportedError",
  )
}

function nameOf(given: object): string {
  const { name } = given as { name?: unknown }
  if (name === undefined) throw new TypeError("Algorithm: name is required")
  return toDOMString(name)
}

/** Names are compared without regard to ASCII case. */
function sameName(a: string, b: string): boolean {
  return a.length === b.length && asciiUpper(a) === asciiUpper(b)
}

function asciiUpper(name: string): string {
  return name.replace(/[a-z]/g, (letter) => letter.toUpperCase())
}
