/**
 * Headers: a list of lower-case names and values. Guards as servers have them: nothing is forbidden in a Request's or
 * Response's headers, except what can never change (`immutable`) and requests of mode no-cors.
 */
import { iteratorMethod, toByteString, toRecord, toSequence } from "../conversions.ts"
import { defineInterface, isObject, requireArguments } from "../idl.ts"
import { makePairIterable } from "../pair-iterable.ts"
import { type HeaderPair, isSafelisted, sortedPairs, trimmed } from "./header-list.ts"

export type Guard = "none" | "immutable" | "no-cors"

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const IN_VALUE = /^[^\0\r\n]*$/
const friend = {} as {
  of(headers: Headers): HeaderPair[]
  make(pairs: HeaderPair[], guard: Guard): Headers
  is(value: object): boolean
  setGuard(headers: Headers, guard: Guard): void
  sorted(headers: Headers): readonly HeaderPair[]
}

export class Headers {
  #pairs: HeaderPair[] = []
  #guard: Guard = "none"
  #sorted: readonly HeaderPair[] | null = null

  static {
    friend.of = (headers) => headers.#pairs
    friend.make = (pairs, guard) => {
      const headers = new Headers()
      headers.#pairs = pairs
      headers.#guard = guard
      return headers
    }
    friend.is = (value) => #pairs in value
    friend.setGuard = (headers, guard) => {
      headers.#guard = guard
    }
    friend.sorted = (headers) => {
      headers.#sorted ??= sortedPairs(headers.#pairs)
      return headers.#sorted
    }
  }

  constructor(init: unknown = undefined) {
    if (init !== undefined) fillHeaders(this, init)
  }

  append(name: unknown, value: unknown): void {
    this.#pairs
    requireArguments(arguments.length, 2, "Headers.append")
    const key = toByteString(name)
    const text = toByteString(value)
    this.#append(checkedName(key), checkedValue(text))
  }

  #append(name: string, value: string): void {
    if (!this.#mayChange(name)) return
    if (this.#guard === "no-cors") {
      const old = this.get(name)
      if (!isSafelisted(name, old === null ? value : `${old}, ${value}`)) return
    }
    this.#pairs.push([name, value])
    this.#changed()
  }

  delete(name: unknown): void {
    this.#pairs
    requireArguments(arguments.length, 1, "Headers.delete")
    const key = checkedName(toByteString(name))
    if (!this.#mayChange(key)) return
    this.#pairs = this.#pairs.filter((pair) => pair[0] !== key)
    this.#changed()
  }

  get(name: unknown): string | null {
    this.#pairs
    requireArguments(arguments.length, 1, "Headers.get")
    const key = checkedName(toByteString(name))
    let found: string | null = null
    for (const pair of this.#pairs) {
      if (pair[0] === key) found = found === null ? pair[1] : `${found}, ${pair[1]}`
    }
    return found
  }

  getSetCookie(): string[] {
    return this.#pairs.filter((pair) => pair[0] === "set-cookie").map((pair) => pair[1])
  }

  has(name: unknown): boolean {
    this.#pairs
    requireArguments(arguments.length, 1, "Headers.has")
    const key = checkedName(toByteString(name))
    return this.#pairs.some((pair) => pair[0] === key)
  }

  set(name: unknown, value: unknown): void {
    this.#pairs
    requireArguments(arguments.length, 2, "Headers.set")
    const rawName = toByteString(name)
    const text = checkedValue(toByteString(value))
    const key = checkedName(rawName)
    if (!this.#mayChange(key)) return
    if (this.#guard === "no-cors" && !isSafelisted(key, text)) return
    const first = this.#pairs.findIndex((pair) => pair[0] === key)
    if (first === -1) this.#pairs.push([key, text])
    else this.#pairs = this.#pairs.filter((pair, at) => at <= first || pair[0] !== key)
    if (first !== -1) this.#pairs[first] = [key, text]
    this.#changed()
  }

  #mayChange(name: string): boolean {
    if (this.#guard === "immutable") throw new TypeError(`The headers cannot be changed: ${name}`)
    return true
  }

  #changed(): void {
    this.#sorted = null
  }
}

makePairIterable(Headers.prototype, { name: "Headers", pairs: (headers) => friend.sorted(headers) })
defineInterface("Headers", Headers)

export function isHeaders(value: unknown): value is Headers {
  return isObject(value) && friend.is(value)
}

/** The pairs as they were added. The caller must not change them. */
export function pairsOf(headers: Headers): readonly HeaderPair[] {
  return friend.of(headers)
}

/** Headers of pairs that are known to be right: lower-case names, values without spaces around them. */
export function makeHeaders(pairs: HeaderPair[], guard: Guard = "none"): Headers {
  return friend.make(pairs, guard)
}

export function copyHeaders(headers: Headers): Headers {
  return friend.make([...friend.of(headers)], "none")
}

export function guardHeaders(headers: Headers, guard: Guard): void {
  friend.setGuard(headers, guard)
}

/** Adds HeadersInit: an iterable of pairs, or an object. */
export function fillHeaders(headers: Headers, init: unknown): void {
  if (!isObject(init)) throw new TypeError("Headers: the argument is neither a list of pairs nor an object")
  const method = iteratorMethod(init)
  if (method === undefined) {
    for (const [name, value] of toRecord(init, toByteString)) headers.append(name, value)
    return
  }
  const pairs = toSequence(init, method, (item) => {
    const inner = isObject(item) ? iteratorMethod(item) : undefined
    if (inner === undefined) throw new TypeError("Headers: an item of the list is not a pair")
    return toSequence(item as object, inner, toByteString)
  })
  for (const pair of pairs) {
    if (pair.length !== 2) throw new TypeError("Headers: an item of the list is not a pair")
    headers.append(pair[0], pair[1])
  }
}

function checkedName(name: string): string {
  if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a header's name`)
  return name.toLowerCase()
}

function checkedValue(value: string): string {
  const text = trimmed(value)
  if (!IN_VALUE.test(text)) throw new TypeError("A header's value has a line break or a zero in it")
  return text
}
