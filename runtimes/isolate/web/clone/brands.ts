/** What an object really is, by its internal slots: names and prototypes can be changed by scripts. */
import { isArrayBuffer, isSharedBuffer } from "../idl.ts"

export type Brand =
  | "array"
  | "bigint"
  | "boolean"
  | "buffer"
  | "date"
  | "error"
  | "map"
  | "number"
  | "object"
  | "regexp"
  | "set"
  | "string"
  | "uncloneable"
  | "view"

type Probe = (value: object) => unknown

const toText = Object.prototype.toString
const mapSize = getter(Map.prototype, "size")
const setSize = getter(Set.prototype, "size")
const { has: weakMapHas } = WeakMap.prototype
const { has: weakSetHas } = WeakSet.prototype
const { deref } = WeakRef.prototype
const { isError } = Error as unknown as { isError?: (value: unknown) => boolean }

/** Asked in this order of objects that are not plainly plain. */
const PROBES: readonly (readonly [Brand, Probe])[] = [
  ["boolean", (value) => Boolean.prototype.valueOf.call(value)],
  ["number", (value) => Number.prototype.valueOf.call(value as unknown as number)],
  ["string", (value) => String.prototype.valueOf.call(value as unknown as string)],
  ["bigint", (value) => BigInt.prototype.valueOf.call(value as unknown as bigint)],
  ["uncloneable", (value) => Symbol.prototype.valueOf.call(value as unknown as symbol)],
  ["date", (value) => Date.prototype.getTime.call(value as Date)],
  ["regexp", (value) => regexpProbe(value)],
  ["map", (value) => mapSize.call(value)],
  ["set", (value) => setSize.call(value)],
  ["uncloneable", (value) => weakMapHas.call(value as WeakMap<object, unknown>, value)],
  ["uncloneable", (value) => weakSetHas.call(value as WeakSet<object>, value)],
  ["uncloneable", (value) => deref.call(value as WeakRef<object>)],
  ["uncloneable", (value) => promiseProbe(value)],
  ["uncloneable", (value) => generatorProbe(value)],
]

export function brandOf(value: object): Brand {
  if (typeof value === "function") return "uncloneable"
  if (Array.isArray(value)) return "array"
  if (ArrayBuffer.isView(value)) return "view"
  if (isArrayBuffer(value)) return "buffer"
  const text = toText.call(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (text === "[object Object]" && (prototype === Object.prototype || prototype === null)) return "object"
  if (isError === undefined ? value instanceof Error : isError(value)) return "error"
  if (isSharedBuffer(value as ArrayBufferLike)) return "uncloneable"
  for (const [brand, probe] of PROBES) if (answers(probe, value)) return brand
  return "object"
}

function answers(probe: Probe, value: object): boolean {
  try {
    probe(value)
    return true
  } catch {
    return false
  }
}

function regexpProbe(value: object): void {
  // The getter answers for RegExp.prototype too, which is an ordinary object.
  if (value === RegExp.prototype) throw new TypeError("not a RegExp")
  getter(RegExp.prototype, "source").call(value)
}

/** No method of Promise looks at the slot alone; its iterator relatives likewise. The tag has to do. */
function promiseProbe(value: object): void {
  if (!(value instanceof Promise)) throw new TypeError("not a Promise")
}

function generatorProbe(value: object): void {
  if (!/^\[object .*(?:Generator|Iterator)\]$/.test(toText.call(value)))
    throw new TypeError("not a generator")
}

function getter(prototype: object, name: string): () => unknown {
  return Object.getOwnPropertyDescriptor(prototype, name)!.get!
}
