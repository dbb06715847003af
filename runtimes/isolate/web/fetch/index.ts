/** Headers, Request, Response, FormData; and what the guest and `fetch` need beneath them. */
import { exposeInterfaces } from "../idl.ts"
import type { ReadableStream } from "../streams/index.ts"
import { FormData } from "./form-data.ts"
import { Headers } from "./headers.ts"
import { Request } from "./request.ts"
import { isResponse, pairsOfResponse, Response, stateOfResponse } from "./response.ts"

export type { BodyContent, OutsideBody } from "./body-content.ts"
export { BodyContent as ResponseContent } from "./body-content.ts"
export type { HeaderPair } from "./header-list.ts"
export { copyHeaders, Headers, makeHeaders, pairsOf } from "./headers.ts"
export { isRequest, Request, receiveRequest, stateOfRequest } from "./request.ts"
export type { OutsideRequest, RequestState } from "./request-state.ts"
export { isResponse, makeResponse, Response, stateOfResponse } from "./response.ts"

export function installFetchClasses(target: object): void {
  exposeInterfaces(target, { FormData, Headers, Request, Response })
}

export interface ResponseParts {
  readonly status: number
  readonly statusText: string
  /** Name, value, name, value …: lower-case names, in the order they were added. */
  readonly headers: readonly string[]
  /** A stream only if the body is not at hand. Whoever takes the parts reads the body: the Response then counts as used. */
  readonly body: string | Uint8Array | ReadableStream<Uint8Array> | null
}

/** Takes a Response apart to send it. Null: not one of ours. Throws a TypeError when its body was read already. */
export function responseParts(response: unknown): ResponseParts | null {
  if (!isResponse(response)) return null
  const state = stateOfResponse(response)
  const { status, statusText, content } = state
  if (status === 0) throw new TypeError("Response.error() is no answer")
  const pairs = pairsOfResponse(state)
  // An answer of `fetch` was decoded on the way in: what it says of its encoded form is no longer true.
  const isDecoded = state.url !== "" && pairs.some((pair) => pair[0] === "content-encoding")
  const headers: string[] = []
  for (const [name, value] of pairs) {
    if (!isDecoded || (name !== "content-encoding" && name !== "content-length")) headers.push(name, value)
  }
  if (content === null) return { status, statusText, headers, body: null }
  if (content.unusable) throw new TypeError("The body of the response was read or is locked already")
  const body = content.atHand === undefined ? content.stream : content.take()
  return { status, statusText, headers, body }
}
