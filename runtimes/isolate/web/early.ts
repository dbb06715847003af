/**
 * Must be imported before the libraries that look for globals while they load: whatwg-url wants TextEncoder and TextDecoder,
 * webidl-conversions looks into SharedArrayBuffer (which does not exist while a snapshot is made), web-streams-polyfill
 * wants DOMException. `installWeb` replaces them with their final properties.
 */
import { DOMException } from "./dom-exception.ts"
import { TextDecoder } from "./encoding/text-decoder.ts"
import { TextEncoder } from "./encoding/text-encoder.ts"
import { exposeInterfaces } from "./idl.ts"

class NoSharedArrayBuffer {
  get byteLength(): number {
    throw new TypeError("not a SharedArrayBuffer")
  }

  get growable(): boolean {
    throw new TypeError("not a SharedArrayBuffer")
  }
}

exposeInterfaces(globalThis, { DOMException, TextDecoder, TextEncoder })
if (!("SharedArrayBuffer" in globalThis)) {
  exposeInterfaces(globalThis, { SharedArrayBuffer: NoSharedArrayBuffer })
}

/** Takes the stand-in away again, once every library is loaded. */
export function dropStandIns(): void {
  const { SharedArrayBuffer: present } = globalThis as { SharedArrayBuffer?: unknown }
  if (present === NoSharedArrayBuffer) Reflect.deleteProperty(globalThis, "SharedArrayBuffer")
}
