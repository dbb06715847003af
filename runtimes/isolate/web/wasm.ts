/** WebAssembly from a Response, which V8 leaves to whoever embeds it. Nothing is compiled while it comes: bodies here are small or at hand. */
import { isResponse, stateOfResponse } from "./fetch/index.ts"

interface Wasm {
  compile(bytes: unknown, options?: unknown): Promise<object>
  instantiate(bytes: unknown, imports?: unknown, options?: unknown): Promise<object>
}

export function installWasmStreaming(target: object): void {
  const wasm = (target as { WebAssembly?: Wasm }).WebAssembly
  if (wasm === undefined) return
  const { compile, instantiate } = wasm
  const functions = {
    compileStreaming: async (source: unknown, options?: unknown): Promise<object> =>
      compile(await bytesOf(source), options),
    instantiateStreaming: async (source: unknown, imports?: unknown, options?: unknown): Promise<object> =>
      instantiate(await bytesOf(source), imports, options),
  }
  for (const [name, value] of Object.entries(functions))
    Object.defineProperty(wasm, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
}

async function bytesOf(source: unknown): Promise<Uint8Array> {
  const response = await source
  if (!isResponse(response)) throw new TypeError("A Response is wanted, or a promise of one")
  const { content } = stateOfResponse(response)
  const type = response.headers.get("content-type") ?? ""
  if (type.trim().toLowerCase() !== "application/wasm")
    throw new TypeError(`The response's type is "${type}", not "application/wasm"`)
  if (!response.ok) throw new TypeError(`The response has the status ${response.status}`)
  if (content?.unusable) throw new TypeError("The body of the response was read or is locked already")
  return new Uint8Array(await response.arrayBuffer())
}
