/**
 * `error.stack` with positions in the app's own files: V8 asks `Error.prepareStackTrace` for the text when it is first read, and the
 * cell, which has the source map, puts the positions right. An app may set its own function there, as it may anywhere.
 */

export interface StackMapper {
  /** From now on. Apps that are one file as they stand need it not. */
  install(): void
  /** A turn begins. */
  turn(): void
}

/** Stacks mapped in one turn: each makes the isolate wait for the cell. Those beyond show positions in the bundle. */
const MOST_A_TURN = 100

export function createStackMapper(mapStack: (stack: string) => string): StackMapper {
  let left = MOST_A_TURN
  const describe = Error.prototype.toString
  const { apply } = Reflect

  function stackOf(error: unknown, frames: readonly unknown[]): string {
    let stack = described(error)
    for (let i = 0; i < frames.length; i++) stack += `\n    at ${frames[i]}`
    if (left <= 0) return stack
    left--
    return mapStack(stack)
  }

  function described(error: unknown): string {
    try {
      return apply(describe, error, [])
    } catch {
      return "<error>"
    }
  }

  return {
    install() {
      Object.defineProperty(Error, "prepareStackTrace", {
        value: stackOf,
        writable: true,
        configurable: true,
        enumerable: false,
      })
    },
    turn() {
      left = MOST_A_TURN
    },
  }
}
