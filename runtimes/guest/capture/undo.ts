/** Undo: replaces properties and remembers what was there. Knows nothing about what is replaced. */
export class Undo {
  readonly #steps: (() => void)[] = []

  /** Replaces a method or accessor of `target`, keeping its attributes (`Bun.serve` is writable but not configurable). */
  replace(target: object, key: string, descriptor: { value: unknown } | { get(): unknown }): void {
    const before = Object.getOwnPropertyDescriptor(target, key)
    const { configurable = true, enumerable = false } = before ?? {}
    const writable = "value" in descriptor ? { writable: true } : {}
    Object.defineProperty(target, key, { ...descriptor, ...writable, configurable, enumerable })
    this.#steps.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, key)
      else Object.defineProperty(target, key, before)
    })
  }

  all(): void {
    for (const step of this.#steps.splice(0).reverse()) step()
  }
}
