/** The events that are an Event with some attributes: CustomEvent, ErrorEvent, PromiseRejectionEvent, MessageEvent, CloseEvent. */
import { defineInterface, requireArguments, toDictionary, toDOMString, toUSVString } from "../idl.ts"
import { Event, type EventInit, stateOf } from "./event.ts"

export class CustomEvent extends Event {
  #detail: unknown

  constructor(type: string, init: EventInit & { detail?: unknown } = {}) {
    requireArguments(arguments.length, 1, "CustomEvent constructor")
    super(type, init)
    this.#detail = member(init, "detail", null)
  }
  get detail(): unknown {
    return this.#detail
  }
  initCustomEvent(type: string, bubbles = false, cancelable = false, detail: unknown = null): void {
    requireArguments(arguments.length, 1, "CustomEvent.initCustomEvent")
    if (stateOf(this).dispatching) return
    this.initEvent(type, bubbles, cancelable)
    this.#detail = detail
  }
}

export interface ErrorEventInit extends EventInit {
  message?: string
  filename?: string
  lineno?: number
  colno?: number
  error?: unknown
}

export class ErrorEvent extends Event {
  readonly #init: Required<Omit<ErrorEventInit, keyof EventInit>>

  constructor(type: string, init: ErrorEventInit = {}) {
    requireArguments(arguments.length, 1, "ErrorEvent constructor")
    super(type, init)
    this.#init = {
      colno: unsignedLong(member(init, "colno", 0)),
      error: member(init, "error", undefined),
      filename: toUSVString(member(init, "filename", "")),
      lineno: unsignedLong(member(init, "lineno", 0)),
      message: toDOMString(member(init, "message", "")),
    }
  }
  get message(): string {
    return this.#init.message
  }
  get filename(): string {
    return this.#init.filename
  }
  get lineno(): number {
    return this.#init.lineno
  }
  get colno(): number {
    return this.#init.colno
  }
  get error(): unknown {
    return this.#init.error
  }
}

export class PromiseRejectionEvent extends Event {
  readonly #promise: object
  readonly #reason: unknown

  constructor(type: string, init: EventInit & { promise: object; reason?: unknown }) {
    requireArguments(arguments.length, 2, "PromiseRejectionEvent constructor")
    super(type, init)
    const promise = member(init, "promise", undefined)
    if (typeof promise !== "object" || promise === null)
      throw new TypeError("PromiseRejectionEvent constructor: promise is not an object")
    this.#promise = promise
    this.#reason = member(init, "reason", undefined)
  }
  get promise(): object {
    return this.#promise
  }
  get reason(): unknown {
    return this.#reason
  }
}

export interface MessageEventInit extends EventInit {
  data?: unknown
  origin?: string
  lastEventId?: string
  source?: object | null
  ports?: readonly object[]
}

export class MessageEvent extends Event {
  readonly #data: unknown
  readonly #origin: string
  readonly #lastEventId: string
  readonly #source: unknown
  readonly #ports: readonly unknown[]

  constructor(type: string, init: MessageEventInit = {}) {
    requireArguments(arguments.length, 1, "MessageEvent constructor")
    super(type, init)
    this.#data = member(init, "data", null)
    this.#lastEventId = toDOMString(member(init, "lastEventId", ""))
    this.#origin = toUSVString(member(init, "origin", ""))
    this.#ports = Object.freeze([...(member(init, "ports", []) as Iterable<unknown>)])
    this.#source = member(init, "source", null)
    // No MessagePort and no window stands here that could be a source.
    if (this.#source !== null)
      throw new TypeError("MessageEvent constructor: source is not a MessageEventSource")
  }
  get data(): unknown {
    return this.#data
  }
  get origin(): string {
    return this.#origin
  }
  get lastEventId(): string {
    return this.#lastEventId
  }
  get source(): unknown {
    return this.#source
  }
  get ports(): readonly unknown[] {
    return this.#ports
  }
}

export class CloseEvent extends Event {
  readonly #wasClean: boolean
  readonly #code: number
  readonly #reason: string

  constructor(type: string, init: EventInit & { wasClean?: boolean; code?: number; reason?: string } = {}) {
    requireArguments(arguments.length, 1, "CloseEvent constructor")
    super(type, init)
    this.#code = unsignedLong(member(init, "code", 0)) & 0xffff
    this.#reason = toUSVString(member(init, "reason", ""))
    this.#wasClean = Boolean(member(init, "wasClean", false))
  }
  get wasClean(): boolean {
    return this.#wasClean
  }
  get code(): number {
    return this.#code
  }
  get reason(): string {
    return this.#reason
  }
}

defineInterface("CustomEvent", CustomEvent)
defineInterface("ErrorEvent", ErrorEvent)
defineInterface("PromiseRejectionEvent", PromiseRejectionEvent)
defineInterface("MessageEvent", MessageEvent)
defineInterface("CloseEvent", CloseEvent)

function member(init: unknown, name: string, otherwise: unknown): unknown {
  const value = toDictionary(init, "the event's options")[name]
  return value === undefined ? otherwise : value
}

function unsignedLong(value: unknown): number {
  return +(value as number) >>> 0
}
