/**
 * structuredClone (HTML): first the value is taken apart into nodes, which is when getters run and what cannot be cloned is found;
 * then buffers and ports are transferred; then the copy is put together. Objects of the platform: serializable.ts.
 */
import { cloneDOMException, DOMException, isDOMException } from "../dom-exception.ts"
import { isObject, platformPrototypes, requireArguments, toDictionary } from "../idl.ts"
import { brandOf } from "./brands.ts"
import { isPlatformObject, serializableOf, transferableOf } from "./serializable.ts"
import { isDetached, makeView, type ResizableBuffer, shapeOf } from "./views.ts"

interface Node {
  /** Makes the object without what hangs below it. */
  readonly make: () => unknown
  /** Hangs the rest below; runs once, after `make`. */
  fill?: (made: unknown) => void
  made?: { readonly value: unknown }
}

interface Taking {
  readonly memory: Map<object, Node>
  readonly transferred: ReadonlyMap<object, Node>
}

const ERRORS: Readonly<Record<string, ErrorConstructor>> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

const WRAPPERS = {
  boolean: Boolean.prototype as object,
  number: Number.prototype as object,
  string: String.prototype as object,
  bigint: BigInt.prototype as object,
}

export function structuredClone(value: unknown, options: unknown = {}): unknown {
  requireArguments(arguments.length, 1, "structuredClone")
  const given = toDictionary(options, "structuredClone: the second argument")["transfer"]
  return cloneAndTransfer(value, readTransferList(given)).value
}

/** The sequence of objects that a script wants transferred. */
export function readTransferList(list: unknown): object[] {
  if (list === undefined) return []
  if (!isObject(list)) throw new TypeError("transfer is not a sequence")
  return [...(list as Iterable<unknown>)].map((one) => {
    if (!isObject(one)) throw new TypeError("What to transfer is not an object")
    return one
  })
}

export interface Transferred {
  readonly value: unknown
  /** What the objects of the list have become, in its order. */
  readonly objects: readonly object[]
}

export function cloneAndTransfer(value: unknown, list: readonly object[]): Transferred {
  const transferables = list.map((object) => {
    const transferable = transferableOf(object)
    if (transferable === null) throw cloneError(`${describe(object)} cannot be transferred`)
    return { object, transferable }
  })
  if (new Set(list).size < list.length) throw cloneError("An object stands twice in the list to transfer")
  const moved = new Map<object, { became: object | null }>(list.map((object) => [object, { became: null }]))
  const nodes = new Map([...moved].map(([object, entry]) => [object, { make: () => entry.became }]))
  const node = take(value, { memory: new Map(), transferred: nodes })
  for (const { object, transferable } of transferables)
    if (transferable.isDetached(object)) throw cloneError("An object to transfer is detached")
  const objects = transferables.map(({ object, transferable }) => {
    const became = transferable.transfer(object)
    moved.get(object)!.became = became
    return became
  })
  return { value: put(node), objects }
}

function put(node: Node): unknown {
  if (node.made !== undefined) return node.made.value
  const value = node.make()
  node.made = { value }
  node.fill?.(value)
  return value
}

function take(value: unknown, taking: Taking): Node {
  if (typeof value === "symbol") throw cloneError(`${String(value)} could not be cloned`)
  if (!isObject(value)) return { make: () => value }
  const known = taking.memory.get(value) ?? taking.transferred.get(value)
  if (known !== undefined) return known
  const node = takeObject(value, taking)
  taking.memory.set(value, node)
  return node
}

function takeObject(value: object, taking: Taking): Node {
  if (isDOMException(value)) return { make: () => cloneDOMException(value) }
  const serializable = serializableOf(value)
  if (serializable !== null) {
    const copy = serializable.copy(value)
    return { make: () => copy }
  }
  const brand = brandOf(value)
  switch (brand) {
    case "boolean":
    case "number":
    case "string":
    case "bigint": {
      const wrapped = WRAPPERS[brand].valueOf.call(value)
      return { make: () => Object(wrapped) as unknown }
    }
    case "date": {
      const time = Date.prototype.getTime.call(value)
      return { make: () => new Date(time) }
    }
    case "regexp":
      return takeRegExp(value)
    case "buffer":
      return takeBuffer(value as ArrayBuffer)
    case "view":
      return takeView(value as ArrayBufferView, taking)
    case "map":
      return takeMap(value as Map<unknown, unknown>, taking)
    case "set":
      return takeSet(value as Set<unknown>, taking)
    case "error":
      return takeError(value, taking)
    case "array": {
      const { length } = value as unknown[]
      return takeMembers(value, () => new Array(length), taking)
    }
    case "uncloneable":
      throw cloneError(`${describe(value)} could not be cloned`)
    default:
      if (isPlatformObject(value, platformPrototypes))
        throw cloneError(`${describe(value)} could not be cloned`)
      return takeMembers(value, () => ({}), taking)
  }
}

