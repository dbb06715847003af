/** Views of buffers for structured clone: their kind, place and length, and whether they follow a resizable buffer's length. */

export type ResizableBuffer = ArrayBuffer & {
  readonly resizable?: boolean
  readonly maxByteLength?: number
  readonly detached?: boolean
  transfer?(): ArrayBuffer
  resize?(length: number): void
}

type ViewConstructor = new (buffer: ArrayBuffer, byteOffset: number, length?: number) => ArrayBufferView

export interface ViewShape {
  readonly View: ViewConstructor
  readonly byteOffset: number
  /** In elements; undefined where the view follows its buffer. */
  readonly length: number | undefined
}

const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object
const typedTag = Object.getOwnPropertyDescriptor(TypedArrayPrototype, Symbol.toStringTag)!.get!
const typedValues = (TypedArrayPrototype as { values: () => unknown }).values

const VIEWS: ReadonlyMap<unknown, ViewConstructor> = new Map(
  Reflect.ownKeys(globalThis)
    .filter((name) => typeof name === "string" && /^(?:Big)?(?:Ui|I|U|F).*\d(?:Clamped)?Array$/.test(name))
    .map((name) => [name, (globalThis as unknown as Record<PropertyKey, ViewConstructor>)[name]!]),
)

/** Null when the view is out of the bounds of its buffer or that is detached. */
export function shapeOf(value: ArrayBufferView): ViewShape | null {
  if (isDetached(value.buffer)) return null
  const kind: unknown = typedTag.call(value)
  if (!isInBounds(value, kind !== undefined)) return null
  const View = kind === undefined ? (DataView as unknown as ViewConstructor) : VIEWS.get(kind)!
  const length = kind === undefined ? value.byteLength : (value as unknown as { length: number }).length
  return { View, byteOffset: value.byteOffset, length: followsBuffer(value) ? undefined : length }
}

export function makeView(buffer: ArrayBuffer, { View, byteOffset, length }: ViewShape): ArrayBufferView {
  return length === undefined ? new View(buffer, byteOffset) : new View(buffer, byteOffset, length)
}

export function isDetached(buffer: ArrayBufferLike): boolean {
  return (buffer as ResizableBuffer).detached === true
}

/** A DataView out of bounds throws for its length, a typed array for its iterator; the length of the latter is just 0. */
function isInBounds(value: ArrayBufferView, isTyped: boolean): boolean {
  try {
    if (isTyped) typedValues.call(value)
    else void value.byteLength
    return true
  } catch {
    return false
  }
}

/** Nothing tells whether a view follows its buffer but a change of the buffer's length, which is undone. */
function followsBuffer(value: ArrayBufferView): boolean {
  const buffer = value.buffer as ResizableBuffer
  if (buffer.resizable !== true) return false
  const { byteLength, maxByteLength } = buffer
  const { byteLength: before } = value
  const element = (value as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
  if (value.byteOffset + before + element <= byteLength) return false
  if (byteLength + element <= maxByteLength!) {
    buffer.resize!(byteLength + element)
    const grew = value.byteLength > before
    buffer.resize!(byteLength)
    return grew
  }
  if (before === 0) return false
  const lost = new Uint8Array(buffer).slice(byteLength - 1)
  buffer.resize!(byteLength - 1)
  const follows = isInBounds(value, typedTag.call(value) !== undefined)
  buffer.resize!(byteLength)
  new Uint8Array(buffer).set(lost, byteLength - 1)
  return follows
}
