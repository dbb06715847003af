/**
 * SubtleCrypto: the standard's own order of conversions and checks; the primitives are the cell's (`callCell`), which also checks
 * what is inside keys. Wrapping is export and encryption, deriving a key is deriving bits and import, as the standard puts it.
 */

import { callCell } from "../cell-calls.ts"
import { DOMException } from "../dom-exception.ts"
import { copyOfBytes, defineInterface, requireArguments, toEnforcedUnsigned } from "../idl.ts"
import type { KeyMaterial } from "../ops.ts"
import {
  isSupported,
  type NormalizedAlgorithm,
  normalizeAlgorithm,
  notSupported,
  type Operation,
} from "./algorithms.ts"
import { toBytes, toFormat, toKey, toUsages } from "./arguments.ts"
import { derive, lengthOfKey } from "./derive.ts"
import { type CryptoKey, type KeySlots, makeKey, slotsOfKey } from "./key.ts"
import { toWebKey, type WebKey, webKeyFromBytes, webKeyToBytes } from "./web-key.ts"

const MAKE = Symbol("make")
interface ImportedKey extends KeyMaterial {
  readonly usages: readonly string[]
}

type Generated =
  | { readonly key: ImportedKey }
  | { readonly publicKey: ImportedKey; readonly privateKey: ImportedKey }

export class SubtleCrypto {
  #made = true

  constructor() {
    if (arguments[0] !== MAKE) throw new TypeError("Illegal constructor")
  }

  async encrypt(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#check(arguments.length, 3, "encrypt")
    return await oneWay("encrypt", { algorithm, key, data })
  }

  async decrypt(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#check(arguments.length, 3, "decrypt")
    return await oneWay("decrypt", { algorithm, key, data })
  }

  async sign(algorithm: unknown, key: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#check(arguments.length, 3, "sign")
    return await oneWay("sign", { algorithm, key, data })
  }

  async verify(algorithm: unknown, key: unknown, signature: unknown, data: unknown): Promise<boolean> {
    this.#check(arguments.length, 4, "verify")
    const given = toKey(key, "key")
    const normalized = normalizeAfter("verify", algorithm, [signature, data])
    const [proof, message] = [toBytes(signature, "signature"), toBytes(data, "data")]
    const slots = usable(given, normalized, "verify")
    const request = { algorithm: normalized, key: slots.material, signature: proof, data: message }
    return (await callCell("verify", request)) as boolean
  }

  async digest(algorithm: unknown, data: unknown): Promise<ArrayBuffer> {
    this.#check(arguments.length, 2, "digest")
    const normalized = normalizeAfter("digest", algorithm, [data])
    return (await callCell("digest", { algorithm: normalized, data: toBytes(data, "data") })) as ArrayBuffer
  }

  async generateKey(algorithm: unknown, extractable: unknown, keyUsages: unknown): Promise<unknown> {
    this.#check(arguments.length, 3, "generateKey")
    const usages = toUsages(keyUsages)
    const normalized = normalizeAlgorithm("generateKey", algorithm)
    const request = { algorithm: normalized, extractable: Boolean(extractable), usages }
    const made = (await callCell("generateKey", request)) as Generated
    if ("key" in made) return toCryptoKey(made.key, Boolean(extractable))
    const publicKey = toCryptoKey(made.publicKey, true)
    return { publicKey, privateKey: toCryptoKey(made.privateKey, Boolean(extractable)) }
  }

  async deriveKey(
    algorithm: unknown,
    baseKey: unknown,
    derivedKeyType: unknown,
    extractable: unknown,
    keyUsages: unknown,
  ): Promise<CryptoKey> {
    this.#check(arguments.length, 5, "deriveKey")
    const given = toKey(baseKey, "baseKey")
    const usages = toUsages(keyUsages)
    const normalized = normalizeAlgorithm("deriveBits", algorithm)
    const imported = normalizeAlgorithm("importKey", derivedKeyType)
    const measured = normalizeAlgorithm("get key length", derivedKeyType)
    const slots = usable(given, normalized, "deriveKey")
    const bits = await derive(normalized, slots, lengthOfKey(measured))
    const request = {
      algorithm: imported,
      extractable: Boolean(extractable),
      usages,
      format: "raw",
      data: bits,
    }
    return toCryptoKey((await callCell("importKey", request)) as ImportedKey, Boolean(extractable))
  }

  async deriveBits(algorithm: unknown, baseKey: unknown, length: unknown = null): Promise<ArrayBuffer> {
    this.#check(arguments.length, 2, "deriveBits")
    const given = toKey(baseKey, "baseKey")
    const bits = length === null ? null : toEnforcedUnsigned(length, 32, "length")
    const normalized = normalizeAlgorithm("deriveBits", algorithm)
    return await derive(normalized, usable(given, normalized, "deriveBits"), bits)
  }

  async importKey(
    format: unknown,
    keyData: unknown,
    algorithm: unknown,
    extractable: unknown,
    keyUsages: unknown,
  ): Promise<CryptoKey> {
    this.#check(arguments.length, 5, "importKey")
    const form = toFormat(format)
    const isBytes = copyOfBytes(keyData) !== null
    const webKey = isBytes ? null : toWebKey(keyData)
    const usages = toUsages(keyUsages)
    const normalized = normalizeAlgorithm("importKey", algorithm)
    if (isBytes === (form === "jwk")) throw new TypeError(`keyData does not go with the format "${form}"`)
    const data = isBytes ? toBytes(keyData, "keyData") : null
    return await importAs({ form, data, webKey }, normalized, { extractable: Boolean(extractable), usages })
  }

  async exportKey(format: unknown, key: unknown): Promise<ArrayBuffer | WebKey> {
    this.#check(arguments.length, 2, "exportKey")
    const form = toFormat(format)
    return await exportAs(form, toKey(key, "key"))
  }

