/** What relative URLs are resolved with: a server has nothing, unless the program gave itself a `location`. */

export function baseUrl(): string | undefined {
  const { location } = globalThis as { location?: { href?: unknown } }
  return typeof location?.href === "string" ? location.href : undefined
}
