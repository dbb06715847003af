/**
 * Keeps one isolate ready that nobody has used, with its first context: the next app that starts need not wait for V8. It is made when
 * the cell has time, as large as the last one that was asked for, and given to one app only.
 */
import type ivm from "isolated-vm"
import type { IsolateFactory, IsolateOptions, StartedContext } from "./factory.ts"

/** After a start, so that the spare is not made while that start wants the thread. */
const LATER_MS = 12

interface Spare {
  readonly memoryBytes: number
  readonly isolate: ivm.Isolate
  readonly started: StartedContext
  onCatastrophicError: (message: string) => void
}

/** `made` is called for every new isolate. */
export function withSpare(factory: IsolateFactory, made: () => void): IsolateFactory {
  const contexts = new WeakMap<ivm.Isolate, StartedContext>()
  let spare: Spare | null = null
  let isWaiting = false

  function makeSpare(memoryBytes: number): void {
    isWaiting = false
    made()
    const isolate = factory.isolate({
      memoryBytes,
      inspect: false,
      isLast: false,
      onCatastrophicError: (message) => next.onCatastrophicError(message),
    })
    const next: Spare = {
      memoryBytes,
      isolate,
      started: factory.context(isolate, false),
      onCatastrophicError: () => undefined,
    }
    spare = next
  }

  function take(options: IsolateOptions): ivm.Isolate | null {
    const taken = spare
    if (!options.inspect && !options.isLast && !isWaiting) {
      isWaiting = true
      setTimeout(() => makeSpare(options.memoryBytes), LATER_MS)
    }
    if (taken === null) return null
    spare = null
    if (options.inspect || taken.memoryBytes !== options.memoryBytes) {
      taken.isolate.dispose()
      return null
    }
    taken.onCatastrophicError = options.onCatastrophicError
    contexts.set(taken.isolate, taken.started)
    return taken.isolate
  }

  return {
    ...factory,
    isolate(options) {
      made()
      return take(options) ?? factory.isolate(options)
    },
    context(isolate, inspect) {
      const started = contexts.get(isolate)
      contexts.delete(isolate)
      return started ?? factory.context(isolate, inspect)
    },
  }
}
