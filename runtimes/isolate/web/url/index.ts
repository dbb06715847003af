/** URL and URLSearchParams of whatwg-url, URLPattern of urlpattern-polyfill. */
import "../early.ts"
import { URLPattern } from "urlpattern-polyfill/urlpattern"
import { parseURL, serializeURL, URL, URLSearchParams } from "whatwg-url"
import { exposeLibraryClasses } from "../library-classes.ts"

export { URLSearchParams }

export function installUrl(target: object): void {
  exposeLibraryClasses(target, { URL, URLSearchParams, URLPattern })
}

export interface ParsedUrl {
  readonly href: string
  readonly scheme: string
  readonly hasCredentials: boolean
}

/** A URL by the standard's parser, or null. Relative ones need `base`. */
export function parseUrl(input: string, base?: string): ParsedUrl | null {
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
