/**
 * What Requests and Responses that are made on demand have in common: they inherit from the runtime's own class, answer
 * cheap questions themselves, and ask a real object for the rest. `instanceof` holds both ways.
 */

/**
 * A prototype that passes every property and method of the native one on to `real(self)`. Faster answers are then put
 * over it with `getter` and `method`.
 */
export function onDemandPrototype<Self extends object>(native: object, real: (self: Self) => object): object {
  const prototype = Object.create(native) as object
  for (const key of Reflect.ownKeys(native)) {
    if (key === "constructor" || key === Symbol.toStringTag) continue
    const property = Object.getOwnPropertyDescriptor(native, key)
    if (property?.get !== undefined) {
      getter<Self>(prototype, key, (self) => (real(self) as Record<PropertyKey, unknown>)[key])
    } else if (typeof property?.value === "function") {
      const call = property.value as (...parameters: unknown[]) => unknown
      method<Self>(prototype, key, (self, parameters) => call.apply(real(self), parameters))
    }
  }
  return prototype
}

export function getter<Self>(prototype: object, key: PropertyKey, get: (self: Self) => unknown): void {
  Object.defineProperty(prototype, key, {
    configurable: true,
    enumerable: true,
    get(this: Self) {
      return get(this)
    },
  })
}

export function method<Self>(
  prototype: object,
  key: PropertyKey,
  call: (self: Self, parameters: unknown[]) => unknown,
): void {
  Object.defineProperty(prototype, key, {
    configurable: true,
    writable: true,
    value(this: Self, ...parameters: unknown[]) {
      return call(this, parameters)
    },
  })
}

/** Makes `replacement` the class of `native`'s objects: its name, statics, prototype, and their `constructor`. */
export function standInFor<Class extends { prototype: object; name: string }>(
  native: Class,
  replacement: { prototype: object },
): Class {
  Object.setPrototypeOf(replacement, native)
  Object.defineProperty(replacement, "name", { value: native.name })
  replacement.prototype = native.prototype
  Object.defineProperty(native.prototype, "constructor", {
    value: replacement,
    writable: true,
    configurable: true,
  })
  return replacement as Class
}
