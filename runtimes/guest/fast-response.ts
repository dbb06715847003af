/**
 * A Response that keeps its parts. The runtime's own Response (undici's) turns every body into a stream and every
 * header into a list; most answers are a string and two headers. So on Node `new Response(…)` makes an object that
 * remembers what it was given, and becomes a real Response only when somebody asks for more than that.
 * It inherits from the real prototype: `instanceof` holds both ways.
 */
import { getter, onDemandPrototype, standInFor } from "./on-demand.ts"

type BodyInput = ConstructorParameters<typeof Response>[0]
type InitInput = ConstructorParameters<typeof Response>[1]

/** Header lines for a frame, and the body when it is at hand. */
export interface ResponseParts {
  readonly status: number
  readonly reason: string
  readonly lines: string
  /** The whole body, or null: there is none. Undefined: read it from the stream. */
  readonly body: Uint8Array | string | null | undefined
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const PARTS = Symbol("polyhost.response.parts")

interface FastFields {
  body: string | Uint8Array | null
  status: number
  statusText: string
  init: Record<string, string> | Headers | undefined
  headers: Headers | undefined
  /** The real Response, once it was needed for the body. */
  real: Response | undefined
}

interface FastResponse extends Response {
  [PARTS]: FastFields
}

/** The parts of a response that can be sent without its stream, or undefined: it is a real one. */
export function partsOf(response: Response): ResponseParts | undefined {
  const parts = (response as Partial<FastResponse>)[PARTS]
  if (parts === undefined) return undefined
  return {
    status: parts.status,
    reason: parts.statusText,
    lines: linesOfParts(parts),
    body: parts.real === undefined ? parts.body : undefined,
  }
}

/** Header lines of any Headers object. */
export function linesOf(headers: Headers): string {
  let lines = ""
  headers.forEach((value, name) => {
    lines += `${name}: ${value}\r\n`
  })
  return lines
}

function linesOfParts(parts: FastFields): string {
  if (parts.headers !== undefined) return linesOf(parts.headers)
  let lines = ""
  let typed = false
  const init = parts.init
  if (init instanceof Headers) {
    lines = linesOf(init)
    typed = init.has("content-type")
  } else if (init !== undefined) {
    for (const name in init) {
      lines += `${name}: ${init[name]}\r\n`
      if (name.length === 12 && name.toLowerCase() === "content-type") typed = true
    }
  }
  return typed || typeof parts.body !== "string"
    ? lines
    : `${lines}content-type: text/plain;charset=UTF-8\r\n`
}

/** Replaces the global Response of this process. */
export function installFastResponse(): void {
  const Native = globalThis.Response
  if (Native === undefined) return
  const prototype = fastPrototype(Native)

  function FastResponseConstructor(this: unknown, body?: BodyInput, init?: InitInput): Response {
    if (new.target !== undefined && new.target !== FastResponseConstructor) {
      return Reflect.construct(Native, [body, init], new.target)
    }
    const parts = fastParts(body, init)
    if (parts === undefined) return new Native(body, init)
    const response = Object.create(prototype) as FastResponse
    response[PARTS] = parts
    return response
  }
  FastResponseConstructor.json = (data: unknown, init?: InitInput): Response => {
    if (init !== undefined) return Native.json(data, init)
    const text = JSON.stringify(data)
    if (text === undefined) throw new TypeError("The data is not JSON serializable")
    return new (FastResponseConstructor as unknown as typeof Response)(text, {
      headers: { "content-type": "application/json" },
    })
  }
  globalThis.Response = standInFor(Native, FastResponseConstructor)
}

/** Undefined when the arguments need the real constructor: to convert them, or to refuse them. */
function fastParts(body: BodyInput, init: InitInput): FastFields | undefined {
  if (body !== undefined && body !== null && typeof body !== "string" && !(body instanceof Uint8Array))
    return undefined
  const bytes = body instanceof Uint8Array ? body.slice() : (body ?? null)
  let status = 200
  let statusText = ""
  let headers: FastFields["init"]
  if (init !== undefined && init !== null) {
    if (init.status !== undefined) status = init.status
    if (init.statusText !== undefined) statusText = init.statusText
    if (!Number.isInteger(status) || status < 200 || status > 599) return undefined
    if (body !== null && body !== undefined && (status === 204 || status === 205 || status === 304))
      return undefined
    if (statusText !== "" && (typeof statusText !== "string" || !FIELD_VALUE.test(statusText)))
      return undefined
    if (init.headers !== undefined) {
      headers = fastHeaders(init.headers)
      if (headers === undefined) return undefined
    }
  }
  return { body: bytes, status, statusText, init: headers, headers: undefined, real: undefined }
}

/** A copy of a plain object of valid headers, or a new Headers; undefined when only the real constructor can tell. */
function fastHeaders(init: NonNullable<NonNullable<InitInput>["headers"]>): FastFields["init"] {
  if (init instanceof Headers) return new Headers(init)
  if (Array.isArray(init) || Symbol.iterator in init) return undefined
  const copy: Record<string, string> = {}
  for (const name of Object.keys(init)) {
    const value = (init as Record<string, unknown>)[name]
    if (typeof value !== "string" || !TOKEN.test(name) || !FIELD_VALUE.test(value)) return undefined
    if (value !== value.trim() || copy[name] !== undefined) return undefined
    copy[name] = value
  }
  return copy
}

function fastPrototype(Native: typeof Response): object {
  const prototype = onDemandPrototype<FastResponse>(Native.prototype, (self) => real(self, Native))
  const answer = (key: string, get: (self: FastResponse) => unknown): void => getter(prototype, key, get)
  answer("status", (self) => self[PARTS].status)
  answer("ok", (self) => self[PARTS].status >= 200 && self[PARTS].status <= 299)
  answer("statusText", (self) => self[PARTS].statusText)
  answer("type", () => "default")
  answer("url", () => "")
  answer("redirected", () => false)
  answer("bodyUsed", (self) => self[PARTS].real?.bodyUsed ?? false)
  answer("headers", (self) => headersOf(self[PARTS]))
  return prototype
}

function headersOf(parts: FastFields): Headers {
  if (parts.headers === undefined) {
    parts.headers = new Headers(parts.init)
    if (typeof parts.body === "string" && !parts.headers.has("content-type")) {
      parts.headers.set("content-type", "text/plain;charset=UTF-8")
    }
  }
  return parts.headers
}

function real(self: FastResponse, Native: typeof Response): Response {
  const parts = self[PARTS]
  if (parts.real === undefined) {
    const headers = parts.headers ?? parts.init
    parts.real = new Native(parts.body as BodyInput, {
      status: parts.status,
      statusText: parts.statusText,
      ...(headers === undefined ? {} : { headers }),
    })
    parts.headers ??= parts.real.headers
  }
  return parts.real
}
