/** How console shows values: like Node's util.inspect with depth 2, at most 100 elements, without colours. Counterpart: console.ts. */
import { isDOMException } from "./dom-exception.ts"
import { isObject, platformPrototypes } from "./idl.ts"

interface Sight {
  readonly depth: number
  readonly path: object[]
}

export interface InspectOptions {
  readonly depth?: number
}

const DEPTH = 2
const MOST_ELEMENTS = 100
const MOST_TEXT = 10_000
const LINE = 72
const CUSTOM = Symbol.for("nodejs.util.inspect.custom")
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

/** Never throws: a value that cannot be looked at says so. */
export function inspect(value: unknown, { depth = DEPTH }: InspectOptions = {}): string {
  try {
    return show(value, { depth, path: [] })
  } catch {
    return "[value that cannot be inspected]"
  }
}

function show(value: unknown, sight: Sight): string {
  if (typeof value === "string") return quote(value)
  if (!isObject(value)) return primitive(value)
  if (sight.path.includes(value)) return "[Circular *]"
  const custom = customText(value, sight)
  if (custom !== null) return custom
  return showObject(value, {
    depth: sight.depth,
    path: [...sight.path, value],
  })
}

export function primitive(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`
  if (Object.is(value, -0)) return "-0"
  return String(value)
}

function customText(value: object, sight: Sight): string | null {
  const custom = (value as Readonly<Record<symbol, unknown>>)[CUSTOM]
  if (typeof custom !== "function") return null
  const result = Reflect.apply(custom, value, [sight.depth - sight.path.length, {}, inspect])
  if (result === value) return null
  return typeof result === "string" ? result : show(result, sight)
}

function showObject(value: object, sight: Sight): string {
  const tooDeep = sight.path.length > sight.depth + 1
  if (value instanceof Error || isDOMException(value)) return showError(value as Error, sight)
  if (Array.isArray(value)) return tooDeep ? "[Array]" : showArray(value, sight)
  const prefix = prefixOf(value)
  if (typeof value === "function") return withKeys(functionTitle(value), keysOf(value), { value, sight })
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString()
  if (value instanceof RegExp) return withKeys(String(value), keysOf(value), { value, sight })
  if (
    value instanceof Number ||
    value instanceof String ||
    value instanceof Boolean ||
    value instanceof BigInt ||
    value instanceof Symbol
  )
    return `[${prefix}: ${show(value.valueOf(), sight)}]`
  if (tooDeep) return `[${prefix === "" ? "Object" : prefix}]`
  if (value instanceof Map) return braces(`Map(${value.size})`, mapEntries(value, sight))
  if (value instanceof Set)
    return braces(
      `Set(${value.size})`,
      some([...value], (element) => show(element, sight)),
    )
  if (value instanceof Promise) return "Promise {}"
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return showTyped(value, prefix, sight)
  if (value instanceof ArrayBuffer) return showBuffer(value)
  const members = some(keysOf(value), (key) => member(value, key, sight))
  if (platformPrototypes.has(Object.getPrototypeOf(value) as object))
    members.push(...platformMembers(value, sight))
  return braces(prefix === "Object" ? "" : prefix, members)
}

/** What an object of the platform holds: its pairs, or what its attributes say. Streams and signals are not made to be shown. */
function platformMembers(value: object, sight: Sight): string[] {
  if (Symbol.iterator in value)
    return some(
      [...(value as Iterable<[string, unknown]>)],
      ([key, held]) => `${nameOf(key)}: ${show(held, sight)}`,
    )
  const attributes = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(value) as object))
  return some(
    attributes.filter(([name, { get }]) => get !== undefined && name !== "body" && name !== "signal"),
    ([name, { get }]) => `${name}: ${show(Reflect.apply(get as () => unknown, value, []), sight)}`,
  )
}

function showError(error: Error, sight: Sight): string {
  const stack = typeof error.stack === "string" && error.stack !== "" ? error.stack : `[${String(error)}]`
  const keys = keysOf(error).filter((key) => key !== "stack" && key !== "message")
  const extra = sight.path.length > sight.depth + 1 ? [] : some(keys, (key) => member(error, key, sight))
  if (Object.hasOwn(error, "cause")) extra.push(`[cause]: ${show(error.cause, sight)}`)
  if (error instanceof AggregateError) extra.push(`[errors]: ${show(error.errors, sight)}`)
  return extra.length === 0 ? stack : `${stack} ${braces("", extra, true)}`
}

function showArray(value: readonly unknown[], sight: Sight): string {
  const parts: string[] = []
  const end = Math.min(value.length, MOST_ELEMENTS)
  let holes = 0
  const closeHoles = (): void => {
    if (holes > 0) parts.push(`<${holes} empty item${holes === 1 ? "" : "s"}>`)
    holes = 0
  }
  for (let index = 0; index < end; index++) {
    if (!(index in value)) {
      holes++
      continue
    }
    closeHoles()
    parts.push(show(value[index], sight))
  }
  closeHoles()
  if (value.length > end) parts.push(more(value.length - end))
  if (value.length <= MOST_ELEMENTS)
    for (const key of keysOf(value)) {
      if (typeof key === "string" && /^\d+$/.test(key)) continue
      parts.push(member(value, key, sight))
    }
  return enclose("[", parts, "]")
}

function showTyped(value: ArrayBufferView, prefix: string, sight: Sight): string {
  const elements = value as unknown as {
    readonly length: number
    readonly [index: number]: unknown
  }
  const shown = Array.from({ length: Math.min(elements.length, MOST_ELEMENTS) }, (_, index) =>
    show(elements[index], sight),
  )
  if (elements.length > MOST_ELEMENTS) shown.push(more(elements.length - MOST_ELEMENTS))
  return `${prefix}(${elements.length}) ${enclose("[", shown, "]")}`
}

function showBuffer(value: ArrayBuffer): string {
  const bytes = new Uint8Array(value, 0, Math.min(value.byteLength, 50))
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ")
  const rest = value.byteLength > 50 ? ` ... ${value.byteLength - 50} more bytes` : ""
  return braces("ArrayBuffer", [`[Uint8Contents]: <${hex}${rest}>`, `byteLength: ${value.byteLength}`])
}

function mapEntries(value: ReadonlyMap<unknown, unknown>, sight: Sight): string[] {
  return some([...value], ([key, held]) => `${show(key, sight)} => ${show(held, sight)}`)
}

function member(value: object, key: string | symbol, sight: Sight): string {
  const descriptor = Object.getOwnPropertyDescriptor(value, key)
  const name = nameOf(key)
  if (descriptor?.get !== undefined)
    return `${name}: [Getter${descriptor.set === undefined ? "" : "/Setter"}]`
  if (descriptor?.set !== undefined) return `${name}: [Setter]`
  return `${name}: ${show(descriptor?.value, sight)}`
}

function nameOf(key: string | symbol): string {
  if (typeof key === "symbol") return String(key)
  return IDENTIFIER.test(key) ? key : quote(key)
}

function keysOf(value: object): (string | symbol)[] {
  return Reflect.ownKeys(value).filter((key) => Object.prototype.propertyIsEnumerable.call(value, key))
}

function prefixOf(value: object): string {
  const prototype = Object.getPrototypeOf(value) as object | null
  if (prototype === null) return "[Object: null prototype]"
  const maker: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value
  const name = typeof maker === "function" ? maker.name : ""
  const tag: unknown = (value as Readonly<Record<symbol, unknown>>)[Symbol.toStringTag]
  if (typeof tag !== "string" || tag === "" || tag === name) return name
  return name === "" ? `Object [${tag}]` : `${name} [${tag}]`
}

// biome-ignore lint/complexity/noBannedTypes: any function will do
function functionTitle(value: Function): string {
  const isClass = /^class\b/.test(Function.prototype.toString.call(value))
  const name = value.name === "" ? "(anonymous)" : value.name
  if (!isClass)
    return value.name === "" ? `[${prefixOf(value)} (anonymous)]` : `[${prefixOf(value)}: ${name}]`
  const parent: unknown = Object.getPrototypeOf(value)
  const parentName = typeof parent === "function" ? parent.name : ""
  return parentName === "" ? `[class ${name}]` : `[class ${name} extends ${parentName}]`
}

interface Holder {
  readonly value: object
  readonly sight: Sight
}

function withKeys(title: string, keys: readonly (string | symbol)[], { value, sight }: Holder): string {
  if (keys.length === 0 || sight.path.length > sight.depth + 1) return title
  return `${title} ${braces(
    "",
    some(keys, (key) => member(value, key, sight)),
  )}`
}

function some<T>(all: readonly T[], text: (one: T) => string): string[] {
  const shown = all.slice(0, MOST_ELEMENTS).map(text)
  if (all.length > MOST_ELEMENTS) shown.push(more(all.length - MOST_ELEMENTS))
  return shown
}

function more(count: number): string {
  return `... ${count} more item${count === 1 ? "" : "s"}`
}

function braces(prefix: string, parts: readonly string[], lines = false): string {
  return `${prefix === "" ? "" : `${prefix} `}${enclose("{", parts, "}", lines)}`
}

function enclose(open: string, parts: readonly string[], close: string, lines = false): string {
  if (parts.length === 0) return `${open}${close}`
  const oneLine = parts.join(", ")
  if (!lines && oneLine.length <= LINE && !oneLine.includes("\n")) return `${open} ${oneLine} ${close}`
  return `${open}\n${parts.map((part) => `  ${part.replaceAll("\n", "\n  ")}`).join(",\n")}\n${close}`
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
  "\v": "\\v",
}

function quote(text: string): string {
  const cut = text.length > MOST_TEXT ? text.slice(0, MOST_TEXT) : text
  const mark = !cut.includes("'") ? "'" : !cut.includes('"') ? '"' : !cut.includes("`") ? "`" : "'"
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  const escaped = cut.replace(/[\u0000-\u001f\u007f\\]/g, (one) =>
    one === "\\"
      ? "\\\\"
      : (ESCAPES[one] ?? `\\x${one.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`),
  )
  const rest = text.length > cut.length ? `... ${text.length - cut.length} more characters` : ""
  return `${mark}${mark === "'" ? escaped.replaceAll("'", "\\'") : escaped}${mark}${rest}`
}
