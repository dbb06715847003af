/** More of Web IDL's conversions than `idl.ts` has: what the data APIs (fetch, file, encoding) need of strings, numbers and lists. */
import { isArrayBuffer, isObject, isSharedBuffer, toDOMString } from "./idl.ts"

const BEYOND_BYTES = /[\u0100-\uffff]/

export function toByteString(value: unknown): string {
  const text = toDOMString(value)
  if (BEYOND_BYTES.test(text)) throw new TypeError("A character of the string does not fit into one byte")
  return text
}

/** `unsigned short` without [Clamp] or [EnforceRange]. */
export function toUnsignedShort(value: unknown): number {
  return +(value as number) & 0xffff
}

/** `long long` with [Clamp]. */
export function toClampedLongLong(value: unknown): number {
  const number = +(value as number)
  if (Number.isNaN(number)) return 0
  const within = Math.min(Math.max(number, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
  const floor = Math.floor(within)
  const rest = within - floor
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0)
  return (up ? floor + 1 : floor) + 0
}

/** `long long` without attributes. */
export function toLongLong(value: unknown): number {
  const number = Math.trunc(+(value as number))
  if (!Number.isFinite(number)) return 0
  return Number.isSafeInteger(number) ? number + 0 : Number(BigInt.asIntN(64, BigInt(number)))
}

/** One of the words of an enumeration. */
export function toEnumeration<Word extends string>(
  value: unknown,
  words: readonly Word[],
  what: string,
): Word {
  const word = toDOMString(value)
  if ((words as readonly string[]).includes(word)) return word as Word
  throw new TypeError(`${what} cannot be ${JSON.stringify(word)}`)
}

export type IteratorMethod = (this: object) => Iterator<unknown>

/** The method that makes an object iterable, or undefined. Read once, as Web IDL wants. */
export function iteratorMethod(value: object): IteratorMethod | undefined {
  const method: unknown = (value as { [Symbol.iterator]?: unknown })[Symbol.iterator]
  if (method === undefined || method === null) return undefined
  if (typeof method !== "function") throw new TypeError("The object's Symbol.iterator is not a function")
  return method as IteratorMethod
}

/** The items of a `sequence`, each converted before the next is asked for. */
export function toSequence<Item>(
  value: object,
  method: IteratorMethod,
  convert: (item: unknown) => Item,
): Item[] {
  const iterator = method.call(value)
  if (!isObject(iterator)) throw new TypeError("The object's iterator is not an object")
  const { next } = iterator
  const items: Item[] = []
  while (true) {
    const step = next.call(iterator)
    if (!isObject(step)) throw new TypeError("The result of an iterator is not an object")
    if (step.done) return items
    items.push(convert(step.value))
  }
}

/** The members of a `record` whose keys and values are strings of a kind. */
export function toRecord(value: object, convert: (value: unknown) => string): [string, string][] {
  const record = new Map<string, string>()
  for (const key of Reflect.ownKeys(value)) {
    const property = Reflect.getOwnPropertyDescriptor(value, key)
    if (property === undefined || property.enumerable !== true) continue
    const name = convert(key)
    record.set(name, convert((value as Record<PropertyKey, unknown>)[key]))
  }
  return [...record]
}

/** Is it an ArrayBuffer, or a view of one that is not shared? */
export function isBufferSource(value: unknown): value is ArrayBuffer | ArrayBufferView<ArrayBuffer> {
  return ArrayBuffer.isView(value) ? !isSharedBuffer(value.buffer) : isArrayBuffer(value)
}

export function isUint8Array(value: unknown): value is Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(value) && tagOf.call(value) === "Uint8Array"
}

const tagOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)!.get!
