/** EventTarget and event handler attributes (`onabort` …). Errors of listeners are reported, never thrown into the dispatcher. */
import { DOMException } from "../dom-exception.ts"
import { defineInterface, isObject, requireArguments, toDOMString } from "../idl.ts"
import { reportException, webGlobal } from "../platform.ts"
import { type Event, type EventState, isEvent, stateOf } from "./event.ts"

type ListenerFunction = (event: Event) => unknown
export type EventListener = ListenerFunction | { handleEvent(event: Event): unknown }

/** What the target needs of an AbortSignal: told apart by brand, so that the two files make no circle. */
export interface SignalLike {
  readonly aborted: boolean
  onAborted(algorithm: () => void): void
}

interface Listener {
  readonly type: string
  readonly callback: EventListener | null
  readonly capture: boolean
  readonly once: boolean
  readonly passive: boolean
  removed: boolean
  /** An event handler attribute reads the current value when it is called. */
  readonly handler: ((event: Event) => void) | null
}

interface ListenerOptions {
  readonly capture: boolean
  readonly once: boolean
  readonly passive: boolean
  readonly signal: SignalLike | null
}

const AT_TARGET = 2

interface TargetSlots {
  readonly listeners: Listener[]
  readonly handlers: Map<string, { value: unknown }>
  /** What scripts see instead of the target itself. */
  face: object
  /** Told when a listener comes or goes. */
  changed: (() => void) | null
}

// Filled in by the classes that alone can see their private fields.
const slots: {
  read: (target: object) => TargetSlots | null
  signal: (value: object) => SignalLike | null
  globalTarget: EventTarget | null
} = { read: () => null, signal: () => null, globalTarget: null }

export class EventTarget {
  readonly #slots: TargetSlots

  constructor() {
    this.#slots = { listeners: [], handlers: new Map(), face: this, changed: null }
  }

  addEventListener(type: string, callback: EventListener | null, options: unknown = {}): void {
    const target = targetOf(this)
    requireArguments(arguments.length, 2, "EventTarget.addEventListener")
    const name = toDOMString(type)
    const listener = checkedCallback(callback)
    const { capture, once, passive, signal } = readOptions(options)
    if (signal?.aborted === true || listener === null) return
    if (find(target.listeners, name, listener, capture) !== undefined) return
    const entry = { type: name, callback: listener, capture, once, passive, removed: false, handler: null }
    target.listeners.push(entry)
    target.changed?.()
    signal?.onAborted(() => remove(target, entry))
  }

  removeEventListener(type: string, callback: EventListener | null, options: unknown = {}): void {
    const target = targetOf(this)
    requireArguments(arguments.length, 2, "EventTarget.removeEventListener")
    const name = toDOMString(type)
    const listener = checkedCallback(callback)
    const capture = readCapture(options)
    const entry = find(target.listeners, name, listener, capture)
    if (entry !== undefined) remove(target, entry)
  }

  dispatchEvent(event: Event): boolean {
    const target = targetOf(this)
    requireArguments(arguments.length, 1, "EventTarget.dispatchEvent")
    if (!isEvent(event)) throw new TypeError("EventTarget.dispatchEvent: the argument is not an Event")
    const state = stateOf(event)
    if (state.dispatching || !state.initialized)
      throw new DOMException("The event is already being dispatched", "InvalidStateError")
    state.trusted = false
    return dispatchOn(target, event, state)
  }

