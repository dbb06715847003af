/** Classes of libraries on the global object: the bundler may have given them other names. */
import { exposeInterfaces } from "./idl.ts"

export function exposeLibraryClasses(target: object, classes: Readonly<Record<string, object>>): void {
  for (const [name, value] of Object.entries(classes)) {
    Object.defineProperty(value, "name", { value: name, configurable: true })
  }
  exposeInterfaces(target, classes)
}