  async wrapKey(
    format: unknown,
    key: unknown,
    wrappingKey: unknown,
    wrapAlgorithm: unknown,
  ): Promise<ArrayBuffer> {
    this.#check(arguments.length, 4, "wrapKey")
    const form = toFormat(format)
    const [given, wrapping] = [toKey(key, "key"), toKey(wrappingKey, "wrappingKey")]
    const [operation, normalized] = normalizeEither("wrapKey", "encrypt", wrapAlgorithm)
    const slots = usable(wrapping, normalized, "wrapKey")
    const exported = await exportAs(form, given)
    const data = form === "jwk" ? webKeyToBytes(exported as WebKey).buffer : (exported as ArrayBuffer)
    const request = { algorithm: normalized, key: slots.material, data }
    return (await callCell(operation, request)) as ArrayBuffer
  }

  async unwrapKey(
    format: unknown,
    wrappedKey: unknown,
    unwrappingKey: unknown,
    unwrapAlgorithm: unknown,
    unwrappedKeyAlgorithm: unknown,
    extractable: unknown,
    keyUsages: unknown,
  ): Promise<CryptoKey> {
    this.#check(arguments.length, 7, "unwrapKey")
    const form = toFormat(format)
    const wrapped = toBytes(wrappedKey, "wrappedKey")
    const given = toKey(unwrappingKey, "unwrappingKey")
    const usages = toUsages(keyUsages)
    const [operation, normalized] = normalizeEither("unwrapKey", "decrypt", unwrapAlgorithm)
    const imported = normalizeAlgorithm("importKey", unwrappedKeyAlgorithm)
    const slots = usable(given, normalized, "unwrapKey")
    const request = { algorithm: normalized, key: slots.material, data: wrapped }
    const bytes = (await callCell(operation, request)) as ArrayBuffer
    const webKey = form === "jwk" ? webKeyFromBytes(bytes) : null
    const data = webKey === null ? bytes : null
    return await importAs({ form, data, webKey }, imported, { extractable: Boolean(extractable), usages })
  }

  #check(given: number, wanted: number, method: string): void {
    void this.#made
    requireArguments(given, wanted, `SubtleCrypto.${method}`)
  }
}

defineInterface("SubtleCrypto", SubtleCrypto)

export function createSubtle(): SubtleCrypto {
  return Reflect.construct(SubtleCrypto, [MAKE]) as SubtleCrypto
}

interface OneWay {
  readonly algorithm: unknown
  readonly key: unknown
  readonly data: unknown
}

async function oneWay(operation: "encrypt" | "decrypt" | "sign", given: OneWay): Promise<ArrayBuffer> {
  const key = toKey(given.key, "key")
  const normalized = normalizeAfter(operation, given.algorithm, [given.data])
  const data = toBytes(given.data, "data")
  const slots = usable(key, normalized, operation)
  return (await callCell(operation, { algorithm: normalized, key: slots.material, data })) as ArrayBuffer
}

/** WebIDL refuses what are no bytes before the algorithm is looked at; the standard copies the bytes after. */
function normalizeAfter(
  operation: Operation,
  algorithm: unknown,
  bytes: readonly unknown[],
): NormalizedAlgorithm {
  for (const one of bytes) toBytes(one, "data")
  return normalizeAlgorithm(operation, algorithm)
}

function normalizeEither(
  operation: "wrapKey" | "unwrapKey",
  otherwise: "encrypt" | "decrypt",
  algorithm: unknown,
): [string, NormalizedAlgorithm] {
  try {
    return [operation, normalizeAlgorithm(operation, algorithm)]
  } catch {
    return [otherwise, normalizeAlgorithm(otherwise, algorithm)]
  }
}

function usable(key: CryptoKey, algorithm: NormalizedAlgorithm, usage: string): KeySlots {
  const slots = slotsOfKey(key)
  if (slots.material.algorithm.name !== algorithm.name)
    throw new DOMException(`The key is not one for ${algorithm.name}`, "InvalidAccessError")
  if (!slots.usages.includes(usage)) throw new DOMException(`The key may not ${usage}`, "InvalidAccessError")
  return slots
}

interface Source {
  readonly form: string
  readonly data: ArrayBuffer | null
  readonly webKey: WebKey | null
}

interface Wanted {
  readonly extractable: boolean
  readonly usages: readonly string[]
}

async function importAs(source: Source, algorithm: NormalizedAlgorithm, wanted: Wanted): Promise<CryptoKey> {
  const { form, data, webKey } = source
  const bytes = data === null ? { jwk: webKey! } : { data }
  const request = {
    algorithm,
    format: form,
    extractable: wanted.extractable,
    usages: wanted.usages,
    ...bytes,
  }
  return toCryptoKey((await callCell("importKey", request)) as ImportedKey, wanted.extractable)
}

async function exportAs(form: string, key: CryptoKey): Promise<ArrayBuffer | WebKey> {
  const { material, extractable, usages } = slotsOfKey(key)
  const { name } = material.algorithm
  if (!isSupported("exportKey", name)) throw notSupported("exportKey", name)
  if (!extractable) throw new DOMException("The key cannot be extracted", "InvalidAccessError")
  if (form === { secret: "raw", public: "spki", private: "pkcs8" }[material.type])
    return material.data.slice(0)
  const request = { algorithm: material.algorithm, key: material, format: form, usages }
  const exported = (await callCell("exportKey", request)) as ArrayBuffer | WebKey
  return form === "jwk" ? { ...exported, ext: true } : exported
}

function toCryptoKey({ usages, ...material }: ImportedKey, extractable: boolean): CryptoKey {
  return makeKey({ material, extractable, usages })
}
