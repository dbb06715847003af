/** RequestInit: its members read and converted in the order Web IDL wants, nothing judged yet but their own values. */
import { toByteString, toEnumeration } from "../conversions.ts"
import { type AbortSignal, isAbortSignal } from "../events/abort.ts"
import { toDictionary, toDOMString, toUSVString } from "../idl.ts"
import { Headers } from "./headers.ts"

const CACHES = ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"] as const
const CREDENTIALS = ["omit", "same-origin", "include"] as const
const MODES = ["navigate", "same-origin", "no-cors", "cors"] as const
const PRIORITIES = ["high", "low", "auto"] as const
const REDIRECTS = ["follow", "error", "manual"] as const
const POLICIES = [
  "",
  "no-referrer",
  "no-referrer-when-downgrade",
  "same-origin",
  "origin",
  "strict-origin",
  "origin-when-cross-origin",
  "strict-origin-when-cross-origin",
  "unsafe-url",
] as const

export type RequestCache = (typeof CACHES)[number]
export type RequestCredentials = (typeof CREDENTIALS)[number]
export type RequestMode = (typeof MODES)[number]
export type RequestRedirect = (typeof REDIRECTS)[number]
export type ReferrerPolicy = (typeof POLICIES)[number]

export interface RequestInit {
  readonly body: unknown
  readonly cache: RequestCache | undefined
  readonly credentials: RequestCredentials | undefined
  readonly duplex: "half" | undefined
  readonly headers: unknown
  readonly integrity: string | undefined
  readonly keepalive: boolean | undefined
  readonly method: string | undefined
  readonly mode: RequestMode | undefined
  readonly redirect: RequestRedirect | undefined
  readonly referrer: string | undefined
  readonly referrerPolicy: ReferrerPolicy | undefined
  /** Undefined: not given; null: none. */
  readonly signal: AbortSignal | null | undefined
  readonly isEmpty: boolean
}

export function readRequestInit(value: unknown): RequestInit {
  const given = toDictionary(value, "Request: init")
  let isEmpty = true
  const member = <Result>(name: string, convert: (value: unknown) => Result): Result | undefined => {
    const raw = given[name]
    if (raw === undefined) return undefined
    isEmpty = false
    return convert(raw)
  }
  const word = <Word extends string>(name: string, words: readonly Word[]) =>
    member(name, (raw) => toEnumeration(raw, words, `Request: ${name}`))
  const init = {
    body: member("body", (raw) => raw),
    cache: word("cache", CACHES),
    credentials: word("credentials", CREDENTIALS),
    duplex: word("duplex", ["half"]),
    headers: member("headers", (raw) => new Headers(raw)),
    integrity: member("integrity", toDOMString),
    keepalive: member("keepalive", Boolean),
    method: member("method", toByteString),
    mode: word("mode", MODES),
    priority: word("priority", PRIORITIES),
    redirect: word("redirect", REDIRECTS),
    referrer: member("referrer", toUSVString),
    referrerPolicy: word("referrerPolicy", POLICIES),
    signal: member("signal", toSignal),
    window: member("window", toNoWindow),
  }
  return { ...init, isEmpty }
}

function toSignal(value: unknown): AbortSignal | null {
  if (value === null || isAbortSignal(value)) return value
  throw new TypeError("Request: the signal is not an AbortSignal")
}

function toNoWindow(value: unknown): null {
  if (value === null) return null
  throw new TypeError("Request: window can only be null")
}
