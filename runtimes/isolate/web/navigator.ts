/** navigator: who serves this app. */
import { defineInterface } from "./idl.ts"

const MAKE = Symbol("make")

export class Navigator {
  readonly #userAgent = "Polyhost"

  constructor() {
    if (arguments[0] !== MAKE) throw new TypeError("Illegal constructor")
  }
  get userAgent(): string {
    return this.#userAgent
  }
}

defineInterface("Navigator", Navigator)

export function createNavigator(): Navigator {
  return Reflect.construct(Navigator, [MAKE]) as Navigator
}
