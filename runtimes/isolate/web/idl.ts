/** What WebIDL says about interfaces and conversions, as far as the APIs in this folder need it. */

interface Constructor {
  readonly prototype: object
}

/** Makes an interface's members enumerable and tags its prototype, as WebIDL wants. */
export function defineInterface(name: string, interfaceObject: Constructor): void {
  Object.defineProperty(interfaceObject, "name", { value: name, configurable: true })
  Object.defineProperty(interfaceObject, "prototype", { writable: false })
  enumerate(interfaceObject.prototype, ["constructor"])
  enumerate(interfaceObject, ["length", "name", "prototype"])
  tag(interfaceObject.prototype, name)
}

export function tag(target: object, name: string): void {
  Object.defineProperty(target, Symbol.toStringTag, { value: name, configurable: true })
}

export function defineConstants(
  interfaceObject: Constructor,
  constants: Readonly<Record<string, number>>,
): void {
  for (const [name, value] of Object.entries(constants)) {
    Object.defineProperty(interfaceObject, name, { value, enumerable: true })
    Object.defineProperty(interfaceObject.prototype, name, { value, enumerable: true })
  }
}

/** Prototypes of the interfaces on the global: what inherits from one is a platform object. */
export const platformPrototypes: WeakSet<object> = new WeakSet()

/** Interfaces on a global are not enumerable; its functions are. */
export function exposeInterfaces(target: object, interfaces: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(interfaces)) {
    if (typeof value === "function") platformPrototypes.add(value.prototype as object)
    Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
  }
}

export function exposeFunctions(target: object, functions: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(functions))
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
}

/** A read-only attribute of the global, made when it is first read. */
export function exposeAttribute(target: object, name: string, get: () => unknown): void {
  const getter = { [`get ${name}`]: () => get() }[`get ${name}`]!
  const setter = {
    [`set ${name}`](value: unknown) {
      Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
    },
  }[`set ${name}`]!
  Object.defineProperty(target, name, { get: getter, set: setter, enumerable: true, configurable: true })
}

export function requireArguments(given: number, wanted: number, what: string): void {
  if (given < wanted)
    throw new TypeError(`${what}: ${wanted} argument${wanted === 1 ? "" : "s"} required, ${given} present`)
}

export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function"
}

export function toDOMString(value: unknown): string {
  // A template throws on symbols, as WebIDL wants; String() would not.
  return typeof value === "string" ? value : `${value as string}`
}

export function toUSVString(value: unknown): string {
  return toWellFormed(toDOMString(value))
}

/** String.prototype.toWellFormed is younger than our `lib`; every engine that runs this has it. */
function toWellFormed(text: string): string {
  return (text as string & { toWellFormed(): string }).toWellFormed()
}

export function toDictionary(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {}
  if (!isObject(value)) throw new TypeError(`${what} is not an object`)
  return value as Readonly<Record<string, unknown>>
}

export function toDouble(value: unknown, what: string): number {
  const number = Number(value as number)
  if (!Number.isFinite(number)) throw new TypeError(`${what} is not a finite number`)
  return number
}

/** [EnforceRange] for unsigned integers of up to 53 bits. */
export function toEnforcedUnsigned(value: unknown, bits: number, what: string): number {
  const number = +(value as number)
  const most = bits >= 53 ? Number.MAX_SAFE_INTEGER : 2 ** bits - 1
  const integer = Math.trunc(number)
  if (!Number.isFinite(number) || integer < 0 || integer > most)
    throw new TypeError(`${what} is outside the range 0 to ${most}`)
  return integer + 0
}

export function isSharedBuffer(buffer: ArrayBufferLike): boolean {
  return Object.prototype.toString.call(buffer) === "[object SharedArrayBuffer]"
}

/** A BufferSource's bytes, copied; null when it is none. Shared memory is refused, as without [AllowShared]. */
export function copyOfBytes(value: unknown): Uint8Array<ArrayBuffer> | null {
  const view = viewOfBytes(value)
  return view === null ? null : new Uint8Array(view)
}

/** A BufferSource's bytes where they are; null when it is none or lies in shared memory. */
export function viewOfBytes(value: unknown): Uint8Array<ArrayBuffer> | null {
  if (ArrayBuffer.isView(value)) {
    if (isSharedBuffer(value.buffer)) return null
    return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength)
  }
  if (!isArrayBuffer(value)) return null
  return value.byteLength === 0 ? new Uint8Array(0) : new Uint8Array(value)
}

export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  if (!isObject(value)) return false
  try {
    byteLengthOf.call(value)
    return true
  } catch {
    return false
  }
}

const byteLengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")!.get!

function enumerate(target: object, except: readonly string[]): void {
  for (const key of Object.getOwnPropertyNames(target)) {
    const descriptor = Object.getOwnPropertyDescriptor(target, key)!
    if (except.includes(key) || descriptor.enumerable || !descriptor.configurable) continue
    Object.defineProperty(target, key, { ...descriptor, enumerable: true })
  }
}
