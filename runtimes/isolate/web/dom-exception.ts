/** DOMException: a real Error (it has a stack) whose name and message live in slots, and its legacy codes. */
import { defineConstants, defineInterface, isObject, toDOMString } from "./idl.ts"

const CODES: Readonly<Record<string, readonly [number, string]>> = {
  IndexSizeError: [1, "INDEX_SIZE_ERR"],
  DOMStringSizeError: [2, "DOMSTRING_SIZE_ERR"],
  HierarchyRequestError: [3, "HIERARCHY_REQUEST_ERR"],
  WrongDocumentError: [4, "WRONG_DOCUMENT_ERR"],
  InvalidCharacterError: [5, "INVALID_CHARACTER_ERR"],
  NoDataAllowedError: [6, "NO_DATA_ALLOWED_ERR"],
  NoModificationAllowedError: [7, "NO_MODIFICATION_ALLOWED_ERR"],
  NotFoundError: [8, "NOT_FOUND_ERR"],
  NotSupportedError: [9, "NOT_SUPPORTED_ERR"],
  InUseAttributeError: [10, "INUSE_ATTRIBUTE_ERR"],
  InvalidStateError: [11, "INVALID_STATE_ERR"],
  SyntaxError: [12, "SYNTAX_ERR"],
  InvalidModificationError: [13, "INVALID_MODIFICATION_ERR"],
  NamespaceError: [14, "NAMESPACE_ERR"],
  InvalidAccessError: [15, "INVALID_ACCESS_ERR"],
  ValidationError: [16, "VALIDATION_ERR"],
  TypeMismatchError: [17, "TYPE_MISMATCH_ERR"],
  SecurityError: [18, "SECURITY_ERR"],
  NetworkError: [19, "NETWORK_ERR"],
  AbortError: [20, "ABORT_ERR"],
  URLMismatchError: [21, "URL_MISMATCH_ERR"],
  QuotaExceededError: [22, "QUOTA_EXCEEDED_ERR"],
  TimeoutError: [23, "TIMEOUT_ERR"],
  InvalidNodeTypeError: [24, "INVALID_NODE_TYPE_ERR"],
  DataCloneError: [25, "DATA_CLONE_ERR"],
}

/** Names of DOMException that have no code any more, though their constants stand. */
const WITHOUT_CODE = new Set(["DOMStringSizeError", "NoDataAllowedError", "ValidationError"])

interface Slots {
  readonly name: string
  readonly message: string
}

// Private fields would need `super()`, and the constructor's prototype must not be Error.
const slots = new WeakMap<object, Slots>()

interface StackCapturing {
  captureStackTrace?(target: object, from?: unknown): void
}

export class DOMException {
  declare readonly stack: string

  constructor(message: string = "", name: string = "Error") {
    const own = { message: toDOMString(message), name: toDOMString(name) }
    // The first look at the header happens inside Error, before the slots are filled: hence the second capture.
    const error = Reflect.construct(Error, [own.message], new.target) as DOMException
    // V8 keeps the message for the stack; the property would hide the prototype's.
    Reflect.deleteProperty(error, "message")
    slots.set(error, own)
    ;(Error as StackCapturing).captureStackTrace?.(error, new.target)
    // biome-ignore lint/correctness/noConstructorReturn: the object must be one that Error made
    return error
  }

  get name(): string {
    return slotsOf(this).name
  }

  get message(): string {
    return slotsOf(this).message
  }

  get code(): number {
    const { name } = slotsOf(this)
    return WITHOUT_CODE.has(name) || !Object.hasOwn(CODES, name) ? 0 : CODES[name]![0]
  }
}

Object.setPrototypeOf(DOMException.prototype, Error.prototype)
defineInterface("DOMException", DOMException)
defineConstants(DOMException, Object.fromEntries(Object.values(CODES).map(([code, name]) => [name, code])))

export function isDOMException(value: unknown): value is DOMException {
  return isObject(value) && slots.has(value)
}

/** A copy for structured clone: name, message and stack. */
export function cloneDOMException(value: DOMException): DOMException {
  const copy = new DOMException(value.message, value.name)
  const stack = Object.getOwnPropertyDescriptor(value, "stack")
  if (typeof value.stack === "string" && stack !== undefined)
    Object.defineProperty(copy, "stack", { value: value.stack, writable: true, configurable: true })
  return copy
}

function slotsOf(value: object): Slots {
  const own = slots.get(value)
  // V8 reads name and message while it makes the Error; a throw there would be lost, and so would the stack.
  if (own === undefined) throw new TypeError("Illegal invocation")
  return own
}
