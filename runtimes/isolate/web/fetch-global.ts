/**
 * The global `fetch`: the steps of the fetch standard that a server has. Owns redirects, abort and what becomes of errors.
 * Each hop is a call to the cell, which alone decides whether the app may go there: `../egress/` is the counterpart.
 * What is at hand (`data:`) never leaves the isolate.
 */
import type { CallClient } from "../../../protocol/calls/call-client.ts"
import { onAbort } from "./events/abort.ts"
import type { BodyContent } from "./fetch/body-content.ts"
import { makeHeaders, makeResponse, pairsOf, Request, type Response, stateOfRequest } from "./fetch/index.ts"
import type { RequestState } from "./fetch/request-state.ts"
import { AnswerBody } from "./fetch-global/answer-body.ts"
import { readDataUrl } from "./fetch-global/data-url.ts"
import { type Answer, Hop, type HopRequest } from "./fetch-global/hop.ts"
import { readIntegrity } from "./fetch-global/integrity.ts"
import { Line } from "./fetch-global/line.ts"
import { failed } from "./fetch-global/network-error.ts"
import { redirectOf } from "./fetch-global/redirect.ts"
import { bodyOf, contentOf } from "./fetch-global/sending.ts"
import { exposeFunctions } from "./idl.ts"
import { withoutFragment } from "./url/index.ts"

export type Fetch = (input: unknown, init?: unknown) => Promise<Response>

/** Fetches of one isolate that are in flight; more wait their turn, in order. */
const MOST_IN_FLIGHT = 64
const MOST_REDIRECTS = 20
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/** `calls` is asked when the app fetches something: the snapshot is made without it. */
export function installFetch(target: object, calls: () => CallClient): void {
  exposeFunctions(target, { fetch: createFetch(calls) })
}

export function createFetch(calls: () => CallClient): Fetch {
  const line = new Line(MOST_IN_FLIGHT)
  return function fetch(input: unknown, init: unknown = undefined): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      const state = stateOfRequest(new Request(input, init))
      new Fetching(state, { calls, line }, { resolve, reject }).start()
    })
  }
}

interface Means {
  readonly calls: () => CallClient
  readonly line: Line
}

interface Settle {
  resolve(response: Response): void
  reject(reason: unknown): void
}

/** One `fetch`, over all its redirects. */
class Fetching {
  readonly #state: RequestState
  readonly #means: Means
  readonly #settle: Settle
  #hop: Hop | null = null
  #redirects = 0
  #forgetSignal: () => void = () => undefined

  constructor(state: RequestState, means: Means, settle: Settle) {
    this.#state = state
    this.#means = means
    this.#settle = settle
  }

  start(): void {
    const { url, method, headers, content, signal } = this.#state
    const body = bodyOf(content)
    if (signal.aborted) {
      body?.drop(signal.reason)
      this.#settle.reject(signal.reason)
      return
    }
    if (url.startsWith("data:")) return this.#answerAtHand(url)
    this.#forgetSignal = onAbort(signal, () => {
      this.#hop?.abort(signal.reason)
      this.#settle.reject(signal.reason)
    })
    this.#go({ url: withoutFragment(url), method, headers: pairsOf(headers), body }, url)
  }

  /** `href`: the URL with its fragment, which the next one inherits. */
  #go(request: HopRequest, href: string): void {
    if (!/^https?:/.test(request.url))
      return this.#fail(
        `${request.url.slice(0, request.url.indexOf(":") + 1)} is not fetched, only http: and https:`,
      )
    const hop: Hop = new Hop(request, {
      answered: (answer) => this.#answered(answer, request, href, hop),
      failed: (reason) => this.#fail(reason),
      ended: () => this.#forgetSignal(),
    })
    this.#hop = hop
    this.#means.line.enter((leave) => hop.start(this.#means.calls(), leave))
  }

  #answered(answer: Answer, request: HopRequest, href: string, hop: Hop): void {
    const { redirect } = this.#state.options
    const next = redirect === "manual" ? null : redirectOf(answer, request, href)
    if (next === null) return this.#deliver(answer, request, hop)
    hop.dropAnswer()
    if (redirect === "error") return this.#fail("the server answered with a redirect")
    if (typeof next === "string") return this.#fail(next)
    if (++this.#redirects > MOST_REDIRECTS) return this.#fail(`more than ${MOST_REDIRECTS} redirects`)
    this.#go(next.request, next.href)
  }

  #deliver(answer: Answer, request: HopRequest, hop: Hop): void {
    const { status } = answer
    const isBodiless = request.method === "HEAD" || NULL_BODY.has(status)
    if (isBodiless) {
      hop.dropAnswer()
      this.#forgetSignal()
    }
    const body = isBodiless ? null : hop.answerBody
    const respond = (content: BodyContent | null): void =>
      this.#settle.resolve(
        makeResponse({
          type: "basic",
          url: request.url,
          redirected: this.#redirects > 0,
          status,
          statusText: answer.reason,
          headers: makeHeaders([...answer.pairs], "immutable"),
          content,
        }),
      )
    this.#checked(body, respond)
  }

  /** With an integrity to check the whole answer is read first: nothing of a wrong one may be seen. */
  #checked(
    body: AnswerBody | Uint8Array<ArrayBuffer> | null,
    respond: (content: BodyContent | null) => void,
  ): void {
    const check = readIntegrity(this.#state.options.integrity)
    if (check === null) return respond(body === null ? null : contentOf(body))
    const whole = body instanceof AnswerBody ? body.bytes() : Promise.resolve(body ?? new Uint8Array(0))
    whole
      .then(async (bytes) => {
        const own = new Uint8Array(bytes)
        if (await check(own)) respond(body === null ? null : contentOf(own))
        else this.#fail("the answer does not have the integrity that was asked for")
      })
      .catch((error: unknown) => this.#fail(error as Error))
  }

  #answerAtHand(url: string): void {
    const read = readDataUrl(withoutFragment(url))
    if (read === null) return this.#fail("the data: URL is malformed")
    const parts = { type: "basic", url: withoutFragment(url), status: 200, statusText: "OK" } as const
    const headers = makeHeaders([["content-type", read.type]], "immutable")
    this.#checked(this.#state.method === "HEAD" ? null : read.bytes, (content) =>
      this.#settle.resolve(makeResponse({ ...parts, headers, content })),
    )
  }

  #fail(reason: Error | string): void {
    this.#forgetSignal()
    this.#settle.reject(failed(typeof reason === "string" ? new Error(reason) : reason))
  }
}
