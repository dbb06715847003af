/** Deriving bits from a key: what is checked before the cell does it. */
import { callCell } from "../cell-calls.ts"
import { DOMException } from "../dom-exception.ts"
import { BLOCK_BITS, type NormalizedAlgorithm } from "./algorithms.ts"
import { type KeySlots, slotsOfKey } from "./key.ts"

export async function derive(
  algorithm: NormalizedAlgorithm,
  slots: KeySlots,
  bits: number | null,
): Promise<ArrayBuffer> {
  const { public: other, ...plain } = algorithm
  const request = { algorithm: plain, key: slots.material, length: bits }
  if (other === undefined) return (await callCell("deriveBits", request)) as ArrayBuffer
  const theirs = slotsOfKey(other).material
  const ours = slots.material
  if (ours.type !== "private") throw new DOMException("The base key is not private", "InvalidAccessError")
  if (theirs.type !== "public") throw new DOMException("The other key is not public", "InvalidAccessError")
  if (theirs.algorithm.name !== ours.algorithm.name)
    throw new DOMException("The keys are not for one algorithm", "InvalidAccessError")
  if (theirs.algorithm["namedCurve"] !== ours.algorithm["namedCurve"])
    throw new DOMException("The keys are not on one curve", "InvalidAccessError")
  return (await callCell("deriveBits", { ...request, publicKey: theirs })) as ArrayBuffer
}

/** "Get key length" of the algorithm of a derived key, in bits; null: as long as the deriving makes it. */
export function lengthOfKey({ name, length, hash }: NormalizedAlgorithm): number | null {
  if (name.startsWith("AES-")) {
    if (![128, 192, 256].includes(length!))
      throw new DOMException("No such length of AES key", "OperationError")
    return length!
  }
  if (name !== "HMAC") return null
  if (length === 0) throw new TypeError("HMAC: length is 0")
  return length ?? BLOCK_BITS[hash!.name]!
}
