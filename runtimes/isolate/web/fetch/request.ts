/** Request. Counterpart for requests that came from outside: `request-state.ts`. */
import type { AbortSignal } from "../events/abort.ts"
import { defineInterface, isObject, requireArguments, toUSVString } from "../idl.ts"
import { parseUrl } from "../url/index.ts"
import { baseUrl } from "./base-url.ts"
import { type BodyContent, type ExtractedBody, extractBody } from "./body-content.ts"
import { type BodyMembers, mixInBody } from "./body-mixin.ts"
import { copyHeaders, guardHeaders, type Headers, makeHeaders, pairsOf } from "./headers.ts"
import {
  type ReferrerPolicy,
  type RequestCache,
  type RequestCredentials,
  type RequestInit,
  type RequestMode,
  type RequestRedirect,
  readRequestInit,
} from "./request-init.ts"
import {
  DEFAULT_OPTIONS,
  MadeRequest,
  type OutsideRequest,
  ReceivedRequest,
  type RequestOptions,
  type RequestState,
} from "./request-state.ts"

const friend = {} as {
  stateOf(request: Request): RequestState
  make(state: RequestState): Request
  is(value: object): boolean
}
/** Tells the constructor that it is given a state and no arguments. */
const MAKE = Symbol("make")

export interface Request extends BodyMembers {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the members of the mixin are added below
export class Request {
  readonly #state: RequestState

  static {
    friend.stateOf = (request) => request.#state
    friend.is = (value) => #state in value
    friend.make = (state) => new Request(MAKE, state)
  }

  constructor(input: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, "Request")
    this.#state = input === MAKE ? (init as RequestState) : makeState(input, init)
  }

  get method(): string {
    return this.#state.method
  }

  get url(): string {
    return this.#state.url
  }

  get headers(): Headers {
    return this.#state.headers
  }

  get destination(): string {
    this.#state
    return ""
  }

  get referrer(): string {
    return this.#state.options.referrer
  }

  get referrerPolicy(): ReferrerPolicy {
    return this.#state.options.referrerPolicy
  }

  get mode(): RequestMode {
    return this.#state.options.mode
  }

  get credentials(): RequestCredentials {
    return this.#state.options.credentials
  }

  get cache(): RequestCache {
    return this.#state.options.cache
  }

  get redirect(): RequestRedirect {
    return this.#state.options.redirect
  }

  get integrity(): string {
    return this.#state.options.integrity
  }

  get keepalive(): boolean {
    return this.#state.options.keepalive
  }

  get isReloadNavigation(): boolean {
    this.#state
    return false
  }

  get isHistoryNavigation(): boolean {
    this.#state
    return false
  }

  get signal(): AbortSignal {
    return this.#state.signal
  }

  get duplex(): "half" {
    this.#state
    return "half"
  }

  clone(): Request {
    const { method, url, headers, content, signal, options } = this.#state
    if (content?.unusable) throw new TypeError("Request.clone: the body was read or is locked already")
    const copy = copyHeaders(headers)
    if (options.mode === "no-cors") guardHeaders(copy, "no-cors")
    return friend.make(
      new MadeRequest({
        method,
        url,
        headers: copy,
        content: content?.clone() ?? null,
        follows: signal,
        options,
      }),
    )
  }
}

mixInBody(Request.prototype, (request) => {
  const state = friend.stateOf(request)
  return {
    content: state.content,
    get contentTypes() {
      return pairsOf(state.headers)
        .filter((pair) => pair[0] === "content-type")
        .map((pair) => pair[1])
    },
  }
})
defineInterface("Request", Request)

export function isRequest(value: unknown): value is Request {
  return isObject(value) && friend.is(value)
}

export function stateOfRequest(request: Request): RequestState {
  return friend.stateOf(request)
}

/** A Request of what came from outside; nothing of it is looked at before the app asks. */
export function receiveRequest(outside: OutsideRequest): Request {
  return friend.make(new ReceivedRequest(outside))
}

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const NORMALIZED = /^(?:delete|get|head|options|post|put)$/i
const FORBIDDEN = /^(?:connect|trace|track)$/i
const WITHOUT_BODY = new Set(["GET", "HEAD"])