  static {
    slots.read = (target) => (#slots in target ? target.#slots : null)
  }
}

defineInterface("EventTarget", EventTarget)

/** Dispatches an event that the platform made: `isTrusted` stays as it is. False when it was canceled. */
export function dispatch(target: EventTarget, event: Event): boolean {
  return dispatchOn(targetOf(target), event, stateOf(event))
}

export function hasListeners(target: EventTarget, type: string): boolean {
  return targetOf(target).listeners.some((listener) => listener.type === type)
}

/** Calls `changed` whenever a listener has come or gone. */
export function watchListeners(target: EventTarget, changed: () => void): void {
  targetOf(target).changed = changed
}

/** The global as an event target: its methods work without `this`, and events show the global itself. */
export function makeGlobalTarget(global: object): EventTarget {
  const target = new EventTarget()
  targetOf(target).face = global
  slots.globalTarget = target
  return target
}

/** Lets AbortSignal be known by its brand. */
export function recogniseSignals(read: (value: object) => SignalLike | null): void {
  slots.signal = read
}

/** Defines `on…` on a prototype, or on the global when `holder` gives the target for any `this`. */
export function defineEventHandler(prototype: object, type: string, on = `on${type}`): void {
  const accessor = {
    get [on](): unknown {
      return targetOf(this as unknown as EventTarget).handlers.get(type)?.value ?? null
    },
    set [on](value: unknown) {
      setHandler(targetOf(this as unknown as EventTarget), type, isObject(value) ? value : null)
    },
  }
  Object.defineProperty(prototype, on, {
    ...Object.getOwnPropertyDescriptor(accessor, on)!,
    enumerable: true,
    configurable: true,
  })
}

/** A handler stands where it was first set, whatever it is changed to, until it is null. */
function setHandler(target: TargetSlots, type: string, value: object | null): void {
  const existing = target.handlers.get(type)
  if (existing !== undefined) {
    existing.value = value
    if (value !== null) return
    target.handlers.delete(type)
    const entry = target.listeners.find((listener) => listener.type === type && listener.handler !== null)
    if (entry !== undefined) remove(target, entry)
    return
  }
  if (value === null) return
  const slot = { value: value as unknown }
  target.handlers.set(type, slot)
  target.listeners.push({
    type,
    callback: null,
    capture: false,
    once: false,
    passive: false,
    removed: false,
    handler: (event) => runHandler(target, slot.value, event),
  })
  target.changed?.()
}

interface ErrorEventLike {
  readonly message: unknown
  readonly filename: unknown
  readonly lineno: unknown
  readonly colno: unknown
  readonly error: unknown
}

function runHandler(target: TargetSlots, value: unknown, event: Event): void {
  if (typeof value !== "function") return
  // `onerror` of the global is called with five arguments, and true means handled.
  if (event.type === "error" && target.face === webGlobal() && "lineno" in event) {
    const details = event as unknown as ErrorEventLike
    const { message, filename, lineno, colno, error } = details
    if (Reflect.apply(value, target.face, [message, filename, lineno, colno, error]) === true)
      event.preventDefault()
    return
  }
  if (Reflect.apply(value, target.face, [event]) === false) event.preventDefault()
}

function dispatchOn(target: TargetSlots, event: Event, state: EventState): boolean {
  state.dispatching = true
  state.seen = target.face
  state.current = target.face
  state.phase = AT_TARGET
  if (!state.stopped) {
    const listeners = target.listeners.filter((listener) => listener.type === state.type)
    invokeAll(target, event, { state, listeners: listeners.filter(({ capture }) => capture) })
    if (!state.stopped)
      invokeAll(target, event, { state, listeners: listeners.filter(({ capture }) => !capture) })
  }
  state.phase = 0
  state.current = null
  state.dispatching = false
  state.stopped = false
  state.stoppedNow = false
  return !state.canceled
}

interface Invocation {
  readonly state: EventState
  readonly listeners: readonly Listener[]
}

function invokeAll(target: TargetSlots, event: Event, { state, listeners }: Invocation): void {
  for (const listener of listeners) {
    if (state.stoppedNow) return
    if (listener.removed) continue
    if (listener.once) remove(target, listener)
    state.passive = listener.passive
    try {
      invoke(target, listener, event)
    } catch (error) {
      reportException(error)
    }
    state.passive = false
  }
}

function invoke(target: TargetSlots, listener: Listener, event: Event): void {
  const { callback, handler } = listener
  if (handler !== null) return handler(event)
  if (typeof callback === "function") {
    Reflect.apply(callback, target.face, [event])
    return
  }
  const handleEvent = (callback as { handleEvent: unknown }).handleEvent
  if (typeof handleEvent !== "function") throw new TypeError("handleEvent of a listener is not a function")
  Reflect.apply(handleEvent, callback, [event])
}

function find(
  listeners: readonly Listener[],
  type: string,
  callback: EventListener | null,
  capture: boolean,
): Listener | undefined {
  return listeners.find(
    (listener) =>
      listener.type === type &&
      listener.callback === callback &&
      listener.handler === null &&
      listener.capture === capture,
  )
}

function remove(target: TargetSlots, listener: Listener): void {
  listener.removed = true
  const at = target.listeners.indexOf(listener)
  if (at < 0) return
  target.listeners.splice(at, 1)
  target.changed?.()
}

function checkedCallback(callback: unknown): EventListener | null {
  if (callback === null || callback === undefined) return null
  if (!isObject(callback)) throw new TypeError("an event listener must be an object or null")
  return callback as EventListener
}

function readOptions(options: unknown): ListenerOptions {
  if (!isObject(options)) return { capture: Boolean(options), once: false, passive: false, signal: null }
  const given = options as Readonly<Record<string, unknown>>
  const capture = Boolean(given["capture"])
  const once = Boolean(given["once"])
  const passive = Boolean(given["passive"])
  const signal = given["signal"]
  if (signal === undefined) return { capture, once, passive, signal: null }
  const known = isObject(signal) ? slots.signal(signal) : null
  if (known === null) throw new TypeError("signal of a listener's options is not an AbortSignal")
  return { capture, once, passive, signal: known }
}

function readCapture(options: unknown): boolean {
  return isObject(options) ? Boolean((options as { capture?: unknown }).capture) : Boolean(options)
}

function targetOf(target: unknown): TargetSlots {
  const own = isObject(target) ? slots.read(target) : null
  if (own !== null) return own
  const isGlobal = target === undefined || target === null || target === webGlobal()
  const global = isGlobal && slots.globalTarget !== null ? slots.read(slots.globalTarget) : null
  if (global === null) throw new TypeError("Illegal invocation")
  return global
}
