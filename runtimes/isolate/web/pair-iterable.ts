/**
 * `iterable<K, V>` of Web IDL: entries, keys, values, forEach and Symbol.iterator for a class that can tell its pair at
 * an index. Iteration is live: what is added or removed meanwhile is seen.
 */

export interface PairIterable<Owner> {
  /** The name of the interface. */
  readonly name: string
  /** The pairs now. Throws a TypeError when `owner` is none of the interface's. */
  pairs(owner: Owner): readonly (readonly [string, unknown])[]
}

type Kind = "key" | "value" | "key+value"

const IteratorPrototype = Object.getPrototypeOf(
  Object.getPrototypeOf([][Symbol.iterator]()) as object,
) as object

/** Adds the members to the prototype of a class. */
export function makePairIterable<Owner extends object>(
  prototype: Owner,
  { name, pairs }: PairIterable<Owner>,
): void {
  class PairIterator {
    #owner: Owner
    #kind: Kind
    #index = 0

    constructor(owner: Owner, kind: Kind) {
      this.#owner = owner
      this.#kind = kind
    }

    next(): IteratorResult<unknown, undefined> {
      const pair = pairs(this.#owner)[this.#index]
      if (pair === undefined) return { value: undefined, done: true }
      this.#index++
      return {
        value: this.#kind === "key" ? pair[0] : this.#kind === "value" ? pair[1] : [...pair],
        done: false,
      }
    }
  }
  // An iterator's constructor is not reachable: its prototype has none of its own.
  Reflect.deleteProperty(PairIterator.prototype, "constructor")
  Object.setPrototypeOf(PairIterator.prototype, IteratorPrototype)
  Object.defineProperty(PairIterator.prototype, "next", { enumerable: true })
  Object.defineProperty(PairIterator.prototype, Symbol.toStringTag, {
    value: `${name} Iterator`,
    configurable: true,
  })

  const members = {
    entries(this: Owner) {
      pairs(this)
      return new PairIterator(this, "key+value")
    },
    keys(this: Owner) {
      pairs(this)
      return new PairIterator(this, "key")
    },
    values(this: Owner) {
      pairs(this)
      return new PairIterator(this, "value")
    },
    forEach(this: Owner, callback: unknown, thisArgument: unknown = undefined): void {
      pairs(this)
      if (typeof callback !== "function")
        throw new TypeError(`${name}.forEach: the callback is not a function`)
      for (let index = 0; ; index++) {
        const pair = pairs(this)[index]
        if (pair === undefined) return
        callback.call(thisArgument, pair[1], pair[0], this)
      }
    },
  }
  for (const [key, value] of Object.entries(members)) {
    Object.defineProperty(prototype, key, { value, writable: true, enumerable: true, configurable: true })
  }
  Object.defineProperty(prototype, Symbol.iterator, {
    value: members.entries,
    writable: true,
    enumerable: false,
    configurable: true,
  })
}
