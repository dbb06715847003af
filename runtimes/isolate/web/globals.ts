/** Defines this half of the web APIs on the isolate's global. Counterparts: index.ts calls it; ops.ts is what it asks for. */
import { atob, btoa } from "./base64.ts"
import { structuredClone } from "./clone/structured-clone.ts"
import { createConsole } from "./console.ts"
import { Crypto, createCrypto } from "./crypto/crypto.ts"
import { CryptoKey } from "./crypto/key.ts"
import { SubtleCrypto } from "./crypto/subtle.ts"
import { DOMException } from "./dom-exception.ts"
import { AbortController, AbortSignal } from "./events/abort.ts"
import { Event } from "./events/event.ts"
import { defineEventHandler, EventTarget, makeGlobalTarget } from "./events/event-target.ts"
import { MessageChannel, MessagePort } from "./events/message-port.ts"
import {
  CloseEvent,
  CustomEvent,
  ErrorEvent,
  MessageEvent,
  PromiseRejectionEvent,
} from "./events/more-events.ts"
import { exposeAttribute, exposeFunctions, exposeInterfaces, requireArguments } from "./idl.ts"
import { createNavigator, Navigator } from "./navigator.ts"
import type { WebOps } from "./ops.ts"
import {
  createPerformance,
  Performance,
  PerformanceEntry,
  PerformanceMark,
  PerformanceMeasure,
} from "./performance.ts"
import { bindPlatform } from "./platform.ts"
import { QuotaExceededError } from "./quota-error.ts"
import { createReports, type Reports } from "./report.ts"
import { createTimers, type Timers } from "./timers.ts"

/** What the guest inside the isolate and the cell need of the installed APIs. */
export interface CoreHandles {
  /** `fire` is for the cell. */
  readonly timers: Timers
  /** `rejection` is for the cell, which alone sees unhandled ones. */
  readonly reports: Reports
}

export function installCore(target: object, ops: () => WebOps): CoreHandles {
  const globalTarget = makeGlobalTarget(target)
  const reports = createReports(globalTarget, ops)
  const timers = createTimers({ ops, report: reports.exception, global: target })
  bindPlatform({ ops, timers: () => timers, global: target, report: reports.exception })
  exposeInterfaces(target, {
    AbortController,
    AbortSignal,
    CloseEvent,
    Crypto,
    CryptoKey,
    CustomEvent,
    DOMException,
    ErrorEvent,
    Event,
    EventTarget,
    MessageChannel,
    MessageEvent,
    MessagePort,
    Navigator,
    Performance,
    PerformanceEntry,
    PerformanceMark,
    PerformanceMeasure,
    PromiseRejectionEvent,
    QuotaExceededError,
    SubtleCrypto,
    console: createConsole(ops),
  })
  exposeFunctions(target, {
    ...timerFunctions(timers),
    atob,
    btoa,
    queueMicrotask: queueMicrotaskFor(reports),
    reportError(error: unknown): void {
      requireArguments(arguments.length, 1, "reportError")
      reports.exception(error)
    },
    structuredClone,
  })
  installGlobalEvents(target)
  exposeLazily(target, { crypto: createCrypto, navigator: createNavigator, performance: createPerformance })
  exposeAttribute(target, "self", () => target)
  exposeAttribute(target, "crossOriginIsolated", () => false)
  exposeAttribute(target, "isSecureContext", () => true)
  return { timers, reports }
}

function timerFunctions(timers: Timers): Record<string, unknown> {
  return {
    setTimeout(handler: unknown, timeout: unknown = 0, ...args: unknown[]): number {
      requireArguments(arguments.length, 1, "setTimeout")
      return timers.setTimeout(handler, timeout, args)
    },
    setInterval(handler: unknown, timeout: unknown = 0, ...args: unknown[]): number {
      requireArguments(arguments.length, 1, "setInterval")
      return timers.setInterval(handler, timeout, args)
    },
    clearTimeout(id: unknown = 0): void {
      timers.clear(id)
    },
    clearInterval(id: unknown = 0): void {
      timers.clear(id)
    },
  }
}

function queueMicrotaskFor(reports: Reports): unknown {
  const done = Promise.resolve()
  // The app may replace `then` of the prototype; microtasks go on.
  const then = Promise.prototype.then
  const { queueMicrotask } = {
    queueMicrotask(callback: unknown): void {
      requireArguments(arguments.length, 1, "queueMicrotask")
      if (typeof callback !== "function")
        throw new TypeError("queueMicrotask: the argument is not a function")
      const run = (): void => {
        try {
          Reflect.apply(callback, undefined, [])
        } catch (error) {
          reports.exception(error)
        }
      }
      Reflect.apply(then, done, [run])
    },
  }
  return queueMicrotask
}

function installGlobalEvents(target: object): void {
  const { addEventListener, removeEventListener, dispatchEvent } = EventTarget.prototype
  exposeFunctions(target, { addEventListener, removeEventListener, dispatchEvent })
  for (const type of ["error", "unhandledrejection", "rejectionhandled"]) defineEventHandler(target, type)
}

/** Objects that are made when they are first asked for: a snapshot holds none. */
function exposeLazily(target: object, makers: Readonly<Record<string, () => unknown>>): void {
  for (const [name, make] of Object.entries(makers)) {
    const made: { value: unknown } = { value: null }
    exposeAttribute(target, name, () => {
      made.value ??= make()
      return made.value
    })
  }
}
