/** CryptoKey: what scripts may see of a key, and its material in a private slot. */
import { addSerializable } from "../clone/serializable.ts"
import { defineInterface } from "../idl.ts"
import type { AlgorithmRecord, KeyMaterial } from "../ops.ts"

export interface KeySlots {
  readonly material: KeyMaterial
  readonly extractable: boolean
  readonly usages: readonly string[]
}

const MAKE = Symbol("make")
// Scripts may replace Reflect.construct, and would see what is in the slots.
const { construct } = Reflect
// Filled in by the class, which alone can see its private field.
const inner: { read: (value: object) => KeySlots | null } = { read: () => null }

export class CryptoKey {
  readonly #slots: KeySlots
  // Scripts get the same object each time, and may change it: the platform reads its own.
  readonly #algorithm: object
  readonly #usages: string[]

  constructor() {
    if (arguments[0] !== MAKE) throw new TypeError("Illegal constructor")
    const slots = arguments[1] as KeySlots
    this.#slots = slots
    this.#algorithm = visibleAlgorithm(slots.material.algorithm)
    this.#usages = [...slots.usages]
  }
  get type(): string {
    return this.#slots.material.type
  }
  get extractable(): boolean {
    return this.#slots.extractable
  }
  get algorithm(): object {
    return this.#algorithm
  }
  get usages(): string[] {
    return this.#usages
  }
  static {
    inner.read = (value) => (#slots in value ? value.#slots : null)
  }
}

defineInterface("CryptoKey", CryptoKey)
addSerializable(isCryptoKey, (key) => makeKey(slotsOfKey(key)))

export function makeKey(slots: KeySlots): CryptoKey {
  return construct(CryptoKey, [MAKE, slots]) as CryptoKey
}

export function isCryptoKey(value: unknown): value is CryptoKey {
  return typeof value === "object" && value !== null && inner.read(value) !== null
}

export function slotsOfKey(key: CryptoKey): KeySlots {
  const slots = inner.read(key)
  if (slots === null) throw new TypeError("Illegal invocation")
  return slots
}

function visibleAlgorithm(algorithm: AlgorithmRecord): object {
  const visible: Record<string, unknown> = { ...algorithm }
  const { hash, publicExponent } = algorithm
  if (hash !== undefined) visible["hash"] = { ...(hash as object) }
  if (publicExponent !== undefined)
    visible["publicExponent"] = new Uint8Array(publicExponent as ArrayBuffer).slice()
  return visible
}
