/** Arguments of SubtleCrypto's methods, as WebIDL converts them. */
import { iteratorMethod, toSequence } from "../conversions.ts"
import { copyOfBytes, isObject, toDOMString } from "../idl.ts"
import { type CryptoKey, isCryptoKey } from "./key.ts"

const FORMATS = ["raw", "spki", "pkcs8", "jwk"]
const USAGES = ["encrypt", "decrypt", "sign", "verify", "deriveKey", "deriveBits", "wrapKey", "unwrapKey"]

export function toKey(value: unknown, what: string): CryptoKey {
  if (!isCryptoKey(value)) throw new TypeError(`${what} is not a CryptoKey`)
  return value
}

export function toBytes(value: unknown, what: string): ArrayBuffer {
  const copy = copyOfBytes(value)
  if (copy === null) throw new TypeError(`${what} is not a BufferSource`)
  return copy.buffer
}

export function toFormat(value: unknown): string {
  const format = toDOMString(value)
  if (!FORMATS.includes(format)) throw new TypeError(`There is no key format ${JSON.stringify(format)}`)
  return format
}

export function toUsages(value: unknown): string[] {
  const method = isObject(value) ? iteratorMethod(value) : undefined
  if (method === undefined) throw new TypeError("keyUsages is not a sequence")
  return toSequence(value as object, method, (one) => {
    const usage = toDOMString(one)
    if (!USAGES.includes(usage)) throw new TypeError(`There is no key usage ${JSON.stringify(usage)}`)
    return usage
  })
}
