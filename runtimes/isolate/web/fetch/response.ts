/** Response. Its headers and the stream of its body are made when somebody asks for them. */
import { toByteString, toUnsignedShort } from "../conversions.ts"
import { defineInterface, isObject, requireArguments, toDictionary, toUSVString } from "../idl.ts"
import { parseUrl } from "../url/index.ts"
import { baseUrl } from "./base-url.ts"
import { BodyContent, type ExtractedBody, extractBody } from "./body-content.ts"
import { type BodyMembers, mixInBody } from "./body-mixin.ts"
import type { HeaderPair } from "./header-list.ts"
import { copyHeaders, guardHeaders, Headers, makeHeaders, pairsOf } from "./headers.ts"

export type ResponseType = "basic" | "cors" | "default" | "error" | "opaque" | "opaqueredirect"

export interface ResponseState {
  readonly type: ResponseType
  /** The URLs it came by, the last without its fragment; "" when it was made here. */
  readonly url: string
  readonly redirected: boolean
  readonly status: number
  readonly statusText: string
  /** Null until somebody asks: then there is only the content's type. */
  headers: Headers | null
  readonly contentType: string | null
  readonly content: BodyContent | null
}

const NULL_BODY = new Set([101, 103, 204, 205, 304])
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const REASON_PHRASE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/
const friend = {} as {
  stateOf(response: Response): ResponseState
  make(state: ResponseState): Response
  is(value: object): boolean
}

export interface Response extends BodyMembers {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the members of the mixin are added below
export class Response {
  #state: ResponseState

  static {
    friend.stateOf = (response) => response.#state
    friend.is = (value) => #state in value
    friend.make = (state) => {
      const response = new Response()
      response.#state = state
      return response
    }
  }

  constructor(body: unknown = null, init: unknown = undefined) {
    const given = body === null || body === undefined ? null : extractBody(body)
    this.#state = makeState(given, init)
  }

  static error(): Response {
    const headers = makeHeaders([], "immutable")
    return friend.make({ ...DEFAULTS, type: "error", status: 0, headers })
  }

  static redirect(url: unknown, status: unknown = 302): Response {
    requireArguments(arguments.length, 1, "Response.redirect")
    const parsed = parseUrl(toUSVString(url), baseUrl())
    if (parsed === null) throw new TypeError("Response.redirect: the argument is not a URL")
    const code = toUnsignedShort(status)
    if (!REDIRECTS.has(code))
      throw new RangeError(`Response.redirect: ${code} is not the status of a redirect`)
    const headers = makeHeaders([["location", parsed.href]], "immutable")
    return friend.make({ ...DEFAULTS, status: code, headers })
  }

  static json(data: unknown, init: unknown = undefined): Response {
    requireArguments(arguments.length, 1, "Response.json")
    const text = JSON.stringify(data)
    if (text === undefined) throw new TypeError("Response.json: the data has no JSON form")
    const content = new BodyContent(toUSVString(text))
    const given = { content, type: "application/json", isStream: false, source: text }
    return friend.make(makeState(given, init))
  }

  get type(): ResponseType {
    return this.#state.type
  }

  get url(): string {
    return this.#state.url
  }

  get redirected(): boolean {
    return this.#state.redirected
  }

  get status(): number {
    return this.#state.status
  }

  get ok(): boolean {
    const { status } = this.#state
    return status >= 200 && status <= 299
  }

  get statusText(): string {
    return this.#state.statusText
  }

  get headers(): Headers {
    const state = this.#state
    state.headers ??= makeHeaders(state.contentType === null ? [] : [["content-type", state.contentType]])
    return state.headers
  }

  clone(): Response {
    const state = this.#state
    if (state.content?.unusable) throw new TypeError("Response.clone: the body was read or is locked already")
    const headers = state.headers === null ? null : copyHeaders(state.headers)
    if (headers !== null && state.type !== "default") guardHeaders(headers, "immutable")
    return friend.make({ ...state, headers, content: state.content?.clone() ?? null })
  }
}

mixInBody(Response.prototype, (response) => {
  const state = friend.stateOf(response)
  return {
    content: state.content,
    get contentTypes() {
      return headerValues(state, "content-type")
    },
  }
})
defineInterface("Response", Response)

const DEFAULTS: ResponseState = {
  type: "default",
  url: "",
  redirected: false,
  status: 200,
  statusText: "",
  headers: null,
  contentType: null,
  content: null,
}

export function isResponse(value: unknown): value is Response {
  return isObject(value) && friend.is(value)
}

export function stateOfResponse(response: Response): ResponseState {
  return friend.stateOf(response)
}

/** A Response of these parts, unchecked. */
export function makeResponse(parts: Partial<ResponseState>): Response {
  return friend.make({ ...DEFAULTS, ...parts })
}

/** Header pairs as they will be sent, without making a Headers object. */
export function pairsOfResponse({ headers, contentType }: ResponseState): readonly HeaderPair[] {
  if (headers !== null) return pairsOf(headers)
  return contentType === null ? [] : [["content-type", contentType]]
}

function headerValues(state: ResponseState, name: string): string[] {
  return pairsOfResponse(state)
    .filter((pair) => pair[0] === name)
    .map((pair) => pair[1])
}

/** "Initialize a response". */
function makeState(given: ExtractedBody | null, init: unknown): ResponseState {
  const content = given?.content ?? null
  const contentType = given?.type ?? null
  if (init === undefined || init === null) return { ...DEFAULTS, content, contentType }
  const dictionary = toDictionary(init, "Response: init")
  const { headers: headersInit } = dictionary
  const headers = headersInit === undefined ? null : new Headers(headersInit)
  const { status: statusInit } = dictionary
  const status = statusInit === undefined ? 200 : toUnsignedShort(statusInit)
  const { statusText: textInit } = dictionary
  const statusText = textInit === undefined ? "" : toByteString(textInit)
  if (status < 200 || status > 599)
    throw new RangeError(`Response: ${status} is not a status from 200 to 599`)
  if (!REASON_PHRASE.test(statusText))
    throw new TypeError("Response: the statusText has a character it cannot have")
  if (given !== null && NULL_BODY.has(status)) {
    throw new TypeError(`Response: a response with status ${status} cannot have a body`)
  }
  if (headers !== null && contentType !== null && !headers.has("content-type")) {
    headers.append("content-type", contentType)
  }
  return { ...DEFAULTS, status, statusText, headers, content, contentType }
}
