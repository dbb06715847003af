/** Event (DOM standard, without a tree: a path is the target alone). Counterpart: event-target.ts, which dispatches. */
import { monotonicNow } from "../clock.ts"
import { defineConstants, defineInterface, requireArguments, toDictionary, toDOMString } from "../idl.ts"

export interface EventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
}

/** What dispatch may do to an event and scripts may not. */
export interface EventState {
  type: string
  bubbles: boolean
  cancelable: boolean
  composed: boolean
  /** What scripts see as the target: the global where the target stands for it. */
  seen: object | null
  current: object | null
  phase: number
  stopped: boolean
  stoppedNow: boolean
  canceled: boolean
  passive: boolean
  initialized: boolean
  dispatching: boolean
  trusted: boolean
}

// Filled in by the class, which alone can see its private field.
const slots: { read: (event: object) => EventState | null } = { read: () => null }

// One getter for all events: [LegacyUnforgeable] is an own property that cannot be changed.
const IS_TRUSTED: PropertyDescriptor = {
  get: Object.getOwnPropertyDescriptor(
    {
      get isTrusted(): boolean {
        return stateOf(this as unknown as Event).trusted
      },
    },
    "isTrusted",
  )!.get!,
  enumerable: true,
  configurable: false,
}

export class Event {
  declare readonly isTrusted: boolean
  readonly #state: EventState
  readonly #timeStamp: number

  constructor(type: string, init: EventInit = {}) {
    requireArguments(arguments.length, 1, "Event constructor")
    const name = toDOMString(type)
    const members = toDictionary(init, "Event constructor: the second argument")
    this.#state = {
      type: name,
      bubbles: Boolean(members["bubbles"]),
      cancelable: Boolean(members["cancelable"]),
      composed: Boolean(members["composed"]),
      seen: null,
      current: null,
      phase: 0,
      stopped: false,
      stoppedNow: false,
      canceled: false,
      passive: false,
      initialized: true,
      dispatching: false,
      trusted: false,
    }
    this.#timeStamp = monotonicNow()
    Object.defineProperty(this, "isTrusted", IS_TRUSTED)
  }

  get type(): string {
    return this.#state.type
  }
  get target(): object | null {
    return this.#state.seen
  }
  get srcElement(): object | null {
    return this.#state.seen
  }
  get currentTarget(): object | null {
    return this.#state.current
  }
  composedPath(): object[] {
    const { current } = this.#state
    return current === null ? [] : [current]
  }
  get eventPhase(): number {
    return this.#state.phase
  }
  stopPropagation(): void {
    this.#state.stopped = true
  }
  get cancelBubble(): boolean {
    return this.#state.stopped
  }
  set cancelBubble(value: boolean) {
    if (value) this.#state.stopped = true
  }
  stopImmediatePropagation(): void {
    this.#state.stopped = true
    this.#state.stoppedNow = true
  }
  get bubbles(): boolean {
    return this.#state.bubbles
  }
  get cancelable(): boolean {
    return this.#state.cancelable
  }
  get returnValue(): boolean {
    return !this.#state.canceled
  }
  set returnValue(value: boolean) {
    if (!value) this.#cancel()
  }
  preventDefault(): void {
    this.#cancel()
  }
  get defaultPrevented(): boolean {
    return this.#state.canceled
  }
  get composed(): boolean {
    return this.#state.composed
  }
  get timeStamp(): number {
    return this.#timeStamp
  }
  initEvent(type: string, bubbles = false, cancelable = false): void {
    requireArguments(arguments.length, 1, "Event.initEvent")
    const name = toDOMString(type)
    const state = this.#state
    if (state.dispatching) return
    state.initialized = true
    state.stopped = false
    state.stoppedNow = false
    state.canceled = false
    state.trusted = false
    state.seen = null
    state.type = name
    state.bubbles = Boolean(bubbles)
    state.cancelable = Boolean(cancelable)
  }

  static {
    slots.read = (event) => (#state in event ? event.#state : null)
  }

  #cancel(): void {
    if (this.#state.cancelable && !this.#state.passive) this.#state.canceled = true
  }
}

defineInterface("Event", Event)
defineConstants(Event, { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 })

export function isEvent(value: unknown): value is Event {
  return typeof value === "object" && value !== null && slots.read(value) !== null
}

export function stateOf(event: Event): EventState {
  const state = slots.read(event)
  if (state === null) throw new TypeError("Illegal invocation")
  return state
}

/** An event that the platform fires, not a script. */
export function trusted<E extends Event>(event: E): E {
  stateOf(event).trusted = true
  return event
}
