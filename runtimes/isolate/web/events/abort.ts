/**
 * AbortController and AbortSignal. A dependent signal (`any`) is held by its sources weakly, unless somebody listens to it, so that
 * one long-lived source does not collect every signal ever made from it.
 */
import { DOMException } from "../dom-exception.ts"
import { defineInterface, isObject, requireArguments, toEnforcedUnsigned } from "../idl.ts"
import { webTimers } from "../platform.ts"
import { Event, trusted } from "./event.ts"
import {
  defineEventHandler,
  dispatch,
  EventTarget,
  hasListeners,
  recogniseSignals,
  type SignalLike,
  watchListeners,
} from "./event-target.ts"

interface SignalSlots extends SignalLike {
  aborted: boolean
  reason: unknown
  readonly algorithms: Set<() => void>
  /** Signals made from this one by `any`. */
  dependents: Set<WeakRef<AbortSignal>>
  /** Size of `dependents` at which dead references are swept. */
  sweepAt: number
  /** Dependents that somebody listens to. */
  readonly pinned: Set<AbortSignal>
  /** The independent signals this one was made from; null where it is one itself. */
  sources: ReadonlySet<AbortSignal> | null
}

const FIRST_SWEEP = 32

// The constructor is the platform's alone; and the class alone can see its private field.
const MAKE = Symbol("make")
const inner: { read: (value: object) => SignalSlots | null } = { read: () => null }

export class AbortSignal extends EventTarget {
  readonly #slots: SignalSlots
  declare onabort: ((event: Event) => unknown) | null

  constructor() {
    if (arguments[0] !== MAKE) throw new TypeError("Illegal constructor")
    super()
    const slots: SignalSlots = {
      aborted: false,
      reason: undefined,
      algorithms: new Set(),
      dependents: new Set(),
      sweepAt: FIRST_SWEEP,
      pinned: new Set(),
      sources: null,
      onAborted: (algorithm) => {
        slots.algorithms.add(algorithm)
        pin(this, slots)
      },
    }
    this.#slots = slots
  }

  static abort(reason: unknown = undefined): AbortSignal {
    const signal = newSignal()
    const slots = slotsOf(signal)
    slots.aborted = true
    slots.reason = reason === undefined ? abortError() : reason
    return signal
  }

  static timeout(milliseconds: number): AbortSignal {
    requireArguments(arguments.length, 1, "AbortSignal.timeout")
    const ms = toEnforcedUnsigned(milliseconds, 53, "AbortSignal.timeout: milliseconds")
    const signal = newSignal()
    const error = (): DOMException => new DOMException("The operation timed out", "TimeoutError")
    webTimers().after(ms, () => signalAbort(signal, error()))
    return signal
  }

  static any(signals: Iterable<AbortSignal>): AbortSignal {
    requireArguments(arguments.length, 1, "AbortSignal.any")
    if (!isObject(signals)) throw new TypeError("AbortSignal.any: the argument is not iterable")
    const given = [...signals]
    if (!given.every(isAbortSignal)) throw new TypeError("AbortSignal.any: an element is not an AbortSignal")
    return dependentOf(given)
  }

  get aborted(): boolean {
    return this.#slots.aborted
  }

  get reason(): unknown {
    return this.#slots.reason
  }

  throwIfAborted(): void {
    if (this.#slots.aborted) throw this.#slots.reason
  }

  static {
    inner.read = (value) => (#slots in value ? value.#slots : null)
    defineEventHandler(AbortSignal.prototype, "abort")
  }
}

export class AbortController {
  readonly #signal = newSignal()

  get signal(): AbortSignal {
    return this.#signal
  }

  abort(reason: unknown = undefined): void {
    signalAbort(this.#signal, reason === undefined ? abortError() : reason)
  }
}

defineInterface("AbortSignal", AbortSignal)
defineInterface("AbortController", AbortController)
recogniseSignals((value) => inner.read(value))

export function isAbortSignal(value: unknown): value is AbortSignal {
  return isObject(value) && inner.read(value) !== null
}

/** A new signal that only its maker can abort, by `signalAbort`. */
export function newSignal(): AbortSignal {
  return Reflect.construct(AbortSignal, [MAKE]) as AbortSignal
}

/** A signal that follows all of `signals`; as `AbortSignal.any`, for Request and Response. */
export function dependentOf(signals: readonly AbortSignal[]): AbortSignal {
  const result = newSignal()
  const own = slotsOf(result)
  const aborted = signals.find((signal) => slotsOf(signal).aborted)
  if (aborted !== undefined) {
    own.aborted = true
    own.reason = slotsOf(aborted).reason
    return result
  }
  const sources = new Set<AbortSignal>()
  for (const signal of signals) for (const source of slotsOf(signal).sources ?? [signal]) sources.add(source)
  own.sources = sources
  for (const source of sources) addDependent(slotsOf(source), result)
  watchListeners(result, () => pin(result, own))
  return result
}

/** Runs `algorithm` once the signal aborts; the function returned forgets it. Not called for a signal that has aborted. */
export function onAbort(signal: AbortSignal, algorithm: () => void): () => void {
  const slots = slotsOf(signal)
  if (slots.aborted) return () => undefined
  slots.onAborted(algorithm)
  return () => {
    slots.algorithms.delete(algorithm)
    pin(signal, slots)
  }
}

export function signalAbort(signal: AbortSignal, reason: unknown): void {
  const slots = slotsOf(signal)
  if (slots.aborted) return
  slots.aborted = true
  slots.reason = reason
  const dependents: AbortSignal[] = []
  for (const reference of slots.dependents) {
    const dependent = reference.deref()
    if (dependent === undefined || slotsOf(dependent).aborted) continue
    slotsOf(dependent).aborted = true
    slotsOf(dependent).reason = reason
    dependents.push(dependent)
  }
  slots.dependents.clear()
  slots.pinned.clear()
  runAbortSteps(signal)
  for (const dependent of dependents) runAbortSteps(dependent)
}

function runAbortSteps(signal: AbortSignal): void {
  const slots = slotsOf(signal)
  const algorithms = [...slots.algorithms]
  slots.algorithms.clear()
  for (const algorithm of algorithms) algorithm()
  if (hasListeners(signal, "abort")) dispatch(signal, trusted(new Event("abort")))
  pin(signal, slots)
}

/** A dependent that is listened to must live as long as one of its sources can abort it. */
function pin(signal: AbortSignal, slots: SignalSlots): void {
  if (slots.sources === null) return
  const wanted = !slots.aborted && (slots.algorithms.size > 0 || hasListeners(signal, "abort"))
  for (const source of slots.sources) {
    if (wanted) slotsOf(source).pinned.add(signal)
    else slotsOf(source).pinned.delete(signal)
  }
}

function addDependent(source: SignalSlots, dependent: AbortSignal): void {
  source.dependents.add(new WeakRef(dependent))
  if (source.dependents.size < source.sweepAt) return
  for (const reference of source.dependents)
    if (reference.deref() === undefined) source.dependents.delete(reference)
  source.sweepAt = Math.max(FIRST_SWEEP, source.dependents.size * 2)
}

function slotsOf(signal: AbortSignal): SignalSlots {
  const slots = inner.read(signal)
  if (slots === null) throw new TypeError("Illegal invocation")
  return slots
}

function abortError(): DOMException {
  return new DOMException("This operation was aborted", "AbortError")
}
