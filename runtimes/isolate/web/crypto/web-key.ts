/** JSON Web Keys: the dictionary as WebIDL reads it, and to and from bytes for wrapping. */
import { iteratorMethod, toSequence } from "../conversions.ts"
import { DOMException } from "../dom-exception.ts"
import { TextDecoder } from "../encoding/text-decoder.ts"
import { encodeUtf8 } from "../encoding/text-encoder.ts"
import { isObject, toDictionary, toDOMString } from "../idl.ts"

export type WebKey = Readonly<Record<string, unknown>>

/** In WebIDL's order; all but these three are strings. */
const MEMBERS = [
  "alg",
  "crv",
  "d",
  "dp",
  "dq",
  "e",
  "ext",
  "k",
  "key_ops",
  "kty",
  "n",
  "oth",
  "p",
  "q",
  "qi",
  "use",
  "x",
  "y",
] as const

export function toWebKey(value: unknown): WebKey {
  const given = toDictionary(value, "keyData")
  const key: Record<string, unknown> = {}
  for (const name of MEMBERS) {
    const member = given[name]
    if (member === undefined) continue
    if (name === "ext") key[name] = Boolean(member)
    else if (name === "key_ops") key[name] = sequence(member, name, toDOMString)
    else if (name === "oth") key[name] = sequence(member, name, toOtherPrime)
    else key[name] = toDOMString(member)
  }
  return key
}

export function webKeyToBytes(key: WebKey): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encodeUtf8(JSON.stringify(key)))
}

export function webKeyFromBytes(bytes: ArrayBuffer): WebKey {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
    if (isObject(parsed)) {
      const key = toWebKey(parsed)
      if (key["kty"] !== undefined) return key
    }
  } catch {
    // Not JSON, not UTF-8, or not such a dictionary: all the same to the standard.
  }
  throw new DOMException("What was unwrapped is not a JSON Web Key", "DataError")
}

function toOtherPrime(value: unknown): WebKey {
  const given = toDictionary(value, "oth")
  const prime: Record<string, unknown> = {}
  for (const name of ["d", "r", "t"]) if (given[name] !== undefined) prime[name] = toDOMString(given[name])
  return prime
}

function sequence<Item>(value: unknown, name: string, convert: (item: unknown) => Item): Item[] {
  const method = isObject(value) ? iteratorMethod(value) : undefined
  if (method === undefined) throw new TypeError(`keyData: ${name} is not a sequence`)
  return toSequence(value as object, method, convert)
}
