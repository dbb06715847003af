/** URL (over whatwg-url), URLSearchParams of whatwg-url, URLPattern of urlpattern-polyfill. */
import "../early.ts"
import { URLPattern } from "urlpattern-polyfill/urlpattern"
import { parseURL, serializeURL, URLSearchParams } from "whatwg-url"
import { defineInterface, exposeInterfaces } from "../idl.ts"
import { exposeLibraryClasses } from "../library-classes.ts"
import { plainUrl, protocolOf } from "./plain-url.ts"
import { URL } from "./url.ts"

export { URL, URLSearchParams }

defineInterface("URLPattern", URLPattern)

export function installUrl(target: object): void {
  exposeInterfaces(target, { URL })
  exposeLibraryClasses(target, { URLSearchParams, URLPattern })
}

export interface ParsedUrl {
  readonly href: string
  readonly scheme: string
  readonly hasCredentials: boolean
}

/** A URL by the standard's parser, or null. Relative ones need `base`. */
export function parseUrl(input: string, base?: string): ParsedUrl | null {
  const plain = plainUrl(input, base)
  if (plain !== null) return { href: plain, scheme: protocolOf(plain).slice(0, -1), hasCredentials: false }
  const baseRecord = base === undefined ? null : parseURL(base)
  const record = parseURL(input, baseRecord === null ? {} : { baseURL: baseRecord })
  if (record === null) return null
  return {
    href: serializeURL(record),
    scheme: record.scheme,
    hasCredentials: record.username !== "" || record.password !== "",
  }
}

export function withoutFragment(href: string): string {
  const at = href.indexOf("#")
  return at === -1 ? href : href.slice(0, at)
}
