/**
 * Which platform objects structured clone may copy ([Serializable]), and which objects are platform objects at all: those that
 * stand behind an interface on the global. Classes join by themselves; the table is complete when the script has been evaluated.
 */
import { isObject } from "../idl.ts"

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

/** Interfaces whose instances are no platform objects. */
export function isPlatformObject(
  value: object,
  platformPrototypes: { has(value: object): boolean },
): boolean {
  for (let one: unknown = value; isObject(one); one = Object.getPrototypeOf(one))
    if (platformPrototypes.has(one)) return true
  return false
}
