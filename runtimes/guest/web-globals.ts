/** What the guest changes about the web globals of an app that may be a fetch app, before any of its code is loaded. */
import * as buffer from "node:buffer"
import { webcrypto } from "node:crypto"
import { installBunResponse } from "./bun-response.ts"
import { installFastRequest, type MakeRequest, makeNativeRequest } from "./fast-request.ts"
import { installFastResponse } from "./fast-response.ts"

/** Returns how the Requests of this runtime are made. */
export function installWebGlobals(runtime: "node" | "bun" | "deno"): MakeRequest {
  if (runtime === "bun") installBunResponse()
  // Before Node 18 there is no fetch API, and every app is a server.
  if (runtime !== "node" || globalThis.Request === undefined) return makeNativeRequest
  // Node 18 has them but does not show them: one source shall run on every version.
  provide("crypto", webcrypto)
  provide("File", (buffer as { File?: unknown }).File)
  installFastResponse()
  return installFastRequest()
}

function provide(name: string, value: unknown): void {
  if (name in globalThis || value === undefined) return
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false })
}
