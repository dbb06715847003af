/** crypto: random values and identifiers; subtle.ts has the rest. */
import { DOMException } from "../dom-exception.ts"
import { defineInterface, requireArguments } from "../idl.ts"
import { webOps } from "../platform.ts"
import { QuotaExceededError } from "../quota-error.ts"
import { createSubtle, type SubtleCrypto } from "./subtle.ts"

const MOST_BYTES = 65_536
const MAKE = Symbol("make")

export class Crypto {
  #subtle: SubtleCrypto | null = null

  constructor() {
    if (arguments[0] !== MAKE) throw new TypeError("Illegal constructor")
  }

  getRandomValues<T>(array: T): T {
    void this.#subtle
    requireArguments(arguments.length, 1, "Crypto.getRandomValues")
    if (!ArrayBuffer.isView(array)) throw new TypeError("Crypto.getRandomValues: the argument is not a view")
    if (!INTEGERS.test(Object.prototype.toString.call(array)))
      throw new DOMException("The view is not of an integer type", "TypeMismatchError")
    if (array.byteLength > MOST_BYTES)
      throw new QuotaExceededError(`At most ${MOST_BYTES} bytes can be asked for at once`)
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    if (bytes.length > 0) bytes.set(new Uint8Array(webOps().random(bytes.length)))
    return array
  }

  get subtle(): SubtleCrypto {
    this.#subtle ??= createSubtle()
    return this.#subtle
  }

  randomUUID(): string {
    void this.#subtle
    const bytes = new Uint8Array(webOps().random(16))
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
  }
}

const INTEGERS = /^\[object (?:Ui|I)nt\d+(?:Clamped)?Array\]$|^\[object Big(?:Ui|I)nt64Array\]$/

defineInterface("Crypto", Crypto)

export function createCrypto(): Crypto {
  return Reflect.construct(Crypto, [MAKE]) as Crypto
}
