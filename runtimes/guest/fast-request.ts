/**
 * A Request that is made on demand (Node): it answers method, url, headers, signal and the body's readers from the
 * record, and becomes a real Request only for the rest (clone, formData, cache …). Code of the runtime that needs a
 * real one (`new Request(r)`, `fetch(r)`) gets it: both globals are taught to unwrap. Counterpart: `fast-response.ts`.
 */
import { getter, method, onDemandPrototype, standInFor } from "./on-demand.ts"
import type { RequestRecord } from "./request-record.ts"

const RECORD = Symbol("polyhost.request.record")
const REAL = Symbol("polyhost.request.real")
const HEADERS = Symbol("polyhost.request.headers")

interface FastRequest extends Request {
  [RECORD]: RequestRecord
  [REAL]: Request | undefined
  [HEADERS]: Headers | undefined
}

export type MakeRequest = (record: RequestRecord) => Request

/** A real Request of this runtime. */
export const makeNativeRequest: MakeRequest = (record) =>
  nativeRequest(globalThis.Request, record, record.headers)

function nativeRequest(Native: typeof Request, record: RequestRecord, headers: Headers): Request {
  const { method } = record
  const init: RequestInit & { duplex?: "half" } = { method, headers, signal: record.signal }
  // The fetch standard forbids a body here; what a client sends all the same is not read.
  if (record.body !== null && method !== "GET" && method !== "HEAD") {
    init.body = record.body.stream()
    init.duplex = "half"
  }
  return new Native(record.url, init)
}

/** Teaches this process's globals about fast requests and returns how to make them. */
export function installFastRequest(): MakeRequest {
  const Native = globalThis.Request
  const prototype = fastPrototype(Native)

  function FastRequestConstructor(this: unknown, input: unknown, init?: RequestInit): Request {
    const target = new.target === undefined || new.target === FastRequestConstructor ? Native : new.target
    return Reflect.construct(Native, [unwrap(input, Native), init], target)
  }
  globalThis.Request = standInFor(Native, FastRequestConstructor)
  const nativeFetch = globalThis.fetch
  globalThis.fetch = function fetch(input: Parameters<typeof nativeFetch>[0], init?: RequestInit) {
    return nativeFetch(unwrap(input, Native) as typeof input, init)
  }
  return (record) => {
    const request = Object.create(prototype) as FastRequest
    request[RECORD] = record
    request[REAL] = undefined
    request[HEADERS] = undefined
    return request
  }
}

function unwrap(input: unknown, Native: typeof Request): unknown {
  if (typeof input !== "object" || input === null) return input
  return (input as Partial<FastRequest>)[RECORD] === undefined ? input : real(input as FastRequest, Native)
}

function real(self: FastRequest, Native: typeof Request): Request {
  if (self[REAL] === undefined) {
    self[REAL] = nativeRequest(Native, self[RECORD], headersOf(self))
    self[HEADERS] = self[REAL].headers
  }
  return self[REAL]
}

function headersOf(self: FastRequest): Headers {
  self[HEADERS] ??= self[RECORD].headers
  return self[HEADERS]
}

function fastPrototype(Native: typeof Request): object {
  const prototype = onDemandPrototype<FastRequest>(Native.prototype, (self) => real(self, Native))
  const answer = (key: string, get: (self: FastRequest) => unknown): void => getter(prototype, key, get)
  answer("method", (self) => self[RECORD].method)
  answer("url", (self) => self[RECORD].url)
  answer("headers", (self) => headersOf(self))
  answer("signal", (self) => self[REAL]?.signal ?? self[RECORD].signal)
  answer("bodyUsed", (self) => bodyUsed(self))
  answer("body", (self) => {
    if (self[REAL] !== undefined) return self[REAL].body
    const { body } = self[RECORD]
    if (body === null || isBodyless(self)) return null
    return real(self, Native).body
  })
  reader(prototype, "text", (bytes) => new TextDecoder().decode(bytes))
  reader(prototype, "json", (bytes) => JSON.parse(new TextDecoder().decode(bytes)))
  reader(prototype, "arrayBuffer", (bytes) => copyOf(bytes).buffer)
  reader(prototype, "bytes", (bytes) => copyOf(bytes))
  return prototype
}

/** The bytes in a buffer of their own: a view into a frame must not reach the app as its whole buffer. */
function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

function isBodyless(self: FastRequest): boolean {
  const { method } = self[RECORD]
  return method === "GET" || method === "HEAD"
}

function bodyUsed(self: FastRequest): boolean {
  return self[REAL]?.bodyUsed ?? self[RECORD].body?.used ?? false
}

/** A method that reads the whole body: straight from the record while no real Request exists. */
function reader(prototype: object, key: string, convert: (bytes: Uint8Array) => unknown): void {
  method<FastRequest>(prototype, key, async (self) => {
    const { body } = self[RECORD]
    if (self[REAL] !== undefined) return (self[REAL] as unknown as Record<string, () => unknown>)[key]?.()
    if (bodyUsed(self)) throw new TypeError("Body is unusable: Body has already been read")
    if (body === null || isBodyless(self)) return convert(new Uint8Array(0))
    return convert(await body.bytes())
  })
}