/** The steps of `new Request(input, init)`, in the order of the fetch standard. */
function makeState(input: unknown, initValue: unknown): RequestState {
  const original = isRequest(input) ? friend.stateOf(input) : null
  const text = original === null ? toUSVString(input) : ""
  const init = readRequestInit(initValue)
  const url = original === null ? parseInput(text) : original.url
  const options = mergeOptions(original?.options ?? DEFAULT_OPTIONS, init)
  const method = init.method === undefined ? (original?.method ?? "GET") : normalMethod(init.method)
  const headers = mergeHeaders(original, init, options.mode, method)
  if (init.body != null && WITHOUT_BODY.has(method)) throw bodyNotAllowed(method)
  const hasOriginalBody = original !== null && original.content !== null
  if (init.body == null && hasOriginalBody && WITHOUT_BODY.has(method)) throw bodyNotAllowed(method)
  const given = init.body == null ? null : extractBody(init.body, options.keepalive)
  if (given !== null) describeBody(given, headers, init, options)
  const follows = init.signal === undefined ? (original?.signal ?? null) : init.signal
  const content = given === null ? takeBody(original) : given.content
  return new MadeRequest({ method, url, headers, content, follows, options })
}

function parseInput(text: string): string {
  const parsed = parseUrl(text, baseUrl())
  if (parsed === null) throw new TypeError(`Request: ${JSON.stringify(text)} is not a URL`)
  if (parsed.hasCredentials) throw new TypeError("Request: the URL has a user name or a password in it")
  return parsed.href
}

function mergeOptions(original: RequestOptions, init: RequestInit): RequestOptions {
  if (init.isEmpty) return original
  if (init.mode === "navigate") throw new TypeError("Request: the mode cannot be navigate")
  const options: RequestOptions = {
    cache: init.cache ?? original.cache,
    credentials: init.credentials ?? original.credentials,
    integrity: init.integrity ?? original.integrity,
    keepalive: init.keepalive ?? original.keepalive,
    mode: init.mode ?? original.mode,
    redirect: init.redirect ?? original.redirect,
    referrer: init.referrer === undefined ? "about:client" : toReferrer(init.referrer),
    referrerPolicy: init.referrerPolicy ?? "",
  }
  if (options.cache === "only-if-cached" && options.mode !== "same-origin") {
    throw new TypeError("Request: the cache mode only-if-cached needs the mode same-origin")
  }
  return options
}

function toReferrer(referrer: string): string {
  if (referrer === "") return ""
  const parsed = parseUrl(referrer, baseUrl())
  if (parsed === null) throw new TypeError(`Request: the referrer ${JSON.stringify(referrer)} is not a URL`)
  const base = baseUrl()
  const isForeign = base !== undefined && originOf(parsed.href) !== originOf(base)
  return isForeign || parsed.href === "about:client" ? "about:client" : parsed.href
}

function originOf(href: string): string {
  return /^[^/]*\/\/[^/?#]*/.exec(href)?.[0] ?? href
}

function normalMethod(method: string): string {
  if (!METHOD.test(method)) throw new TypeError(`Request: ${JSON.stringify(method)} is not a method`)
  if (FORBIDDEN.test(method)) throw new TypeError(`Request: the method ${method} is not allowed`)
  return NORMALIZED.test(method) ? method.toUpperCase() : method
}

function mergeHeaders(
  original: RequestState | null,
  init: RequestInit,
  mode: RequestMode,
  method: string,
): Headers {
  const wanted = (init.headers as Headers | undefined) ?? original?.headers
  const pairs = wanted === undefined ? [] : pairsOf(wanted)
  if (mode !== "no-cors") return makeHeaders([...pairs])
  if (!/^(?:GET|HEAD|POST)$/.test(method))
    throw new TypeError(`Request: ${method} cannot be of the mode no-cors`)
  const headers = makeHeaders([], "no-cors")
  for (const [name, value] of pairs) headers.append(name, value)
  return headers
}

function bodyNotAllowed(method: string): TypeError {
  return new TypeError(`Request: a request with the method ${method} cannot have a body`)
}

function describeBody(
  given: ExtractedBody,
  headers: Headers,
  init: RequestInit,
  options: RequestOptions,
): void {
  if (given.type !== null && !headers.has("content-type")) headers.append("content-type", given.type)
  if (!given.isStream) return
  if (init.duplex === undefined)
    throw new TypeError('Request: a stream as body needs the member duplex: "half"')
  if (options.mode !== "same-origin" && options.mode !== "cors") {
    throw new TypeError("Request: a stream as body needs the mode cors or same-origin")
  }
}

/** The body of the Request that this one is made from: it goes over. */
function takeBody(original: RequestState | null): BodyContent | null {
  const content = original?.content ?? null
  if (content === null) return null
  if (content.unusable) throw new TypeError("Request: the body of the request was read or is locked already")
  return content.handOver()
}
