/**
 * Web globals that Node 18 has but does not show, so that one source of a fetch app runs on every version: `crypto`
 * (global from Node 19) and `File` (from Node 20). Nothing is replaced.
 */
import * as buffer from "node:buffer"
import { webcrypto } from "node:crypto"

export function installWebGlobals(): void {
  provide("crypto", webcrypto)
  provide("File", (buffer as { File?: unknown }).File)
}

function provide(name: string, value: unknown): void {
  if (name in globalThis || value === undefined) return
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
}
