/**
 * Which platform objects structured clone may copy ([Serializable]) or move ([Transferable]), and which objects are platform objects
 * at all: those that stand behind an interface on the global. Classes join by themselves, while the script is evaluated.
 */
import { isArrayBuffer, isObject } from "../idl.ts"
import { isDetached, type ResizableBuffer } from "./views.ts"

export interface Serializable {
  is(value: object): boolean
  copy(value: object): object
}

const kinds: Serializable[] = []

export function addSerializable<T extends object>(
  is: (value: object) => value is T,
  copy: (value: T) => object,
): void {
  kinds.push({ is, copy: (value) => copy(value as T) })
}

export function serializableOf(value: object): Serializable | null {
  return kinds.find((kind) => kind.is(value)) ?? null
}

export interface Transferable {
  is(value: object): boolean
  isDetached(value: object): boolean
  /** What it becomes; the object itself is of no use afterwards. */
  transfer(value: object): object
}

const transferables: Transferable[] = [
  {
    is: isArrayBuffer,
    isDetached: (value) => isDetached(value as ArrayBuffer),
    transfer: (value) => (value as ResizableBuffer).transfer!(),
  },
]

export function addTransferable(transferable: Transferable): void {
  transferables.push(transferable)
}

export function transferableOf(value: object): Transferable | null {
  return transferables.find((kind) => kind.is(value)) ?? null
}

/** Interfaces whose instances are no platform objects. */
export function isPlatformObject(
  value: object,
  platformPrototypes: { has(value: object): boolean },
): boolean {
  for (let one: unknown = value; isObject(one); one = Object.getPrototypeOf(one))
    if (platformPrototypes.has(one)) return true
  return false
}
