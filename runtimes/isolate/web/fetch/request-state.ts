/**
 * What a Request knows. Made from the arguments of its constructor, or from a request that came from outside: then its parts
 * are asked for when the app asks, and an app that reads none of them costs nothing.
 */
import type { AbortSignal } from "../events/abort.ts"
import { BodyContent, type OutsideBody } from "./body-content.ts"
import type { Headers } from "./headers.ts"
import type {
  ReferrerPolicy,
  RequestCache,
  RequestCredentials,
  RequestMode,
  RequestRedirect,
} from "./request-init.ts"
import { followingSignal } from "./signals.ts"

/** A request as the guest has it; each member is asked for at most once, but `method`. */
export interface OutsideRequest {
  readonly method: string
  /** As the URL standard writes it. */
  readonly url: string
  readonly headers: Headers
  readonly signal: AbortSignal
  readonly body: OutsideBody | null
}

export interface RequestParts {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly content: BodyContent | null
  /** The signal it follows. */
  readonly follows: AbortSignal | null
  readonly options: RequestOptions
}

export interface RequestOptions {
  readonly cache: RequestCache
  readonly credentials: RequestCredentials
  readonly integrity: string
  readonly keepalive: boolean
  readonly mode: RequestMode
  readonly redirect: RequestRedirect
  readonly referrer: string
  readonly referrerPolicy: ReferrerPolicy
}

export const DEFAULT_OPTIONS: RequestOptions = {
  cache: "default",
  credentials: "same-origin",
  integrity: "",
  keepalive: false,
  mode: "cors",
  redirect: "follow",
  referrer: "about:client",
  referrerPolicy: "",
}

export interface RequestState {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly content: BodyContent | null
  readonly signal: AbortSignal
  readonly options: RequestOptions
}

export class MadeRequest implements RequestState {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly content: BodyContent | null
  readonly options: RequestOptions
  readonly #follows: AbortSignal | null
  #signal: AbortSignal | undefined

  constructor({ method, url, headers, content, follows, options }: RequestParts) {
    this.method = method
    this.url = url
    this.headers = headers
    this.content = content
    this.options = options
    this.#follows = follows
  }

  get signal(): AbortSignal {
    this.#signal ??= followingSignal(this.#follows)
    return this.#signal
  }
}

export class ReceivedRequest implements RequestState {
  readonly options = DEFAULT_OPTIONS
  readonly #outside: OutsideRequest
  #headers: Headers | undefined
  #content: BodyContent | null | undefined
  #signal: AbortSignal | undefined

  constructor(outside: OutsideRequest) {
    this.#outside = outside
  }

  get method(): string {
    return this.#outside.method
  }

  get url(): string {
    return this.#outside.url
  }

  get headers(): Headers {
    this.#headers ??= this.#outside.headers
    return this.#headers
  }

  get content(): BodyContent | null {
    if (this.#content === undefined) {
      const { body, method } = this.#outside
      // The fetch standard forbids a body here; what a client sends all the same is not read.
      const without = body === null || method === "GET" || method === "HEAD"
      this.#content = without ? null : new BodyContent(body)
    }
    return this.#content
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#outside.signal
    return this.#signal
  }
}