function takeRegExp(value: object): Node {
  const read = (name: string): string =>
    Object.getOwnPropertyDescriptor(RegExp.prototype, name)!.get!.call(value) as string
  const source = read("source")
  const flags = read("flags")
  return { make: () => new RegExp(source, flags) }
}

function takeBuffer(value: ResizableBuffer): Node {
  if (isDetached(value)) throw cloneError("An ArrayBuffer is detached and could not be cloned")
  const bytes = new Uint8Array(value).slice()
  if (value.resizable !== true) return { make: () => bytes.buffer }
  const { byteLength, maxByteLength } = value
  return {
    make: () => {
      const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer
      const copy = new Resizable(byteLength, { maxByteLength })
      new Uint8Array(copy).set(bytes)
      return copy
    },
  }
}

function takeView(value: ArrayBufferView, taking: Taking): Node {
  const shape = shapeOf(value)
  if (shape === null) throw cloneError("A view is out of the bounds of its buffer")
  const buffer = take(value.buffer, taking)
  return { make: () => makeView(put(buffer) as ArrayBuffer, shape) }
}

function takeMap(value: Map<unknown, unknown>, taking: Taking): Node {
  const entries: (readonly [Node, Node])[] = []
  const node: Node = {
    make: () => new Map(),
    fill: (made) => {
      for (const [key, held] of entries)
        Map.prototype.set.call(made as Map<unknown, unknown>, put(key), put(held))
    },
  }
  taking.memory.set(value, node)
  // The list first: a getter of something below may change the map.
  const pairs: [unknown, unknown][] = []
  Map.prototype.forEach.call(value, (held, key) => pairs.push([key, held]))
  for (const [key, held] of pairs) entries.push([take(key, taking), take(held, taking)])
  return node
}

function takeSet(value: Set<unknown>, taking: Taking): Node {
  const entries: Node[] = []
  const node: Node = {
    make: () => new Set(),
    fill: (made) => {
      for (const entry of entries) Set.prototype.add.call(made as Set<unknown>, put(entry))
    },
  }
  taking.memory.set(value, node)
  const elements: unknown[] = []
  Set.prototype.forEach.call(value, (element) => elements.push(element))
  for (const element of elements) entries.push(take(element, taking))
  return node
}

function takeError(value: object, taking: Taking): Node {
  const given: unknown = (value as { name?: unknown }).name
  const name = given === undefined ? "Error" : `${given as string}`
  const described = Object.getOwnPropertyDescriptor(value, "message")
  const message =
    described === undefined || !("value" in described) ? undefined : `${described.value as string}`
  const stack: unknown = (value as { stack?: unknown }).stack
  const cause = Object.getOwnPropertyDescriptor(value, "cause")
  const hung: { cause: Node | null } = { cause: null }
  const node: Node = {
    make: () => {
      const Type = Object.hasOwn(ERRORS, name) ? ERRORS[name]! : Error
      const made = message === undefined ? new Type() : new Type(message)
      if (typeof stack === "string") hide(made, "stack", stack)
      return made
    },
    fill: (made) => {
      if (hung.cause !== null) hide(made as object, "cause", put(hung.cause))
    },
  }
  taking.memory.set(value, node)
  if (cause !== undefined && "value" in cause) hung.cause = take(cause.value, taking)
  return node
}

function takeMembers(value: object, make: () => object, taking: Taking): Node {
  const members: (readonly [string, Node])[] = []
  const node: Node = {
    make,
    fill: (made) => {
      for (const [key, member] of members)
        Object.defineProperty(made as object, key, {
          value: put(member),
          writable: true,
          enumerable: true,
          configurable: true,
        })
    },
  }
  taking.memory.set(value, node)
  for (const key of Object.keys(value))
    if (Object.hasOwn(value, key)) members.push([key, take((value as Record<string, unknown>)[key], taking)])
  return node
}

function hide(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: false, configurable: true })
}

function describe(value: object): string {
  return typeof value === "function" ? "A function" : Object.prototype.toString.call(value)
}

function cloneError(message: string): DOMException {
  return new DOMException(message, "DataCloneError")
}
